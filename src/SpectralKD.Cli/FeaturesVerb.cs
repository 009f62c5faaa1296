using System.CommandLine;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd features</c>: feature maps out and in as NumPy files.</summary>
internal static class FeaturesVerb
{
    public static Command Create() => new("features", "Writes feature maps as NumPy files in the authors' layout, or takes the spectra of such files, also of Python's") { Write(), Analyze() };

    private static Command Write()
    {
        var (model, weights, images, count) = (ModelOptions.Model(), ModelOptions.Weights(), ModelOptions.Images(), ModelOptions.Count());
        var (layers, size, device) = (ModelOptions.Layers(), ModelOptions.Size(), ModelOptions.Device());
        var output = ModelOptions.Folder("Folder for CLASS_IMAGE.npy, float32 [blocks, tokens, channels]; CLASS_IMAGE.npz with stage_0, … where blocks differ in size");
        var force = new Option<bool>("--force") { Description = "Write into a folder that holds features already" };
        var command = new Command("write", "Runs images through a model and writes the maps of its blocks") { model, weights, images, count, layers, size, device, output, force }.PrintsResults();
        command.SetAction(async (result, cancel) =>
        {
            var error = result.InvocationConfiguration.Error;
            var folder = result.GetRequiredValue(output);
            FeatureFiles.RequireRoom(folder, result.GetValue(force));
            var source = ImageSources.Open(result.GetRequiredValue(images), result.GetValue(count));
            await ModelOptions.TellAsync(source.Notes, error);
            using var loaded = await ModelOptions.LoadAsync(
                result.GetRequiredValue(model),
                new ModelLoadOptions { Weights = result.GetRequiredValue(weights), ImageSize = ModelOptions.SizeIn(result, size), Device = Devices.Parse(result.GetValue(device) ?? "auto") },
                error, cancellation: cancel);
            var options = new SpectralOptions { Layers = LayerList.Parse(result.GetRequiredValue(layers), loaded.Blocks.Count) };
            var (files, skipped) = FeatureFiles.Write(loaded, source, folder, options, new ProgressLine(error), cancel);
            await ModelOptions.TellSkippedAsync(skipped, error, "--json names each");
            result.Print(() => $"{files.Count} image{(files.Count == 1 ? "" : "s")} of {source.Name} through {loaded.Spec.Name}: {folder}", () => new { Folder = folder, Files = files, Skipped = skipped });
            return 0;
        });
        return command;
    }

    private static Command Analyze()
    {
        var folder = new Argument<string>("features") { Description = "A folder of .npy or .npz files, one for each image: [blocks, tokens, channels], or [tokens, channels] for each stage of an .npz", HelpName = "FOLDER" };
        var name = new Option<string?>("--model") { Description = "What the model is called in charts [the folder's name]", HelpName = "NAME" };
        var domain = ModelOptions.Domain();
        var rows = new Option<int?>("--rows") { Description = "Rows of the grid of tokens [it is square]" };
        var output = ModelOptions.Folder("Folder for blocks.csv, spectrum.json and u-curve.html");
        var force = ModelOptions.Force();
        var command = new Command("analyze", "Takes the spectra of features that this program or Python has saved") { folder, name, domain, rows, output, force }.PrintsResults();
        command.SetAction((result, cancel) =>
        {
            var files = SpectrumFiles.Prepare(result.GetRequiredValue(output), result.GetValue(force));
            var spectrum = FeatureFiles.Analyze(result.GetRequiredValue(folder), result.GetValue(name), result.GetValue(domain) ?? SpectralDomain.Spatial, result.GetValue(rows), cancel);
            files.Write(spectrum);
            result.Print(() => files.Words(spectrum), () => files.Figures(spectrum));
            return Task.FromResult(0);
        });
        return command;
    }
}
