using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace SpectralKD.Distillation;

/// <summary>Recipes as JSON: complete when written, unknown keys rejected when read.</summary>
internal static partial class RecipeFile
{
    public const int CurrentVersion = 1;

    internal static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
        TypeInfoResolver = JsonNulls.Refusing,
    };

    public static string Write(DistillationRecipe recipe) => JsonSerializer.Serialize(recipe, Options) + "\n";

    public static void Save(DistillationRecipe recipe, string path) => AtomicFile.WriteText(path, Write(recipe));

    public static DistillationRecipe Load(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), Path.GetFileName(path));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or ArgumentException) // an empty path is an argument's fault
        {
            throw new SpectralKDException($"there is no recipe '{path}'{NearestName.Suggestion(path, RecipeLibrary.Names)}: name a recipe.json, or a built-in one of "
                + string.Join(", ", RecipeLibrary.Names), error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"the recipe '{path}' cannot be read: {error.Message}", error);
        }
    }

    public static DistillationRecipe Parse(string json, string name)
    {
        try
        {
            using (var document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = Options.ReadCommentHandling, AllowTrailingCommas = true }))
            {
                RefuseRepetition(document.RootElement, name);
            }

            var recipe = JsonSerializer.Deserialize<DistillationRecipe>(json, Options)
                ?? throw new SpectralKDException($"{name} is no recipe: it holds null");
            CheckVersion(recipe.Version, name);
            recipe.Validate();
            return recipe;
        }
        catch (JsonException error)
        {
            throw new SpectralKDException($"{name} is no recipe: {Words(error)}", error);
        }
        catch (InvalidOperationException error)
        {
            throw new SpectralKDException($"{name} is no recipe: a text in it is no valid Unicode", error);
        }
    }

    /// <summary>What differs between two recipes: <c>epochs 5 -> 10</c>.</summary>
    public static IReadOnlyList<string> Differences(DistillationRecipe before, DistillationRecipe after)
    {
        var (one, other) = (Flat(before), Flat(after));
        return [.. one.Keys.Union(other.Keys).Where(key => one.GetValueOrDefault(key) != other.GetValueOrDefault(key))
            .Select(key => $"{key} {one.GetValueOrDefault(key, "absent")} -> {other.GetValueOrDefault(key, "absent")}")];
    }

    private static Dictionary<string, string> Flat(DistillationRecipe recipe)
    {
        var flat = new Dictionary<string, string>(StringComparer.Ordinal);
        Walk(JsonNode.Parse(Write(recipe))!.AsObject(), "");
        return flat;

        void Walk(JsonObject node, string prefix)
        {
            foreach (var (key, value) in node)
            {
                if (value is JsonObject inner)
                {
                    Walk(inner, $"{prefix}{key}.");
                }
                else
                {
                    flat[prefix + key] = value?.ToJsonString() ?? "null";
                }
            }
        }
    }

    // Of two values of one key only the last would count, without a word.
    internal static void RefuseRepetition(JsonElement element, string name)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in element.EnumerateObject())
        {
            if (!keys.Add(property.Name))
            {
                throw new SpectralKDException($"{name} is no recipe: it has the key \"{property.Name}\" twice");
            }

            RefuseRepetition(property.Value, name);
        }
    }

    private static void CheckVersion(int version, string name)
    {
        if (version != CurrentVersion)
        {
            throw new SpectralKDException(
                $"{name} has format version {version}, but this program reads version {CurrentVersion}; use the program that wrote it");
        }
    }

    // System.Text.Json's own words name .NET types; users know keys.
    private static string Words(JsonException error)
    {
        if (Unmapped().Match(error.Message) is { Success: true } unknown)
        {
            var key = unknown.Groups[1].Value;
            return $"it has an unknown key \"{key}\"" + NearestName.Suggestion(key, Keys());
        }

        if (error.Message.Contains("missing required", StringComparison.Ordinal))
        {
            return "the key \"student\" is missing; name the model to train";
        }

        var place = error.LineNumber is { } line ? FormattableString.Invariant($" in line {line + 1}") : "";
        return error.Path is { Length: > 1 } path ? $"the value of \"{path.TrimStart('$', '.')}\"{place} cannot be understood" : $"it is not valid JSON{place}";
    }

    private static IEnumerable<string> Keys() =>
        new[] { typeof(DistillationRecipe), typeof(LossWeights), typeof(RecipeData), typeof(AdamWSettings) }
            .SelectMany(type => Options.GetTypeInfo(type).Properties).Select(property => property.Name);

    [GeneratedRegex("The JSON property '([^']*)' could not be mapped")]
    private static partial Regex Unmapped();
}

/// <summary>The recipes that come with the library: those of its nano models, and the paper's.</summary>
/// <example><code>
/// var recipe = RecipeLibrary.Get(RecipeLibrary.Names[0]) with { Epochs = 1 };
/// recipe.Save("recipe.json");
/// </code></example>
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

    /// <summary>Opens a recipe file, or the built-in recipe of a name; a file goes before a name.</summary>
    /// <exception cref="SpectralKDException">There is neither, or the file is no recipe.</exception>
    internal static DistillationRecipe Open(string name) => Names.Contains(name) && !File.Exists(name) ? Get(name) : DistillationRecipe.Load(name);

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
