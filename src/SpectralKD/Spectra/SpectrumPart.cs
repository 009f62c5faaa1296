using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace SpectralKD.Spectra;

/// <summary>
/// What one analysis was made of: which weights, which images, prepared how. A spectrum keeps this record of each of its parts, so that
/// merging can refuse what overlaps or differs.
/// </summary>
public sealed record SpectrumPart
{
    /// <summary>timm name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>Where the model's weights came from.</summary>
    public required ModelOrigin Weights { get; init; }

    /// <summary>SHA-256 over the names and values of the parameters that were used, lower-case hexadecimal.</summary>
    public required string WeightsHash { get; init; }

    /// <summary>Numbers in which the model computed: <c>Float32</c>, <c>Tf32</c>, <c>BFloat16</c>. Parts of different ones do not merge.</summary>
    public required string NumberType { get; init; }

    /// <summary>Kind of device the model ran on: <c>cpu</c>, <c>cuda</c>. Parts of several devices merge; their last bits differ.</summary>
    public required string Device { get; init; }

    /// <summary>How the images were prepared; null where the caller did it.</summary>
    public SpectrumInput? Input { get; init; }

    /// <summary>Name of the image source.</summary>
    public required string Source { get; init; }

    /// <summary>Number of images analysed.</summary>
    public required int Images { get; init; }

    /// <summary>SHA-256 over the names and labels of the source's whole list of images, in order, lower-case hexadecimal; null for a stream.</summary>
    public string? List { get; init; }

    /// <summary>Number of images in that list.</summary>
    public int? ListCount { get; init; }

    /// <summary>Which part of the list was analysed, <c>i/n</c>; null for all of it.</summary>
    public string? Shard { get; init; }

    /// <summary>0-based places in the list of images that could not be read.</summary>
    public ImmutableArray<int> LeftOut { get; init; } = [];

    /// <summary>
    /// 8 bytes for each image in the order of analysis, as base64: the start of the SHA-256 of its pixels as the model got them
    /// (normalised float32 values <c>[3, S, S]</c>).
    /// </summary>
    public required string Contents { get; init; }

    /// <summary>Version of this library that made the analysis.</summary>
    public required string Version { get; init; }

    /// <summary>Version of libtorch that made the analysis.</summary>
    [JsonPropertyName("libtorch")]
    public required string LibTorch { get; init; }

    /// <summary>In words: <c>deit_nano_patch8_64 over textures, part 1/3</c>.</summary>
    [JsonIgnore]
    public string Words => $"{Model} over {Source}" + (Shard is null ? "" : $", part {Shard}");

    /// <summary>Places of the analysed images in their list, in the order of <see cref="Contents"/>; null for a stream.</summary>
    internal int[]? Places()
    {
        if (ListCount is not { } count)
        {
            return null;
        }

        var shard = Shard is null ? new DataShard(1, 1) : DataShard.Parse(Shard);
        var leftOut = LeftOut.ToHashSet();
        var places = new List<int>(Images);
        for (long place = shard.Number - 1; place < count; place += shard.Count)
        {
            if (!leftOut.Contains((int)place))
            {
                places.Add((int)place);
            }
        }

        return [.. places];
    }

    /// <summary>The images' hashes.</summary>
    /// <exception cref="FormatException"><see cref="Contents"/> is no base64.</exception>
    internal ulong[] Keys()
    {
        var bytes = Convert.FromBase64String(Contents);
        return [.. Enumerable.Range(0, bytes.Length / 8).Select(i => BitConverter.ToUInt64(bytes, 8 * i))];
    }
}

/// <summary>How images were prepared for a model: timm's evaluation transform.</summary>
public sealed record SpectrumInput
{
    /// <summary>Size of the model's input in pixels.</summary>
    public required ImageSize Size { get; init; }

    /// <summary>What images were resized to before the centre crop.</summary>
    public required ImageResize Resize { get; init; }

    /// <summary>timm's <c>crop_pct</c>.</summary>
    public required double Crop { get; init; }

    /// <summary>How it was resized.</summary>
    public string Interpolation { get; init; } = "bicubic";

    /// <summary>Mean of each channel that was subtracted.</summary>
    public required ImmutableArray<float> Mean { get; init; }

    /// <summary>Standard deviation of each channel that was divided by.</summary>
    public required ImmutableArray<float> Std { get; init; }

    /// <summary>All of it in one line; equal for equal preparations.</summary>
    [JsonIgnore]
    public string Words => FormattableString.Invariant(
        $"{Size} pixels, {Resize.Words} ({Interpolation}), crop {Crop:R}, mean {Triple(Mean)}, std {Triple(Std)}");

    internal static SpectrumInput Of(ModelSpec spec) => new()
    {
        Size = spec.ImageSize,
        Resize = spec.Preprocessing.ResizeTo(spec.ImageSize),
        Interpolation = spec.Preprocessing.ResizeTo(spec.ImageSize).Interpolation,
        Crop = spec.Preprocessing.CropFraction,
        Mean = [.. spec.Preprocessing.Mean],
        Std = [.. spec.Preprocessing.Std],
    };

    private static string Triple(ImmutableArray<float> values) => string.Join(' ', values.Select(value => FormattableString.Invariant($"{value:R}")));
}

/// <summary>Notes while an analysis runs what it is made of; 8 bytes an image.</summary>
internal sealed class PartRecorder
{
    private static readonly string ProductVersion =
        typeof(PartRecorder).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private readonly ArrayBufferWriter<byte> _contents = new();
    private readonly SpectrumPart _part;

    internal PartRecorder(VisionModel model, string source, string? numbers = null)
    {
        var weight = model.AnyWeight;
        _part = new SpectrumPart
        {
            Model = model.Spec.Name,
            Weights = model.Origin,
            WeightsHash = WeightHash.Of(model),
            NumberType = numbers ?? weight.dtype.ToString(),
            Device = weight.device_type.ToString().ToLowerInvariant(),
            Source = source,
            Images = 0,
            Contents = "",
            Version = ProductVersion,
            LibTorch = __version__,
        };
    }

    /// <summary>Takes over what an earlier call had noted.</summary>
    internal void Restore(string contents) => _contents.Write(Convert.FromBase64String(contents));

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
    internal static string HashOf(IImageSource source)
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
