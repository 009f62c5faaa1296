using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace SpectralKD.Interactive.Views;

/// <summary>One built-in recipe: who learns from whom, on what, for how long.</summary>
internal sealed record RecipeSummary(
    string Name, string Student, long StudentParameters, string? Teacher, long? TeacherParameters, string Source, int? Images, int Epochs, double? Seconds, string? Note);

/// <summary>The built-in recipes with size and time.</summary>
internal sealed record RecipesView(IReadOnlyList<RecipeSummary> Recipes) : INotebookView
{
    // What one core does with nano models, in multiply-adds a second: nano-deit-distilled trains 109 images a second there (benchmark "training").
    private const double MultiplyAddsPerSecond = 8.5e9;

    /// <summary>All of them.</summary>
    public static RecipesView All() => new([.. RecipeLibrary.Names.Select(recipe => Of(recipe, RecipeLibrary.Get(recipe)))]);

    /// <inheritdoc/>
    public string ToHtml() => $"{Table().ToHtml()}<div>{WebUtility.HtmlEncode(Advice)}</div>";

    /// <inheritdoc/>
    public string ToPlainText() => $"{Table().ToPlainText()}\n\n{Advice}";

    private static string Advice => "Times are estimates for one CPU core, by multiply-adds. " + (SpectralKD.Advice.IsForCommandLine
        ? "spectralkd recipes RECIPE prints one, --fields explains the fields; spectralkd distill RECIPE --set FIELD=VALUE trains."
        : "#!spectral-recipes RECIPE shows one, --fields explains the fields; Distiller.RunAsync(RecipeLibrary.Get(\"RECIPE\"), \"runs/mine\") trains.");

    private TextTable Table() => Recipes.Aggregate(new TextTable("recipe", "student", "teacher", "images", "epochs", "time", "what for"), (rows, recipe) => rows.Add(
        recipe.Name,
        FormattableString.Invariant($"{recipe.Student} ({recipe.StudentParameters / 1e6:0.0} M)"),
        recipe.Teacher is null ? "(none)" : FormattableString.Invariant($"{recipe.Teacher} ({recipe.TeacherParameters / 1e6:0.0} M)"),
        recipe.Images?.ToString("N0", CultureInfo.InvariantCulture) ?? "all of " + recipe.Source,
        recipe.Epochs.ToString(CultureInfo.InvariantCulture),
        recipe.Seconds is { } seconds ? About(seconds) : "a GPU's work",
        recipe.Note ?? ""));

    private static string About(double seconds) => seconds < 5400 ? FormattableString.Invariant($"about {Math.Max(1, Math.Round(seconds / 60)):0} min") : FormattableString.Invariant($"about {seconds / 3600:0} h");

    private static RecipeSummary Of(string name, DistillationRecipe recipe)
    {
        var student = Figures(recipe.Student, recipe.ImageSize, recipe.Window);
        var teacher = recipe.HasTeacher ? Figures(recipe.Teacher!, recipe.TeacherImageSize ?? recipe.ImageSize ?? ModelCatalog.Find(recipe.Student).Spec.ImageSize, recipe.TeacherWindow) : null;
        // A step is a forward pass of both and a backward pass of the student, which costs two forward ones.
        var work = ((3.0 * student.MultiplyAdds) + (teacher?.MultiplyAdds ?? 0)) * recipe.Epochs * recipe.Data.Count;
        return new RecipeSummary(
            name, recipe.Student, student.Parameters, recipe.HasTeacher ? recipe.Teacher : null, teacher?.Parameters, recipe.Data.Train, recipe.Data.Count, recipe.Epochs, work / MultiplyAddsPerSecond, recipe.Note);
    }

    private static ModelFigures Figures(string model, ImageSize? size, int? window)
    {
        var spec = ModelCatalog.Find(model).Spec;
        spec = window is { } side ? spec.WithWindow(side) : spec;
        return (spec with { ImageSize = size ?? spec.ImageSize }).Count();
    }
}

/// <summary>What the fields of a recipe take, their defaults, and what they mean.</summary>
internal sealed partial record RecipeFieldsView(IReadOnlyList<(RecipeField Field, string Meaning)> Fields) : INotebookView
{
    /// <summary>The fields with a word in their name; the meaning of a field is its property's documentation, which lies beside the library.</summary>
    /// <param name="filter">A part of the name; null for all.</param>
    /// <exception cref="SpectralKDException">No field has it, or the documentation is missing.</exception>
    public static RecipeFieldsView Of(string? filter)
    {
        var file = Path.ChangeExtension(typeof(DistillationRecipe).Assembly.Location, ".xml");
        var documented = File.Exists(file) ? XDocument.Load(file).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!, member => member.Element("summary"))
            : throw new SpectralKDException($"the explanations of the fields are in {file}, which is not there: install the program again");
        List<(RecipeField Field, string Meaning)> found = [.. RecipeFields.All.Where(field => filter is null || field.Path.Contains(filter, StringComparison.OrdinalIgnoreCase))
            .Select(field => (field, Words(documented.GetValueOrDefault($"P:{field.Property.DeclaringType!.FullName}.{field.Property.Name}"))))];
        return found.Count > 0 ? new(found) : throw new SpectralKDException($"a recipe has no field {filter}{NearestName.Suggestion(filter!, RecipeFields.All.Select(field => field.Path))}");
    }

    /// <inheritdoc/>
    public string ToHtml() => Fields.Aggregate(new TextTable("field", "takes", "default", "meaning"), (rows, field) => rows.Add(field.Field.Path, field.Field.Takes, field.Field.Default ?? "must be given", field.Meaning)).ToHtml();

    /// <inheritdoc/>
    public string ToPlainText() => string.Join("\n\n", Fields.Select(field => $"{field.Field.Path}  ({field.Field.Takes}; default {field.Field.Default ?? "none: must be given"})\n    {field.Meaning}"));

    private static string Words(XElement? summary) => summary is null ? "" : Spaces().Replace(
        string.Concat(summary.Nodes().Select(node => node switch
        {
            XElement { Name.LocalName: "see" } see => RecipeFields.All.FirstOrDefault(field => ((string?)see.Attribute("cref"))?.EndsWith($"{field.Property.DeclaringType!.Name}.{field.Property.Name}", StringComparison.Ordinal) == true)?.Path
                ?? ((string?)see.Attribute("cref"))?.Split('.')[^1] ?? "",
            XElement element => element.Value,
            _ => node.ToString(),
        })), " ").Trim();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}

/// <summary>The methods to learn from a teacher as a table, or one of them with what its arguments mean.</summary>
/// <param name="Kinds">The methods shown.</param>
internal sealed record MethodsView(IReadOnlyList<LossKind> Kinds) : INotebookView
{
    private const string Weight = "weight";

    /// <summary>All methods, or the one of a name.</summary>
    /// <exception cref="SpectralKDException">There is none of that name.</exception>
    public static MethodsView Of(string? name) => new(name is null ? LossCatalog.All : [LossCatalog.Find(name)]);

    /// <inheritdoc/>
    public string ToHtml() => Kinds is [var one]
        ? $"<div><b>{WebUtility.HtmlEncode(one.Name)}</b> {WebUtility.HtmlEncode(Words(one))}</div>{Facts(one).ToHtml()}{Arguments(one).ToHtml()}"
        : Table().ToHtml();

    /// <inheritdoc/>
    public string ToPlainText() => Kinds is [var one]
        ? string.Join(Environment.NewLine, $"{one.Name} {Words(one)}", Facts(one).ToPlainText(), "", Arguments(one).ToPlainText())
        : Table().ToPlainText();

    private static string Words(LossKind kind) => $"compares {kind.Compares}";

    private TextTable Table() => Kinds.Aggregate(
        new TextTable("name", "compares", Weight, "labels' weight", "arguments", "layers", "learns"),
        (table, kind) => table.Add(
            kind.Name, kind.Compares, Number(kind.Weight), Number(kind.LabelWeight), string.Join(", ", kind.Arguments.Select(argument => $"{argument.Name}={argument.Default}")), kind.Layers, kind.Parameters == "none" ? "" : "yes"));

    private static TextTable Facts(LossKind kind)
    {
        var table = new TextTable("what", "value")
            .Add(Weight, $"{Number(kind.Weight)}{(kind.WeighsByFamily ? " (0.05 for Swin students)" : "")}, beside labels of weight {Number(kind.LabelWeight)}")
            .Add("learns", kind.Parameters);
        table = kind.Layers.Length == 0 ? table : table.Add("layers", kind.Layers);
        return table.Add("source", kind.Source);
    }

    private static TextTable Arguments(LossKind kind)
    {
        var table = kind.Arguments.Aggregate(
            new TextTable("argument", "default", "values", "meaning"),
            (rows, argument) => rows.Add(argument.Name, argument.Default, argument.Choices.Count == 0 ? "number" : string.Join(", ", argument.Choices), argument.Description));
        table = table.Add(Weight, Number(kind.Weight), "number", "factor of the term");
        return kind.Layers.Length == 0 ? table : table.Add("studentLayers", "", "blocks", "0+11: the student's blocks to compare").Add("teacherLayers", "", "blocks", "as many of the teacher's");
    }

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}
