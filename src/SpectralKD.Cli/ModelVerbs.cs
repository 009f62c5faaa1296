using System.CommandLine;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd models</c>: the catalogue.</summary>
internal static class ModelsVerb
{
    public static Command Create()
    {
        var filter = new Argument<string?>("filter") { Description = "Part of a name, a family or a tag, or a pattern as timm's: vit_*, *dino*", Arity = ArgumentArity.ZeroOrOne };
        var pretrained = new Option<bool>("--pretrained") { Description = "Only models that have weights" };
        var command = new Command("models", "Lists the models that can be loaded by name") { filter, pretrained }.PrintsResults();
        command.SetAction(result =>
        {
            var view = CatalogueView.Of(result.GetValue(filter), result.GetValue(pretrained));
            result.Print(view.ToPlainText, () => view.Entries.Select(entry => new
            {
                Name = CatalogueView.NameOf(entry),
                entry.Family,
                entry.Parameters,
                Blocks = entry.Blocks.Count,
                Channels = entry.Dims,
                Input = entry.Spec.ImageSize.ToString(),
                entry.Spec.Classes,
                Weights = entry.Published.Select(weights => new { weights.Tag, weights.Repository, Licence = weights.LicenseWords }),
            }));
        });
        return command;
    }
}

/// <summary><c>spectralkd device</c>: which torch and which devices are there.</summary>
internal static class DeviceVerb
{
    public static Command Create()
    {
        var command = new Command("device", "Shows the devices and the torch that are there").PrintsResults();
        command.SetAction(result =>
        {
            var view = DeviceView.Take();
            result.Print(view.ToPlainText, () => view.Facts.ToDictionary(fact => fact.What.Replace(' ', '_').ToLowerInvariant(), fact => fact.Value));
        });
        return command;
    }
}
