using System.Text.Json;
using Plotly.NET;

namespace SpectralKD.Interactive;

/// <summary>What a comparison varies by itself.</summary>
internal enum ComparisonSweep
{
    /// <summary>Nothing: the file names the methods.</summary>
    None,

    /// <summary>The layer pairs that are aligned (<see cref="LayerSweep"/>).</summary>
    Layers,
}

/// <summary>What the command and the magic command do alike: opening what was named, and the charts of a result.</summary>
internal static class ComparisonSetup
{
    /// <summary>The folder where none is named.</summary>
    public static string FolderFor(string comparison) => Path.Combine("runs", Path.GetFileNameWithoutExtension(comparison));

    /// <summary>Opens a comparison, or makes one of a recipe by a sweep.</summary>
    /// <param name="name">A comparison's file or name; with a sweep also a recipe's.</param>
    /// <param name="sweep">What is varied.</param>
    /// <param name="folder">The comparison's folder, for the teacher's spectrum that a sweep takes.</param>
    /// <param name="seeds">Number of seeds; null leaves the comparison's.</param>
    /// <param name="budget">Seconds of a run; null leaves the comparison's.</param>
    /// <param name="cancellation">Stops the analysis of a sweep's teacher.</param>
    public static async Task<Comparison> OpenAsync(string name, ComparisonSweep sweep, string folder, int? seeds, double? budget, CancellationToken cancellation)
    {
        if (seeds < 1)
        {
            throw new SpectralKDException($"--seeds must be at least 1, but is {seeds}");
        }

        var isRecipe = IsRecipe(name);
        var named = isRecipe ? null : Comparison.Load(name);
        if (isRecipe && sweep == ComparisonSweep.None)
        {
            throw new SpectralKDException($"{name} is a recipe, with nothing to compare: give --sweep layers, or a comparison.json with methods ({string.Join(", ", ComparisonLibrary.Names)})");
        }

        var recipe = named is null ? RecipeOf(name) : null;
        var comparison = sweep == ComparisonSweep.None ? named!
            : (await LayerSweep.OfAsync(recipe ?? DistillationRecipe.FromJson(named!.Base), folder, cancellation)) with { Seeds = named?.Seeds ?? [0, 1, 2] };
        return comparison with
        {
            Seeds = seeds is { } count ? [.. Enumerable.Range(0, count)] : comparison.Seeds,
            Budget = budget ?? comparison.Budget,
        };
    }

    /// <summary>A recipe's file, or a built-in one of that name.</summary>
    public static DistillationRecipe RecipeOf(string name) => RecipeLibrary.Names.Contains(name) && !File.Exists(name) ? RecipeLibrary.Get(name) : DistillationRecipe.Load(name);

    /// <summary>What the predictors of a sweep's table were worth; null where fewer than four pairs have gains.</summary>
    public static LayerStudy? Study(Microsoft.Data.Analysis.DataFrame layers) => layers["gain"].Length - layers["gain"].NullCount >= 4 ? LayerStudy.Of(layers) : null;

    /// <summary>The charts of a result, with names for their files.</summary>
    public static IEnumerable<(string Name, GenericChart Chart)> Charts(ComparisonResult result)
    {
        if (result.Rows.Any(row => row.Difference is not null))
        {
            yield return ("differences", Interactive.Charts.Differences(result));
        }

        var several = result.Outcomes.Select(outcome => outcome.Student).Distinct().Count() > 1;
        foreach (var student in result.Outcomes.Where(outcome => double.IsFinite(outcome.Top1)).Select(outcome => outcome.Student).Distinct())
        {
            yield return ("accuracy-by-epoch" + (several ? $"-{student}" : ""), Interactive.Charts.AccuracyByEpoch(result, student));
            yield return ("accuracy-by-second" + (several ? $"-{student}" : ""), Interactive.Charts.AccuracyBySecond(result, student));
        }

        if (LayerSweep.Single(result).Any(row => row.Difference is not null))
        {
            yield return ("layer-gains", Interactive.Charts.LayerGains(result));
            if (Study(LayerSweep.Table(result)) is { } study)
            {
                yield return ("predictors", Interactive.Charts.Predictors(study));
            }
        }
    }

    private static bool IsRecipe(string name)
    {
        if (!File.Exists(name))
        {
            return RecipeLibrary.Names.Contains(name) && !ComparisonLibrary.Names.Contains(name);
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(name), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("student", out _) && !document.RootElement.TryGetProperty("methods", out _);
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            return false; // the comparison's reader says what is wrong with it
        }
    }
}
