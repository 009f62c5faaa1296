using System.CommandLine;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd features</c>: feature maps out and in as NumPy files.</summary>
internal static class FeaturesVerb
{
    public static Command Create() => new("features", "Writes feature maps as NumPy files in the authors' layout, or takes the spectra of such files, also of Python's") { Write(), Analyze() };

    private static Command Write()
    {
        var model = new Option<string>("--model") { Description = "timm name, for example deit_tiny_patch16_224", Required = true, HelpName = "NAME" };
        model.CompletionSources.Add([.. ModelCatalog.All.Select(entry => entry.Name)]);
        var weights = new Option<string>("--weights") { Description = "pretrained, seeded[:n], or a file", DefaultValueFactory = _ => "pretrained", HelpName = "WEIGHTS" };
        var images = new Option<string>("--images") { Description = ImageSources.Words, Required = true, HelpName = "SOURCE" };
        images.CompletionSources.Add(ImageSources.Names);
        var count = new Option<int?>("--count") { Description = "How many images to take [textures: 500, others: all]" };
        var layers = new Option<string>("--layers") { Description = "Blocks: all, or 0,5..8,-1", DefaultValueFactory = _ => "all" };
        var size = new Option<string?>("--image-size") { Description = "Side of the input images in pixels, or height x width such as 224x160 [the model's own]", HelpName = "SIZE" };
        var device = new Option<string?>("--device") { Description = "auto, cpu, cuda, cuda:N [auto]", HelpName = "DEVICE" };
        var output = new Option<string>("--out") { Description = "Folder for CLASS_IMAGE.npy, float32 [blocks, tokens, channels]; CLASS_IMAGE.npz with stage_0, … where blocks differ in size", Required = true, HelpName = "FOLDER" };
        var force = new Option<bool>("--force") { Description = "Write into a folder that holds features already" };
        var command = new Command("write", "Runs images through a model and writes the maps of its blocks") { model, weights, images, count, layers, size, device, output, force }.PrintsResults();
        command.SetAction(async (result, cancel) =>
        {
            var console = result.InvocationConfiguration;
            var folder = result.GetRequiredValue(output);
            if (!result.GetValue(force) && Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.np?").Any())
            {
                throw new SpectralKDException($"{folder} holds features already: --force writes among them, or choose another folder");
            }

            var source = ImageSources.Open(result.GetRequiredValue(images), result.GetValue(count));
            using var loaded = await ModelLoader.LoadAsync(
                result.GetRequiredValue(model),
                new ModelLoadOptions { Weights = result.GetRequiredValue(weights), ImageSize = result.GetValue(size) is { } sides ? ImageSize.Parse(sides) : null, Device = Devices.Parse(result.GetValue(device) ?? "auto") },
                cancellationToken: cancel);
            foreach (var line in loaded.Origin.Lines)
            {
                await console.Error.WriteLineAsync($"{loaded.Spec.Name}: {line}");
            }

            var options = new SpectralOptions { Layers = LayerList.Parse(result.GetRequiredValue(layers), loaded.Blocks.Count) };
            var (files, skipped) = FeatureFiles.Write(loaded, source, folder, options, new ProgressLine(console.Error), cancel);
            foreach (var reason in skipped)
            {
                await console.Error.WriteLineAsync($"left out: {reason}");
            }

            result.Print(() => $"{files.Count} image{(files.Count == 1 ? "" : "s")} of {source.Name} through {loaded.Spec.Name}: {folder}", () => new { Folder = folder, Files = files, Skipped = skipped });
            return 0;
        });
        return command;
    }

    private static Command Analyze()
    {
        var folder = new Argument<string>("features") { Description = "A folder of .npy or .npz files, one for each image: [blocks, tokens, channels], or [tokens, channels] for each stage of an .npz", HelpName = "FOLDER" };
        var name = new Option<string?>("--model") { Description = "What the model is called in charts [the folder's name]", HelpName = "NAME" };
        var domain = new Option<SpectralDomain?>("--domain") { Description = "Fourier transform over space, over channels, or both [spatial]" }.AcceptOnlyFromAmong("spatial", "channel", "both");
        var rows = new Option<int?>("--rows") { Description = "Rows of the grid of tokens [it is square]" };
        var output = new Option<string>("--out") { Description = "Folder for blocks.csv, spectrum.json and u-curve.html", Required = true, HelpName = "FOLDER" };
        var force = new Option<bool>("--force") { Description = "Overwrite a result in the folder" };
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
