using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd recipes</c>: the built-in recipes, one of them as a template, and what their fields mean.</summary>
internal static partial class RecipesVerb
{
    // What one core does with nano models, in multiply-adds a second: nano-deit-distilled trains 109 images a second there (benchmark "training").
    private const double MultiplyAddsPerSecond = 8.5e9;

    public static Command Create()
    {
        var name = new Argument<string?>("recipe") { Description = "Prints this one, a template for a file of your own", Arity = ArgumentArity.ZeroOrOne, HelpName = "RECIPE" };
        name.CompletionSources.Add(_ => RecipeLibrary.Names.Select(recipe => new System.CommandLine.Completions.CompletionItem(recipe)));
        var fields = new Option<bool>("--fields") { Description = "Explains each field, as distill --set takes them: what it takes, its default, what it means" };
        var command = new Command("recipes", "Lists the built-in recipes with size and time, prints one as a template, or explains each field") { name, fields }.PrintsResults();
        command.SetAction(result =>
        {
            if (result.GetValue(fields))
            {
                var wanted = Fields(result.GetValue(name));
                result.Print(
                    () => string.Join("\n\n", wanted.Select(field => $"{field.Field.Path}  ({field.Field.Takes}; default {field.Field.Default ?? "none: must be given"})\n    {field.Meaning}")),
                    () => wanted.Select(field => new { Field = field.Field.Path, field.Field.Takes, Default = field.Field.Default is { } json ? System.Text.Json.Nodes.JsonNode.Parse(json) : null, field.Meaning }));
            }
            else if (result.GetValue(name) is { } one)
            {
                var text = RecipeLibrary.Text(one).TrimEnd();
                result.Print(() => text, () => System.Text.Json.Nodes.JsonNode.Parse(RecipeLibrary.Get(one).ToJson())!);
            }
            else
            {
                Summary[] recipes = [.. RecipeLibrary.Names.Select(recipe => Of(recipe, RecipeLibrary.Get(recipe)))];
                result.Print(() => Table(recipes), () => recipes);
            }
        });
        return command;
    }

    private static string Table(IEnumerable<Summary> recipes)
    {
        var table = recipes.Aggregate(new TextTable("recipe", "student", "teacher", "images", "epochs", "time", "what for"), (rows, recipe) => rows.Add(
            recipe.Name,
            FormattableString.Invariant($"{recipe.Student} ({recipe.StudentParameters / 1e6:0.0} M)"),
            recipe.Teacher is null ? "(none)" : FormattableString.Invariant($"{recipe.Teacher} ({recipe.TeacherParameters / 1e6:0.0} M)"),
            recipe.Images?.ToString("N0", CultureInfo.InvariantCulture) ?? "all of " + recipe.Source,
            recipe.Epochs.ToString(CultureInfo.InvariantCulture),
            recipe.Seconds is { } seconds ? About(seconds) : "a GPU's work",
            recipe.Note ?? ""));
        return $"{table.ToPlainText()}\n\nTimes are estimates for one CPU core, by multiply-adds. spectralkd recipes RECIPE prints one, --fields explains the fields; spectralkd distill RECIPE --set FIELD=VALUE trains.";
    }

    private static string About(double seconds) => seconds < 5400 ? FormattableString.Invariant($"about {Math.Max(1, Math.Round(seconds / 60)):0} min") : FormattableString.Invariant($"about {seconds / 3600:0} h");

    private static Summary Of(string name, DistillationRecipe recipe)
    {
        var student = Figures(recipe.Student, recipe.ImageSize, recipe.Window);
        var teacher = recipe.HasTeacher ? Figures(recipe.Teacher!, recipe.TeacherImageSize ?? recipe.ImageSize ?? ModelCatalog.Find(recipe.Student).Spec.ImageSize, recipe.TeacherWindow) : null;
        // A step is a forward pass of both and a backward pass of the student, which costs two forward ones.
        var work = ((3.0 * student.MultiplyAdds) + (teacher?.MultiplyAdds ?? 0)) * recipe.Epochs * recipe.Data.Count;
        return new Summary(
            name, recipe.Student, student.Parameters, recipe.HasTeacher ? recipe.Teacher : null, teacher?.Parameters, recipe.Data.Train, recipe.Data.Count, recipe.Epochs, work / MultiplyAddsPerSecond, recipe.Note);
    }

    private static ModelFigures Figures(string model, ImageSize? size, int? window)
    {
        var spec = ModelCatalog.Find(model).Spec;
        spec = window is { } side ? spec.WithWindow(side) : spec;
        return (spec with { ImageSize = size ?? spec.ImageSize }).Count();
    }

    // The meaning of a field is its property's documentation, which lies beside the library.
    private static List<(RecipeField Field, string Meaning)> Fields(string? filter)
    {
        var file = Path.ChangeExtension(typeof(DistillationRecipe).Assembly.Location, ".xml");
        var documented = File.Exists(file) ? XDocument.Load(file).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!, member => member.Element("summary"))
            : throw new SpectralKDException($"the explanations of the fields are in {file}, which is not there: install the program again");
        List<(RecipeField Field, string Meaning)> found = [.. RecipeFields.All.Where(field => filter is null || field.Path.Contains(filter, StringComparison.OrdinalIgnoreCase))
            .Select(field => (field, Words(documented.GetValueOrDefault($"P:{field.Property.DeclaringType!.FullName}.{field.Property.Name}"))))];
        return found.Count > 0 ? found : throw new SpectralKDException($"a recipe has no field {filter}{NearestName.Suggestion(filter!, RecipeFields.All.Select(field => field.Path))}");
    }

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

    private sealed record Summary(
        string Name, string Student, long StudentParameters, string? Teacher, long? TeacherParameters, string Source, int? Images, int Epochs, double? Seconds, string? Note);
}
