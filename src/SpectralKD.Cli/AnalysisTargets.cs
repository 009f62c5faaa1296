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
    /// <summary>The analyses to make, in the order of the names; checkpoints of a folder by their numbers.</summary>
    /// <param name="models">Names by commas.</param>
    /// <param name="weights">Weights by commas.</param>
    /// <param name="notes">Gets what a folder of checkpoints left out.</param>
    /// <exception cref="SpectralKDException">The lists do not fit together, or a folder holds no weights.</exception>
    public static IReadOnlyList<AnalysisTarget> Of(string models, string weights, List<string> notes)
    {
        var (names, files) = (Listed(models), File.Exists(weights) ? [weights] : Listed(weights).SelectMany(one => Opened(one, notes)).ToList());
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
    private static IEnumerable<string> Opened(string weights, List<string> notes)
    {
        if (!Directory.Exists(weights) || Directory.EnumerateFiles(weights, "*.json").Any(file => Path.GetFileName(file) is "config.json" || file.EndsWith(".index.json", StringComparison.Ordinal)))
        {
            return [weights];
        }

        var folder = CheckpointFolder.Open(weights);
        notes.AddRange(folder.Notes);
        return folder.Checkpoints.Select(checkpoint => checkpoint.Weights);
    }

    // The files' names without what all of them have; the folder's name too where two are called alike.
    private static List<string> Distinct(IReadOnlyList<string> files)
    {
        for (var depth = 1; depth < 8; depth++)
        {
            var names = files.Select(file => string.Join('-', CheckpointFolder.WithoutEnding(file).Split('/', '\\').TakeLast(depth))).ToList();
            if (names.Distinct(StringComparer.OrdinalIgnoreCase).Count() == names.Count)
            {
                return names;
            }
        }

        throw new SpectralKDException("--weights names the same file twice");
    }

    [GeneratedRegex(@"[^\w.+-]+")]
    private static partial Regex Unsafe();
}
