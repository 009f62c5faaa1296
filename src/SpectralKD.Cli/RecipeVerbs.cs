using System.CommandLine;
using System.Text.Json.Nodes;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd recipes</c>: the built-in recipes, one of them as a template, and what their fields mean.</summary>
internal static class RecipesVerb
{
    public static Command Create()
    {
        var name = new Argument<string?>("recipe") { Description = "Prints this one, a template for a file of your own", Arity = ArgumentArity.ZeroOrOne, HelpName = "RECIPE" };
        name.CompletionSources.Add(_ => RecipeLibrary.Names.Select(recipe => new System.CommandLine.Completions.CompletionItem(recipe)));
        var fields = new Option<bool>("--fields") { Description = "Explains each field, as distill --set takes them: what it takes, its default, what it means" };
        var command = new Command("recipes", "Lists the built-in recipes with size and time, prints one as a template, or explains each field") { name, fields }.PrintsResults();
        command.ReadBy(given =>
        {
            if (given.GetValue(name) is { } one)
            {
                _ = given.GetValue(fields) ? RecipeFieldsView.Of(one).Fields.Count : RecipeLibrary.Text(one).Length;
            }
        });
        command.SetAction(result =>
        {
            if (result.GetValue(fields))
            {
                var wanted = RecipeFieldsView.Of(result.GetValue(name));
                result.Print(
                    wanted.ToPlainText,
                    () => wanted.Fields.Select(field => new { Field = field.Field.Path, field.Field.Takes, Default = field.Field.Default is { } json ? JsonNode.Parse(json) : null, field.Meaning }));
            }
            else if (result.GetValue(name) is { } one)
            {
                var text = RecipeLibrary.Text(one).TrimEnd();
                result.Print(() => text, () => JsonNode.Parse(RecipeLibrary.Get(one).ToJson())!);
            }
            else
            {
                var recipes = RecipesView.All();
                result.Print(recipes.ToPlainText, () => recipes.Recipes);
            }
        });
        return command;
    }
}

/// <summary><c>spectralkd methods</c>: the methods to learn from a teacher.</summary>
internal static class MethodsVerb
{
    public static Command Create()
    {
        var name = new Argument<string?>("name") { Description = "One method, with what its arguments mean", HelpName = "METHOD", Arity = ArgumentArity.ZeroOrOne };
        name.ReadBy(one => LossCatalog.Find(one));
        name.CompletionSources.Add(_ => LossCatalog.All.Select(kind => new System.CommandLine.Completions.CompletionItem(kind.Name, detail: kind.Compares)));
        var command = new Command("methods", "Lists the losses that --losses and recipes take: what they compare, their official defaults, their source") { name }.PrintsResults();
        command.SetAction(result =>
        {
            var view = MethodsView.Of(result.GetValue(name));
            result.Print(view.ToPlainText, () => view.Kinds.Select(kind => new
            {
                kind.Name,
                kind.Compares,
                kind.Weight,
                kind.LabelWeight,
                Arguments = kind.Arguments.Select(argument => new { argument.Name, argument.Default, argument.Choices, Meaning = argument.Description }),
                kind.Layers,
                Learns = kind.Parameters,
                kind.Source,
            }));
        });
        return command;
    }
}

/// <summary><c>spectralkd export</c>: a recipe as a command for the reference implementation on PyTorch.</summary>
internal static class ExportVerb
{
    public static Command Create()
    {
        var recipe = DistillVerb.RecipeArgument();
        var to = new Option<string>("--to") { Description = "torchrun, slurm for a batch script, or torchdistill for its YAML", DefaultValueFactory = _ => "torchrun" }
            .AcceptOnlyFromAmong(RunExport.Forms);
        var nodes = new Option<int>("--nodes") { Description = "Machines", DefaultValueFactory = _ => 1 };
        var gpus = new Option<int>("--gpus") { Description = "GPUs of one machine", DefaultValueFactory = _ => 2 };
        var data = new Option<string?>("--data-path") { Description = "Folder with train and val [the recipe's]" };
        var command = new Command("export", "Writes a recipe as the command of the authors' programs, or as torchdistill's YAML; what has no counterpart is said on stderr")
        {
            recipe, to, nodes, gpus, data,
        }.PrintsResults();
        command.SetAction(result =>
        {
            var options = new ExportOptions { Nodes = result.GetValue(nodes), GpusPerNode = result.GetValue(gpus), DataPath = result.GetValue(data) };
            var exported = RunExport.To(result.GetValue(to)!, RecipeLibrary.Open(result.GetRequiredValue(recipe)), options);
            var console = result.InvocationConfiguration;
            foreach (var note in exported.Notes)
            {
                console.Error.WriteLine($"note: {note}");
            }

            exported.RequireRuns();
            result.Print(() => exported.Text, () => new { exported.Text, exported.Notes });
            return 0;
        });
        return command;
    }
}
