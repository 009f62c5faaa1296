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
