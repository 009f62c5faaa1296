using System.Globalization;
using System.Text.RegularExpressions;

namespace SpectralKD.Weights;

/// <summary>Where a model's weights come from, as <c>--weights</c> takes it.</summary>
public abstract partial record WeightSource
{
    private const string HubPrefix = "hf-hub:";
    private const string Averaged = "ema";

    private WeightSource()
    {
    }

    /// <summary>The spellings that <see cref="Parse"/> takes, for messages and completions.</summary>
    public static IReadOnlyList<string> Spellings { get; } =
        ["pretrained", "seeded", "seeded:N", "PATH.safetensors", "PATH.pth", "PATH.pth#ema", "PATH.pth#plain", "PATH.pth#PART", "hf-hub:ORG/NAME[@REVISION]"];

    /// <summary>The published weights that the catalogue lists for the model's name and tag.</summary>
    public sealed record Pretrained : WeightSource;

    /// <summary>timm's initial weights from a seed.</summary>
    /// <param name="Seed">Any whole number.</param>
    public sealed record Seeded(long Seed) : WeightSource;

    /// <summary>A safetensors file, a PyTorch checkpoint, or what TorchSharp's <c>module.save</c> wrote.</summary>
    /// <param name="Path">The file.</param>
    /// <param name="Ema">True (<c>#ema</c>): averaged weights and nothing else. False: as timm, averaged ones where the file has any.</param>
    /// <param name="Part"><c>plain</c> (<c>#plain</c>): the weights that are no average. Else the name of the part that holds them, or null.</param>
    public sealed record LocalFile(string Path, bool Ema = false, string? Part = null) : WeightSource
    {
        internal string? Wanted => Ema ? Averaged : Part;

        /// <summary>As <see cref="ToString"/>, with the full path.</summary>
        internal string FullName => (this with { Path = System.IO.Path.GetFullPath(Path) }).ToString();

        /// <inheritdoc/>
        public override string ToString() => Path + (Wanted is null ? "" : "#" + Wanted);
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
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new SpectralKDException($"weights '{text}' are no path: they hold a character of the code 0");
        }

        return text.ToLowerInvariant() switch
        {
            "pretrained" => new Pretrained(),
            "seeded" => new Seeded(0),
            var t when t.StartsWith("seeded:", StringComparison.Ordinal) => new Seeded(ParseSeed(text)),
            var t when t.StartsWith(HubPrefix, StringComparison.Ordinal) => ParseHub(text[HubPrefix.Length..]),
            _ when PartPattern().Match(text) is { Success: true } match && !File.Exists(text) && LooksLikeFile(match.Groups[1].Value) =>
                OfPart(match.Groups[1].Value, match.Groups[2].Value),
            _ when LooksLikeFile(text) => new LocalFile(text),
            _ => throw new SpectralKDException($"weights '{text}' are neither a file nor one of {string.Join(", ", Spellings)}"),
        };
    }

    private static LocalFile OfPart(string path, string part) => part.ToLowerInvariant() switch
    {
        Averaged => new LocalFile(path, Ema: true),
        "plain" => new LocalFile(path, Part: "plain"),
        _ => new LocalFile(path, Part: part),
    };

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

    [GeneratedRegex(@"^(.+)#([A-Za-z0-9_.]+)$")]
    private static partial Regex PartPattern();
}
