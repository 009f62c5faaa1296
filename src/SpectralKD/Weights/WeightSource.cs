using System.Globalization;

namespace SpectralKD.Weights;

/// <summary>Where a model's weights come from, as <c>--weights</c> takes it.</summary>
public abstract record WeightSource
{
    private const string HubPrefix = "hf-hub:";
    private const string AveragedSuffix = "#ema";

    private WeightSource()
    {
    }

    /// <summary>The spellings that <see cref="Parse"/> takes, for messages and completions.</summary>
    public static IReadOnlyList<string> Spellings { get; } =
        ["pretrained", "seeded", "seeded:N", "PATH.safetensors", "PATH.pth", "PATH.pth#ema", "hf-hub:ORG/NAME[@REVISION]"];

    /// <summary>The published weights that the catalogue lists for the model's name and tag.</summary>
    public sealed record Pretrained : WeightSource;

    /// <summary>timm's initial weights from a seed.</summary>
    /// <param name="Seed">Any whole number.</param>
    public sealed record Seeded(long Seed) : WeightSource;

    /// <summary>A safetensors file or a PyTorch checkpoint.</summary>
    /// <param name="Path">The file.</param>
    /// <param name="Ema">True takes a checkpoint's averaged weights.</param>
    public sealed record LocalFile(string Path, bool Ema = false) : WeightSource
    {
        /// <inheritdoc/>
        public override string ToString() => Path + (Ema ? AveragedSuffix : "");
    }

    /// <summary>Any repository of the Hugging Face hub that holds <c>model.safetensors</c> or <c>pytorch_model.bin</c>.</summary>
    /// <param name="Repository">For example <c>timm/deit_tiny_patch16_224.fb_in1k</c>.</param>
    /// <param name="Revision">Branch, tag or commit.</param>
    public sealed record Hub(string Repository, string Revision = "main") : WeightSource
    {
        /// <inheritdoc/>
        public override string ToString() => $"{HubPrefix}{Repository}@{Revision}";
    }

    /// <summary>Reads a source from text; whether a file exists is not checked here.</summary>
    /// <param name="text">One of <see cref="Spellings"/>.</param>
    /// <exception cref="SpectralKDException">The text is none of them.</exception>
    public static WeightSource Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        return text.ToLowerInvariant() switch
        {
            "pretrained" => new Pretrained(),
            "seeded" => new Seeded(0),
            var t when t.StartsWith("seeded:", StringComparison.Ordinal) => new Seeded(ParseSeed(text)),
            var t when t.StartsWith(HubPrefix, StringComparison.Ordinal) => ParseHub(text[HubPrefix.Length..]),
            var t when t.EndsWith(AveragedSuffix, StringComparison.Ordinal) => new LocalFile(text[..^AveragedSuffix.Length], Ema: true),
            _ when LooksLikeFile(text) => new LocalFile(text),
            _ => throw new SpectralKDException($"weights '{text}' are neither a file nor one of {string.Join(", ", Spellings)}"),
        };
    }

    private static bool LooksLikeFile(string text) =>
        File.Exists(text) || Path.HasExtension(text) || text.Contains('/', StringComparison.Ordinal) || text.Contains('\\', StringComparison.Ordinal);

    private static long ParseSeed(string text) =>
        long.TryParse(text["seeded:".Length..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seed)
            ? seed
            : throw new SpectralKDException($"weights '{text}' name no whole number as seed; write for example seeded:3");

    private static Hub ParseHub(string text)
    {
        var parts = text.Split('@', 2);
        return parts[0].Count(c => c == '/') == 1 && !parts[0].StartsWith('/') && !parts[0].EndsWith('/')
            ? new Hub(parts[0], parts.Length == 2 && parts[1].Length > 0 ? parts[1] : "main")
            : throw new SpectralKDException($"'{HubPrefix}{text}' names no repository; write for example {HubPrefix}timm/deit_tiny_patch16_224.fb_in1k");
    }
}
