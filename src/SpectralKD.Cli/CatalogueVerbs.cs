using System.CommandLine;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd models</c>: the catalogue.</summary>
internal static class ModelsVerb
{
    public static Command Create()
    {
        var filter = new Argument<string?>("filter") { Description = "Part of a name or a family", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("models", "Lists the models that can be loaded by name") { filter };
        command.SetAction(result => result.InvocationConfiguration.Output.WriteLine(CatalogueView.Of(result.GetValue(filter)).ToPlainText()));
        return command;
    }
}

/// <summary><c>spectralkd methods</c>: the methods to learn from a teacher.</summary>
internal static class MethodsVerb
{
    public static Command Create()
    {
        var name = new Argument<string?>("name") { Description = "One method, with what its arguments mean", Arity = ArgumentArity.ZeroOrOne };
        name.CompletionSources.Add(_ => LossCatalog.All.Select(kind => new System.CommandLine.Completions.CompletionItem(kind.Name, detail: kind.Compares)));
        var command = new Command("methods", "Lists the losses that --losses and recipes take: what they compare, their official defaults, their source") { name };
        command.SetAction(result => result.InvocationConfiguration.Output.WriteLine(MethodsView.Of(result.GetValue(name)).ToPlainText()));
        return command;
    }
}

/// <summary><c>spectralkd device</c>: which torch and which devices are there.</summary>
internal static class DeviceVerb
{
    public static Command Create()
    {
        var command = new Command("device", "Shows the devices and the torch that are there");
        command.SetAction(result => result.InvocationConfiguration.Output.WriteLine(DeviceView.Take().ToPlainText()));
        return command;
    }
}
