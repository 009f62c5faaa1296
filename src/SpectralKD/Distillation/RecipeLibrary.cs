namespace SpectralKD.Distillation;

/// <summary>The recipes that come with the library: those of its nano models, and the paper's.</summary>
public static class RecipeLibrary
{
    private const string Prefix = "recipes/";
    private const string Suffix = ".json";

    /// <summary>Names of the recipes, sorted.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(RecipeLibrary).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^Suffix.Length]).Order(StringComparer.Ordinal)];

    /// <summary>A recipe by its name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="SpectralKDException">There is none of that name; the message names the nearest.</exception>
    public static DistillationRecipe Get(string name) => RecipeFile.Parse(Text(name), name);

    /// <summary>A recipe's JSON text as it was written, with its comments.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="SpectralKDException">There is none of that name; the message names the nearest.</exception>
    public static string Text(string name)
    {
        using var stream = typeof(RecipeLibrary).Assembly.GetManifestResourceStream(Prefix + name + Suffix) ?? throw new SpectralKDException(
            $"there is no recipe \"{name}\"{NearestName.Suggestion(name, Names)} (recipes: {string.Join(", ", Names)})");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
