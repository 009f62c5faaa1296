using System.Text.RegularExpressions;

namespace SpectralKD.Cli;

/// <summary>One model with its weights that an analysis is to be made of.</summary>
/// <param name="Model">Its timm name.</param>
/// <param name="Weights">pretrained, seeded, or a file.</param>
/// <param name="Name">What tells it from the others: the folder of its result; empty where it is the only one.</param>
internal sealed record AnalysisTarget(string Model, string Weights, string Name);

/// <summary>Reads what <c>--model</c> and <c>--weights</c> name: one of each, several by commas, or a folder of checkpoints.</summary>
internal static partial class AnalysisTargets
{
    private static readonly string[] Endings = [".safetensors", ".pth", ".pt", ".ckpt", ".dat"];

    /// <summary>The analyses to make, in the order of the names; checkpoints of a folder by their numbers.</summary>
    /// <exception cref="SpectralKDException">The lists do not fit together, or a folder holds no weights.</exception>
    public static IReadOnlyList<AnalysisTarget> Of(string models, string weights)
    {
        var (names, files) = (Listed(models), File.Exists(weights) ? [weights] : Listed(weights).SelectMany(Opened).ToList());
        if (names.Count > 1 && files.Count > 1 && names.Count != files.Count)
        {
            throw new SpectralKDException($"--model names {names.Count} models and --weights {files.Count}: give one model, one kind of weights, or as many of the one as of the other");
        }

        var pairs = Enumerable.Range(0, Math.Max(names.Count, files.Count)).Select(i => (Model: names[names.Count == 1 ? 0 : i], Weights: files[files.Count == 1 ? 0 : i])).ToList();
        if (pairs.Count == 1)
        {
            return [new AnalysisTarget(pairs[0].Model, pairs[0].Weights, "")];
        }

        List<string> called = names.Count == 1 ? Distinct(files) : names.Distinct().Count() == names.Count ? names : [.. names.Zip(Distinct(files), (model, file) => $"{model}-{file}")];
        return [.. pairs.Zip(called, (pair, name) => new AnalysisTarget(pair.Model, pair.Weights, Unsafe().Replace(name, "-")))];
    }

    private static List<string> Listed(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is { Length: > 0 } words ? [.. words]
        : throw new SpectralKDException("--model and --weights name something: a model, pretrained, a file");

    // A folder with a configuration or an index of shards is one model's.
    private static IReadOnlyList<string> Opened(string weights)
    {
        if (!Directory.Exists(weights) || Directory.EnumerateFiles(weights, "*.json").Any(file => Path.GetFileName(file) is "config.json" || file.EndsWith(".index.json", StringComparison.Ordinal)))
        {
            return [weights];
        }

        var files = Directory.EnumerateFiles(weights).Where(file => Endings.Contains(Path.GetExtension(file).ToLowerInvariant())).OrderBy(Padded, StringComparer.Ordinal).ToList();
        return files.Count > 0 ? files : throw new SpectralKDException($"the folder {weights} holds no weights ({string.Join(", ", Endings)}): name a file, or a folder of checkpoints");
    }

    // The files' names without what all of them have; the folder's name too where two are called alike.
    private static List<string> Distinct(IReadOnlyList<string> files)
    {
        for (var depth = 1; depth < 8; depth++)
        {
            var names = files.Select(file => string.Join('-', Path.ChangeExtension(file, Endings.Contains(Path.GetExtension(file).ToLowerInvariant()) ? null : Path.GetExtension(file)).Split('/', '\\').TakeLast(depth))).ToList();
            if (names.Distinct(StringComparer.OrdinalIgnoreCase).Count() == names.Count)
            {
                return names;
            }
        }

        throw new SpectralKDException("--weights names the same file twice");
    }

    // checkpoint-9 before checkpoint-10.
    private static string Padded(string file) => Digits().Replace(file, match => match.Value.PadLeft(12, '0'));

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();

    [GeneratedRegex(@"[^\w.+-]+")]
    private static partial Regex Unsafe();
}
