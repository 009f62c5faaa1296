using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Distillation;

/// <summary>
/// Students, methods and seeds side by side: a base recipe and named changes of it. Every method of a seed begins with the same initial weights and sees the same
/// images in the same order and draws, so differences are paired. The plain call behind <c>spectralkd compare</c> and <c>#!spectral-compare</c>.
/// </summary>
/// <example><code>
/// var comparison = Comparison.Load("comparison.json") with { Seeds = [0, 1, 2, 3, 4] };
/// var result = await comparison.RunAsync("runs/which-method");
/// Console.WriteLine(result.Rows[^1].Verdict);
/// </code></example>
public sealed record Comparison
{
    internal const int CurrentVersion = 1;

    /// <summary>What the comparison is for, in the user's words.</summary>
    public string? Note { get; init; }

    /// <summary>The recipe that all runs share, as JSON text.</summary>
    public required string Base { get; init; }

    /// <summary>
    /// The students: changes of the base recipe under a name, which is the model's unless the changes name one. Empty: the base recipe's student alone.
    /// </summary>
    public IReadOnlyList<Variation> Students { get; init; } = [];

    /// <summary>The methods: changes of the base recipe under a name, at least one.</summary>
    public required IReadOnlyList<Variation> Methods { get; init; }

    /// <summary>The seeds, at least one, each once: of initial weights, order and augmentation.</summary>
    public IReadOnlyList<int> Seeds { get; init; } = [0, 1, 2];

    /// <summary>The method that the others are compared with; null for the first.</summary>
    public string? Baseline { get; init; }

    /// <summary>Top-1 accuracies in percent to which epochs and seconds are counted; empty takes three from the baseline's curve.</summary>
    public IReadOnlyList<double> Accuracies { get; init; } = [];

    /// <summary>Seconds of training for each run instead of the recipe's epochs, above 0; null trains equal epochs.</summary>
    public double? Budget { get; init; }

    /// <summary>
    /// Keeps the teacher's answers in the comparison's folder for all runs. Null does so where images come again bit for bit: without augmentation, or with
    /// <see cref="RecipeData.Views"/>.
    /// </summary>
    public bool? CacheTeacher { get; init; }

    /// <summary>The method that the others are compared with.</summary>
    public string BaselineName => Baseline ?? Methods[0].Name;

    /// <summary>All runs, seed by seed, in the order in which they are trained; epochs as the recipes have them.</summary>
    /// <exception cref="SpectralKDException">A recipe is not valid; the message names the method.</exception>
    public IReadOnlyList<ComparedRun> Runs() =>
        [.. Seeds.SelectMany(seed => StudentsOrOwn().SelectMany(student => Methods.Select(method => new ComparedRun(
            Students.Count == 0 ? null : student.Name, method.Name, seed, RecipeOf(student, method, seed)))))];

    /// <summary>Reads a comparison file.</summary>
    /// <param name="path">The file, or the name of a built-in comparison (<see cref="ComparisonLibrary"/>).</param>
    /// <exception cref="SpectralKDException">No such file, not JSON, an unknown or missing key, or a method whose recipe is not valid.</exception>
    public static Comparison Load(string path) => ComparisonFile.Load(path);

    /// <summary>Reads a comparison from JSON text.</summary>
    /// <exception cref="SpectralKDException">Not JSON, an unknown or missing key, or a method whose recipe is not valid.</exception>
    public static Comparison FromJson(string json) => ComparisonFile.Parse(json, "the comparison", null);

    /// <summary>The comparison as JSON text, its base recipe written out.</summary>
    public string ToJson() => ComparisonFile.Write(this);

    /// <summary>Checks names, numbers and every run's recipe.</summary>
    /// <exception cref="SpectralKDException">Something does not fit; the message says what.</exception>
    public void Validate() => ComparisonFile.Check(this);

    /// <summary>Trains what of the comparison's runs is not done yet, and gathers the results. A stop leaves checkpoints; the same call goes on.</summary>
    /// <param name="folder">
    /// The comparison's folder: <c>comparison.json</c>, <c>runs/METHOD/seed-N</c> (ordinary run folders), <c>costs</c>, <c>teacher</c> and the results.
    /// </param>
    /// <param name="jobs">Runs at the same time, each in a process of its own; 1 trains them one after the other in this process.</param>
    /// <param name="progress">Told of every run, step and note.</param>
    /// <param name="stop">Stops after the current step; the result then says what is missing.</param>
    /// <exception cref="SpectralKDException">The folder holds a comparison with other recipes, or the first run of a method cannot begin.</exception>
    public Task<ComparisonResult> RunAsync(string folder, int jobs = 1, IProgress<ComparisonProgress>? progress = null, CancellationToken stop = default) =>
        new ComparisonRunner(this, folder, progress).RunAsync(jobs, stop);

    private IEnumerable<Variation> StudentsOrOwn() => Students.Count == 0 ? [new Variation("", "{}")] : Students;

    private DistillationRecipe RecipeOf(Variation student, Variation method, int seed)
    {
        var recipe = ComparisonFile.Object(Base);
        var changes = ComparisonFile.Object(student.Changes);
        if (student.Name.Length > 0 && !changes.ContainsKey("student"))
        {
            recipe["student"] = student.Name;
        }

        ComparisonFile.Merge(recipe, changes);
        ComparisonFile.Merge(recipe, ComparisonFile.Object(method.Changes));
        recipe["seed"] = seed;
        recipe.Remove("cacheTeacher"); // one folder for all runs: see CacheTeacher
        var who = student.Name.Length > 0 ? $"the recipe of {student.Name}, {method.Name}" : $"the recipe of {method.Name}";
        return RecipeFile.Parse(recipe.ToJsonString(), who);
    }
}

/// <summary>A named change of a recipe.</summary>
/// <param name="Name">Letters, digits and <c>- _ . +</c>, for it names a folder.</param>
/// <param name="Changes">
/// JSON text of the recipe's keys that differ: objects are merged key by key, anything else takes the place of what was there, null takes it away (the default holds).
/// </param>
public sealed record Variation(string Name, string Changes);

/// <summary>One training run of a comparison.</summary>
/// <param name="Student">The student's name in the comparison; null where it has one student alone.</param>
/// <param name="Method">The method's name.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Recipe">The whole recipe.</param>
public sealed record ComparedRun(string? Student, string Method, int Seed, DistillationRecipe Recipe)
{
    /// <summary>The run's name, and its folder below <c>runs</c>: <c>soft/seed-0</c>.</summary>
    public string Name => FormattableString.Invariant($"{Group}/seed-{Seed}");

    internal string Group => Student is null ? Method : $"{Student}/{Method}";
}

/// <summary>Comparisons as JSON, and how a change is merged into a recipe.</summary>
internal static class ComparisonFile
{
    private static readonly string[] Keys = ["version", "note", "base", "students", "methods", "seeds", "baseline", "accuracies", "budget", "cacheTeacher"];
    private static readonly JsonSerializerOptions Writing = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonDocumentOptions Reading = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public static Comparison Load(string path)
    {
        if (!File.Exists(path) && ComparisonLibrary.Names.Contains(path))
        {
            return ComparisonLibrary.Get(path);
        }

        try
        {
            return Parse(File.ReadAllText(path), Path.GetFileName(path), Path.GetDirectoryName(Path.GetFullPath(path)));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or ArgumentException) // an empty path is an argument's fault
        {
            throw new SpectralKDException($"there is no comparison '{path}'{NearestName.Suggestion(path, ComparisonLibrary.Names)}: name a comparison.json, or a built-in one of "
                + string.Join(", ", ComparisonLibrary.Names), error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"the comparison '{path}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Reads and checks a comparison.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What it is, for messages.</param>
    /// <param name="folder">Where a base recipe that is named as a file is looked for, after the working folder.</param>
    public static Comparison Parse(string json, string name, string? folder)
    {
        var root = Root(json, name);
        if (root.Select(property => property.Key).FirstOrDefault(key => !Keys.Contains(key)) is { } unknown)
        {
            throw new SpectralKDException($"{name} is no comparison: it has an unknown key \"{unknown}\"{NearestName.Suggestion(unknown, Keys)} (keys: {string.Join(", ", Keys)})");
        }

        if (Number(root, "version", name) is { } version && version != Comparison.CurrentVersion)
        {
            throw new SpectralKDException(FormattableString.Invariant($"{name} has format version {version}, but this program reads version {Comparison.CurrentVersion}; use the program that wrote it"));
        }

        var comparison = new Comparison
        {
            Note = Text(root, "note", name),
            Base = BaseOf(root["base"], name, folder),
            Students = Variations(root["students"], "students", name),
            Methods = Variations(root["methods"], "methods", name),
            Seeds = SeedsOf(root["seeds"], name),
            Baseline = Text(root, "baseline", name),
            Accuracies = root["accuracies"] is null ? [] : root["accuracies"] is JsonArray list ? [.. list.Select(item => NumberOf(item) ?? throw Wrong(name, "accuracies", "a list of percentages"))]
                : throw Wrong(name, "accuracies", "a list of percentages"),
            Budget = Number(root, "budget", name),
            CacheTeacher = root["cacheTeacher"] is not { } cache ? null : cache.GetValueKind() is JsonValueKind.True or JsonValueKind.False ? cache.GetValue<bool>() : throw Wrong(name, "cacheTeacher", "true or false"),
        };
        comparison.Validate();
        return comparison;
    }

    public static string Write(Comparison comparison)
    {
        var root = new JsonObject { ["version"] = Comparison.CurrentVersion };
        Put("note", comparison.Note is null ? null : JsonValue.Create(comparison.Note));
        root["base"] = Object(comparison.Base);
        Put("students", comparison.Students.Count == 0 ? null : Written(comparison.Students));
        root["methods"] = Written(comparison.Methods);
        root["seeds"] = new JsonArray([.. comparison.Seeds.Select(seed => (JsonNode)seed)]);
        root["baseline"] = comparison.BaselineName;
        Put("accuracies", comparison.Accuracies.Count == 0 ? null : new JsonArray([.. comparison.Accuracies.Select(value => (JsonNode)value)]));
        Put("budget", comparison.Budget is { } budget ? budget : null);
        Put("cacheTeacher", comparison.CacheTeacher is { } cache ? cache : null);
        return root.ToJsonString(Writing) + "\n";

        void Put(string key, JsonNode? value)
        {
            if (value is not null)
            {
                root[key] = value;
            }
        }

        static JsonObject Written(IEnumerable<Variation> variations) => new(variations.Select(variation => KeyValuePair.Create(variation.Name, (JsonNode?)Object(variation.Changes))));
    }

    public static void Check(Comparison comparison)
    {
        Names(comparison.Students, "students");
        Names(comparison.Methods, "methods");
        if (comparison.Methods.Count == 0)
        {
            throw Invalid("it has no methods; name at least one, as \"methods\": { \"soft\": { \"loss\": { \"method\": \"soft\" } } }");
        }

        if (comparison.Methods.All(method => method.Name != comparison.BaselineName))
        {
            throw Invalid($"the baseline \"{comparison.BaselineName}\" is none of its methods{NearestName.Suggestion(comparison.BaselineName, comparison.Methods.Select(method => method.Name))} "
                + $"({string.Join(", ", comparison.Methods.Select(method => method.Name))})");
        }

        if (comparison.Seeds.Count == 0 || comparison.Seeds.Distinct().Count() != comparison.Seeds.Count)
        {
            throw Invalid($"seeds are at least one, each once, but are [{string.Join(", ", comparison.Seeds)}]");
        }

        if (comparison.Accuracies.Any(value => value is not (> 0 and <= 100)))
        {
            throw Invalid($"accuracies are percentages above 0 and at most 100, but are [{string.Join(", ", comparison.Accuracies.Select(value => FormattableString.Invariant($"{value}")))}]");
        }

        if (comparison.Budget is { } budget && !(budget > 0 && budget < 1e9))
        {
            throw Invalid(FormattableString.Invariant($"the budget is the seconds of a run, above 0, but is {budget}"));
        }

        _ = (comparison with { Seeds = [comparison.Seeds[0]] }).Runs(); // each recipe says what is wrong with it

        static SpectralKDException Invalid(string what) => new($"the comparison cannot be run: {what}");

        static void Names(IReadOnlyList<Variation> variations, string what)
        {
            if (variations.GroupBy(variation => variation.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice)
            {
                throw Invalid($"{what} has \"{twice.Key}\" twice");
            }

            if (variations.FirstOrDefault(variation => !IsFolderName(variation.Name)) is { } odd)
            {
                throw Invalid($"\"{odd.Name}\" of {what} cannot name a folder: take letters, digits and - _ . +");
            }
        }
    }

    /// <summary>Puts changes into a recipe (RFC 7396): objects are merged, null takes away, everything else replaces.</summary>
    public static void Merge(JsonObject recipe, JsonObject changes)
    {
        foreach (var (key, value) in changes)
        {
            if (value is null)
            {
                recipe.Remove(key);
            }
            else if (value is JsonObject inner)
            {
                var target = recipe[key] as JsonObject ?? [];
                Merge(target, inner);
                if (!ReferenceEquals(recipe[key], target))
                {
                    recipe[key] = target;
                }
            }
            else
            {
                recipe[key] = value.DeepClone();
            }
        }
    }

    public static JsonObject Object(string json) => Root(json, "the change of a recipe");

    private static JsonObject Root(string json, string name)
    {
        try
        {
            using (var document = JsonDocument.Parse(json, Reading))
            {
                RecipeFile.RefuseRepetition(document.RootElement, name);
            }

            return JsonNode.Parse(json, documentOptions: Reading) as JsonObject ?? throw new SpectralKDException($"{name} is no JSON object in braces");
        }
        catch (JsonException error)
        {
            var place = error.LineNumber is { } line ? FormattableString.Invariant($" in line {line + 1}") : "";
            throw new SpectralKDException($"{name} is not valid JSON{place}", error);
        }
        catch (InvalidOperationException error)
        {
            throw new SpectralKDException($"{name} has a text in it that is no valid Unicode", error);
        }
    }

    // A recipe's name or file, or a recipe itself.
    private static string BaseOf(JsonNode? node, string name, string? folder) => node switch
    {
        JsonObject recipe => recipe.ToJsonString(),
        JsonValue value when value.TryGetValue<string>(out var recipe) => RecipeText(recipe, folder),
        null => throw new SpectralKDException($"{name} has no \"base\": give the recipe that its methods change, or the name of one ({string.Join(", ", RecipeLibrary.Names)})"),
        _ => throw Wrong(name, "base", "a recipe, or the name of one"),
    };

    private static string RecipeText(string recipe, string? folder)
    {
        var beside = Path.Combine(folder ?? "", recipe);
        var file = File.Exists(recipe) || folder is null || !File.Exists(beside) ? recipe : beside;
        return Object(!File.Exists(file) && RecipeLibrary.Names.Contains(recipe) ? RecipeLibrary.Text(recipe) : DistillationRecipe.Load(file).ToJson()).ToJsonString();
    }

    private static IReadOnlyList<Variation> Variations(JsonNode? node, string key, string name) => node switch
    {
        null => [],
        JsonArray list when key == "students" => [.. list.Select(item => item is JsonValue value && value.TryGetValue<string>(out var student)
            ? new Variation(student, "{}") : throw Wrong(name, key, "a list of models, or an object of names and changes"))],
        JsonObject all => [.. all.Select(entry => new Variation(entry.Key, (entry.Value as JsonObject)?.ToJsonString()
            ?? throw Wrong(name, $"{key}.{entry.Key}", "an object of the recipe's keys that differ")))],
        _ => throw Wrong(name, key, "an object of names and the recipe's keys that differ"),
    };

    private static IReadOnlyList<int> SeedsOf(JsonNode? node, string name) => node switch
    {
        null => new Comparison { Base = "{}", Methods = [] }.Seeds,
        JsonArray list => [.. list.Select(item => Whole(item) ?? throw Wrong(name, "seeds", "a number of seeds, or a list of them"))],
        _ => Whole(node) is >= 1 and <= 10000 and var count ? [.. Enumerable.Range(0, count)] : throw Wrong(name, "seeds", "a number of seeds, at least 1, or a list of them"),
    };

    private static string? Text(JsonObject root, string key, string name) =>
        root[key] is not { } node ? null : node is JsonValue value && value.TryGetValue<string>(out var text) ? text : throw Wrong(name, key, "a text");

    private static double? Number(JsonObject root, string key, string name) => root[key] is null ? null : NumberOf(root[key]) ?? throw Wrong(name, key, "a number");

    private static double? NumberOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<double>(out var number) ? number : null;

    private static int? Whole(JsonNode? node) => NumberOf(node) is { } number && double.IsInteger(number) && Math.Abs(number) <= int.MaxValue ? (int)number : null;

    private static SpectralKDException Wrong(string name, string key, string wanted) => new($"the value of \"{key}\" in {name} cannot be understood: give {wanted}");

    private static bool IsFolderName(string name) =>
        name.Length is > 0 and <= 100 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || "-_.+".Contains(letter, StringComparison.Ordinal)) && name.Any(letter => letter != '.');
}

/// <summary>The comparisons that come with the library, ready to be run.</summary>
/// <example><code>
/// Console.WriteLine(string.Join(", ", ComparisonLibrary.Names));
/// var comparison = ComparisonLibrary.Get(ComparisonLibrary.Names[0]) with { Seeds = [0] };
/// </code></example>
public static class ComparisonLibrary
{
    private const string Prefix = "comparisons/";
    private const string Suffix = ".json";

    /// <summary>Their names, sorted.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(ComparisonLibrary).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^Suffix.Length]).Order(StringComparer.Ordinal)];

    /// <summary>A comparison by its name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="SpectralKDException">There is none of that name; the message names the nearest.</exception>
    public static Comparison Get(string name) => ComparisonFile.Parse(Text(name), name, null);

    /// <summary>A comparison's JSON text as it was written, with its comments: what it is, and how long it takes.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="SpectralKDException">There is none of that name; the message names the nearest.</exception>
    public static string Text(string name)
    {
        using var stream = typeof(ComparisonLibrary).Assembly.GetManifestResourceStream(Prefix + name + Suffix) ?? throw new SpectralKDException(
            $"there is no comparison \"{name}\"{NearestName.Suggestion(name, Names)} (comparisons: {string.Join(", ", Names)})");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
