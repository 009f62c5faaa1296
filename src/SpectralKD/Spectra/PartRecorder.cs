using System.Buffers;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using SpectralKD.Data;
using SpectralKD.Models;
using SpectralKD.Weights;
using static TorchSharp.torch;

namespace SpectralKD.Spectra;

/// <summary>Notes while an analysis runs what it is made of; 8 bytes an image.</summary>
internal sealed class PartRecorder
{
    private static readonly string ProductVersion =
        typeof(PartRecorder).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private readonly ArrayBufferWriter<byte> _contents = new();
    private readonly SpectrumPart _part;

    internal PartRecorder(VisionModel model, string source)
    {
        var weight = model.AnyWeight;
        _part = new SpectrumPart
        {
            Model = model.Spec.Name,
            Weights = model.Origin,
            WeightsHash = WeightHash.Of(model),
            NumberType = weight.dtype.ToString(),
            Device = weight.device_type.ToString().ToLowerInvariant(),
            Source = source,
            Images = 0,
            Contents = "",
            Version = ProductVersion,
            LibTorch = __version__,
        };
    }

    /// <summary>Notes the images of a batch.</summary>
    internal void Add(Tensor images)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var pixels = images.detach().to(ScalarType.Float32).cpu().contiguous(); // (B, 3, S, S)
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        for (var i = 0; i < pixels.shape[0]; i++)
        {
            SHA256.HashData(TensorBytes.Of(pixels.narrow(0, i, 1)), hash);
            _contents.Write(hash[..8]);
        }
    }

    /// <summary>The record of a stream that the caller made.</summary>
    internal SpectrumPart ToPart() => _part with
    {
        Images = _contents.WrittenCount / 8,
        Contents = Convert.ToBase64String(_contents.WrittenSpan),
    };

    /// <summary>The record of a source, or of a part of it.</summary>
    internal SpectrumPart ToPart(ModelSpec spec, IImageSource source, DataShard? shard, IEnumerable<int> leftOut) => ToPart() with
    {
        Input = SpectrumInput.Of(spec),
        List = HashOf(source),
        ListCount = source.Count,
        Shard = shard?.ToString(),
        LeftOut = [.. leftOut],
    };

    // Each name is preceded by its length, so that no two lists give the same text.
    private static string HashOf(IImageSource source)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < source.Count; i++)
        {
            var name = source.ItemName(i);
            sha.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{source.Label(i)} {name.Length} {name}\n")));
        }

        return Convert.ToHexString(sha.GetHashAndReset()).ToLowerInvariant();
    }
}
