using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Distillation;

/// <summary>A value of a recipe by the path that names it in JSON and on the command line.</summary>
/// <param name="Path">For example <c>loss.alpha</c>.</param>
/// <param name="Property">Its property.</param>
/// <param name="Default">Its default as JSON; null for what must be given.</param>
internal sealed record RecipeField(string Path, PropertyInfo Property, string? Default)
{
    private Type Type => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>What it takes, in words.</summary>
    public string Takes => Type switch
    {
        var type when type == typeof(int) => "a whole number",
        var type when type == typeof(double) => "a number",
        var type when type == typeof(bool) => "true or false",
        var type when type == typeof(string) => "text",
        var type when type == typeof(ImageSize) => "pixels, 224 or 224x160",
        var type when type == typeof(IReadOnlyList<int>) => "block numbers, 0,1,11",
        var type when type.IsEnum => string.Join(", ", Enum.GetNames(type).Select(name => JsonNamingPolicy.KebabCaseLower.ConvertName(name))),
        _ => "JSON",
    };

    /// <summary>The value as it is typed, as JSON.</summary>
    /// <exception cref="SpectralKDException">It is of another kind.</exception>
    public JsonNode? Parse(string text)
    {
        if (text == "null" && (Nullable.GetUnderlyingType(Property.PropertyType) is not null || Default is null or "null"))
        {
            return null;
        }

        var node = Type == typeof(string) || Type.IsEnum ? JsonValue.Create(text)
            : Json(Type == typeof(IReadOnlyList<int>) && !text.StartsWith('[') ? $"[{text}]" : text) ?? JsonValue.Create(text);
        try
        {
            node.Deserialize(Property.PropertyType, RecipeFile.Options);
            return node;
        }
        catch (JsonException error)
        {
            throw new SpectralKDException($"{Path}={text}: {Path} takes {Takes}; found \"{text}\"", error);
        }
    }

    private static JsonNode? Json(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>All values of a recipe, and setting them by name.</summary>
internal static class RecipeFields
{
    /// <summary>The fields in the order of the file.</summary>
    public static IReadOnlyList<RecipeField> All { get; } =
        [.. Under(typeof(DistillationRecipe), "", JsonNode.Parse(RecipeFile.Write(new DistillationRecipe { Student = "" }))!.AsObject())];

    /// <summary>A recipe with some values replaced, as <c>--set</c> has it.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="assignments">For example <c>loss.alpha=0.5</c>; of one field the last counts.</param>
    /// <exception cref="SpectralKDException">There is no such field, or its value does not fit.</exception>
    public static DistillationRecipe Set(DistillationRecipe recipe, IReadOnlyCollection<string> assignments)
    {
        if (assignments.Count == 0)
        {
            return recipe;
        }

        var json = JsonNode.Parse(RecipeFile.Write(recipe))!.AsObject();
        foreach (var assignment in assignments)
        {
            var parts = assignment.Split('=', 2);
            var field = parts.Length < 2 ? throw new SpectralKDException($"\"{assignment}\" sets nothing: write FIELD=VALUE, for example epochs=1 or loss.alpha=0.5")
                : All.FirstOrDefault(field => string.Equals(field.Path, parts[0].Trim(), StringComparison.OrdinalIgnoreCase)) ?? throw Unknown(parts[0].Trim());
            var path = field.Path.Split('.');
            var place = path.SkipLast(1).Aggregate(json, (node, key) => node[key]!.AsObject());
            place[path[^1]] = field.Parse(parts[1].Trim());
        }

        return RecipeFile.Parse(json.ToJsonString(), "the recipe");
    }

    private static SpectralKDException Unknown(string path)
    {
        var section = All.Where(field => field.Path.StartsWith(path + ".", StringComparison.OrdinalIgnoreCase)).Select(field => field.Path).ToList();
        return new SpectralKDException(section.Count > 0 ? $"{path} is a part of a recipe; set one of its fields: {string.Join(", ", section)}"
            : $"a recipe has no field {path}{NearestName.Suggestion(path, All.Select(field => field.Path))} (spectralkd recipes --fields lists them)");
    }

    private static IEnumerable<RecipeField> Under(Type type, string prefix, JsonObject values)
    {
        foreach (var property in RecipeFile.Options.GetTypeInfo(type).Properties)
        {
            if (property.AttributeProvider is not PropertyInfo member)
            {
                continue;
            }

            var value = values[property.Name];
            if (value is JsonObject part)
            {
                foreach (var field in Under(property.PropertyType, $"{prefix}{property.Name}.", part))
                {
                    yield return field;
                }
            }
            else
            {
                yield return new RecipeField(prefix + property.Name, member, property.IsRequired ? null : value?.ToJsonString() ?? "null");
            }
        }
    }
}

/// <summary>The ranges of a recipe's values.</summary>
internal static class RecipeRules
{
    public static void Check(DistillationRecipe recipe)
    {
        var problem = Problems(recipe).FirstOrDefault(problem => problem is not null);
        if (problem is not null)
        {
            throw new SpectralKDException($"the recipe cannot be run: {problem}");
        }
    }

    private static IEnumerable<string?> Problems(DistillationRecipe recipe)
    {
        yield return recipe.Version != RecipeFile.CurrentVersion
            ? FormattableString.Invariant($"it has format version {recipe.Version}, and this program knows version {RecipeFile.CurrentVersion}") : null;
        yield return string.IsNullOrWhiteSpace(recipe.Student) ? "student is empty; name a model, for example deit_tiny_patch16_224" : null;
        yield return Losses(recipe);
        yield return recipe.Teacher is not null || !recipe.HasTeacher ? null
            : recipe.Losses is null ? $"the method {Lower(recipe.Loss.Method)} needs a teacher; name one, or take the method none"
            : $"{recipe.LossWords(kind => kind.Teacher)} cannot do without a teacher; name one, or take labels alone";
        yield return Layers(recipe);
        yield return recipe.Batch % 2 != 0 && recipe.Data.Mixing is not null ? "mixup and cutMix pair images, so batch must be even" : null;
        yield return AtLeast("epochs", recipe.Epochs, 1) ?? AtLeast("batch", recipe.Batch, 1) ?? AtLeast("accumulate", recipe.Accumulate, 1);
        yield return recipe.Extended is { } parts && (parts.Zip(parts.Skip(1)).Any(pair => pair.First.After > pair.Second.After) || parts.Any(part => part.After < 0 || part.Epochs < 1 || part.Epochs >= recipe.Epochs || part.After > part.Epochs))
            ? "extended says after how many epochs a run was made longer, and of how many: rising, at least 0 and 1, fewer than epochs" : null;
        yield return (long)recipe.Batch * recipe.Accumulate > int.MaxValue
            ? FormattableString.Invariant($"a step of batch {recipe.Batch} times accumulate {recipe.Accumulate} images is too large") : null;
        yield return AtLeast("classes", recipe.Classes ?? 1, 1) ?? AtLeast("imageSize", recipe.ImageSize?.Shorter ?? 1, 1) ?? AtLeast("teacherImageSize", recipe.TeacherImageSize?.Shorter ?? 1, 1)
            ?? AtLeast("window", recipe.Window ?? 1, 1) ?? AtLeast("teacherWindow", recipe.TeacherWindow ?? 1, 1);
        yield return AtLeast("warmupEpochs", recipe.WarmupEpochs ?? 0, 0) ?? AtLeast("probeImages", recipe.ProbeImages, 1);
        yield return AtLeast("checkpointSteps", recipe.CheckpointSteps ?? 1, 1);
        yield return Between("learningRate", recipe.LearningRate ?? 1, 0, 10, openLow: true) ?? Between("minimumRate", recipe.MinimumRate, 0, 10);
        yield return Between("warmupRate", recipe.WarmupRate, 0, 10) ?? Between("emaDecay", recipe.EmaDecay ?? 0, 0, 1, openHigh: true);
        yield return Between("dropPath", recipe.DropPathRate, 0, 1, openHigh: true);
        yield return recipe is { TeacherBFloat16: true, TeacherPrecision: not (null or ModelPrecision.Bf16) }
            ? $"teacherBFloat16 is true and teacherPrecision {recipe.TeacherPrecision.ToString()!.ToLowerInvariant()}; leave one of them out" : null;
        yield return Cache(recipe);
        yield return Loss(recipe.Loss) ?? Optimizer(recipe.Optimizer) ?? Data(recipe.Data);
    }

    private static string? Losses(DistillationRecipe recipe) => recipe.Losses is not { } losses ? null
        : LossTerm.Problem(losses)
        ?? (recipe.Loss != new LossWeights() ? "it has losses and values of its own in loss; leave loss out (label smoothing is labels' smoothing)" : null)
        ?? (!recipe.Align ? "align is for loss; with losses, leave alignment out of the list" : null);

    private static bool KeepsTop(LossTerm term) => term.Name == HardTerm.Kind.Name || (term.Name == SoftTerm.Kind.Name && term.Arguments.GetValueOrDefault(LossKind.Standardise) != "true");

    private static string? Layers(DistillationRecipe recipe)
    {
        var (student, teacher) = (recipe.StudentLayers, recipe.TeacherLayers);
        if (student is null && teacher is null)
        {
            return null;
        }

        return student is null || teacher is null || student.Count != teacher.Count || student.Count == 0
            ? $"studentLayers has {Count(student)} and teacherLayers {Count(teacher)} entries; give pairs, as many of one as of the other, or neither"
            : null;
    }

    private static string? Cache(DistillationRecipe recipe) =>
        AtLeast("cacheTop", recipe.CacheTop ?? 1, 1)
        ?? (recipe.CacheTeacher is null
            ? recipe.CacheTop is not null || recipe.CacheHalf ? "cacheTop and cacheHalf say what cacheTeacher keeps; name its folder there, or leave them out" : null
            : string.IsNullOrWhiteSpace(recipe.CacheTeacher) ? "cacheTeacher is empty; name a folder, or leave it out"
            : !recipe.HasTeacher ? $"cacheTeacher has nothing to keep: {(recipe.Losses is null ? "the method none has" : "the losses have")} no teacher; leave it out"
            : recipe is { CacheTop: not null, Losses: { } losses } && losses.FirstOrDefault(term => LossCatalog.Find(term.Name).TeacherLogits && !KeepsTop(term)) is { } exact
                ? $"cacheTop keeps the largest logits and what kd makes of the rest, and the loss {exact.Name}{(exact.Name == "kd" ? " with standardise" : "")} compares all of them; leave cacheTop out"
            : recipe.Data.Mixing is not null ? "cacheTeacher does not go with mixup and cutMix, which blend each epoch's batches anew, so that the teacher never sees one image twice; leave one of them out"
            : null);

    private static string? Loss(LossWeights loss) =>
        Between("loss.alpha", loss.Alpha, 0, 1) ?? Between("loss.beta", loss.Beta, 0, 1e6) ?? Between("loss.wFft", loss.WFft, 0, 1e6)
        ?? Between("loss.tau", loss.Tau, 0, 1e3, openLow: true) ?? Between("loss.smoothing", loss.Smoothing, 0, 1, openHigh: true);

    private static string? Optimizer(AdamWSettings settings) =>
        Between("optimizer.weightDecay", settings.WeightDecay, 0, 10) ?? Between("optimizer.beta1", settings.Beta1, 0, 1, openHigh: true)
        ?? Between("optimizer.beta2", settings.Beta2, 0, 1, openHigh: true) ?? Between("optimizer.epsilon", settings.Epsilon, 0, 1, openLow: true)
        ?? Between("optimizer.clipNorm", settings.ClipNorm ?? 1, 0, 1e9, openLow: true);

    private static string? Data(RecipeData data) =>
        AtLeast("data.count", data.Count ?? 1, 1) ?? AtLeast("data.validationCount", data.ValidationCount ?? 1, 1)
        ?? AtLeast("data.size", data.Size ?? 1, 1) ?? AtLeast("data.classes", data.Classes ?? 1, 1)
        ?? AtLeast("data.workers", data.Workers ?? 1, 1) ?? AtLeast("data.views", data.Views ?? 1, 1) ?? Between("data.validationShare", data.ValidationShare, 0, 1, openLow: true, openHigh: true)
        ?? (data.HoldOut && (data.Validation ?? (object?)data.ValidationCount) is not null
            ? "data.holdOut takes the validation images out of the training images by validationShare; leave validation and validationCount out" : null)
        ?? (data is { HoldOut: false, Validation: null, ValidationSeed: not null, Train: Textures.SourceName }
            ? "data.validationSeed has no use: further textures are painted by data.seed; leave it out, or name textures as validation too" : null)
        ?? Between("data.mixup", data.Mixup, 0, 100) ?? Between("data.cutMix", data.CutMix, 0, 100);

    private static string? AtLeast(string name, int value, int least) =>
        value >= least ? null : FormattableString.Invariant($"{name} must be at least {least}, but is {value}");

    private static string? Between(string name, double value, double low, double high, bool openLow = false, bool openHigh = false)
    {
        var fits = (openLow ? value > low : value >= low) && (openHigh ? value < high : value <= high);
        return fits ? null : string.Create(
            CultureInfo.InvariantCulture, $"{name} must be in {(openLow ? '(' : '[')}{low}, {high}{(openHigh ? ')' : ']')}, but is {value}");
    }

    private static string Count(IReadOnlyList<int>? list) => list is null ? "no" : list.Count.ToString(CultureInfo.InvariantCulture);

    private static string Lower(DistillationMethod method) => method.ToString().ToLowerInvariant();
}
