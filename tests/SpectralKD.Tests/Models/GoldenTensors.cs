using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace SpectralKD.Tests.Models;

/// <summary>Reads golden safetensors files, which hold float32 and int64 only.</summary>
internal static class GoldenTensors
{
    public static Dictionary<string, Tensor> Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var start = 8 + length;
        using var header = JsonDocument.Parse(bytes.AsMemory(8, length));
        return header.RootElement.EnumerateObject().Where(entry => entry.Name != "__metadata__").ToDictionary(
            entry => entry.Name,
            entry =>
            {
                var shape = entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).ToArray();
                var range = entry.Value.GetProperty("data_offsets").EnumerateArray().Select(at => at.GetInt32()).ToArray();
                var data = bytes.AsSpan(start + range[0], range[1] - range[0]);
                return entry.Value.GetProperty("dtype").GetString() == "I64"
                    ? tensor(MemoryMarshal.Cast<byte, long>(data).ToArray(), shape)
                    : tensor(MemoryMarshal.Cast<byte, float>(data).ToArray(), shape);
            });
    }
}
