using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace SpectralKD.Tests.Spectra;

/// <summary>The golden feature maps: from the generator's formula, or as PyTorch saved them.</summary>
internal static class GoldenMaps
{
    /// <summary>A map by formula: noise, or noise smoothed over space and channels.</summary>
    public static Tensor Generate(string name, string kind, long[] shape)
    {
        var noise = tensor(Generator.Values(name, shape.Aggregate(1L, (a, b) => a * b), 4, 0), shape);
        return kind == "noise" ? noise : Smooth(noise);
    }

    /// <summary>A float32 tensor of a safetensors file that PyTorch wrote.</summary>
    public static Tensor Read(string path, string name)
    {
        var bytes = File.ReadAllBytes(path);
        var headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        using var header = JsonDocument.Parse(Encoding.UTF8.GetString(bytes, 8, headerLength));
        var entry = header.RootElement.GetProperty(name);
        var shape = entry.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).ToArray();
        var begin = 8 + headerLength + entry.GetProperty("data_offsets")[0].GetInt32();
        var count = (int)shape.Aggregate(1L, (a, b) => a * b);
        return tensor(MemoryMarshal.Cast<byte, float>(bytes.AsSpan(begin, 4 * count)).ToArray(), shape);
    }

    private static Tensor Smooth(Tensor noise)
    {
        using var scope = NewDisposeScope();
        var wide = noise.to(float64);
        var sum = zeros_like(wide);
        foreach (var down in (ReadOnlySpan<long>)[-1, 0, 1])
        {
            foreach (var right in (ReadOnlySpan<long>)[-1, 0, 1])
            {
                sum += wide.roll([down, right], [2, 3]);
            }
        }

        sum = sum / 9;
        return ((sum + sum.roll(1, 1)) / 2).to(float32).MoveToOuterDisposeScope();
    }
}
