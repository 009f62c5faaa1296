using System.CommandLine;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd report</c>: what <c>#!spectral-report</c> does, as one page, one table and the spectra.</summary>
internal static class ReportVerb
{
    private static readonly Option<string> Model = new("--model") { Description = "timm name, for example deit_tiny_patch16_224", Required = true };
    private static readonly Option<string> Weights = new("--weights")
    {
        Description = "pretrained, seeded[:n], or a .safetensors, .pth, .pt, .ckpt or .dat file",
        DefaultValueFactory = _ => "pretrained",
    };

    private static readonly Option<string> Images = new("--images") { Description = "textures, cifar10, or a folder or zip in ImageFolder layout", Required = true };
    private static readonly Option<int?> Count = new("--count") { Description = "How many images to take [textures: 500, others: all]" };
    private static readonly Option<MapPoint?> At = new Option<MapPoint?>("--at")
    {
        Description = "Where in each block: the residual stream after it, the attention branch, the MLP branch, or the stream between them [resid]",
    }.AcceptOnlyFromAmong("resid", "attn", "mlp", "mid");

    private static readonly Option<string> Layers = new("--layers") { Description = "Blocks: all, or 0,5..8,-1", DefaultValueFactory = _ => "all" };
    private static readonly Option<int?> Batch = new("--batch") { Description = "Images in one forward pass [what suits the model and the device]" };
    private static readonly Option<string?> Device = new("--device") { Description = "auto, cpu, cuda, cuda:N [auto]" };
    private static readonly Option<string> Output = new("--out") { Description = "Folder for report.html, report.csv and spectrum.json", Required = true };

    public static Command Create()
    {
        var command = new Command("report", "Says why a model's U-curve is what it is: size x evenness, nulls, ranks and outliers of every block")
        {
            Model, Weights, Images, Count, At, Layers, Batch, Device, Output,
        };
        command.SetAction(RunAsync);
        return command.PrintsResults();
    }

    private static async Task<int> RunAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var console = options.InvocationConfiguration;
        var images = ImageSources.Open(options.GetRequiredValue(Images), options.GetValue(Count));
        using var model = await ModelLoader.LoadAsync(
            options.GetRequiredValue(Model),
            new ModelLoadOptions { Weights = options.GetRequiredValue(Weights), Device = Devices.Parse(options.GetValue(Device) ?? "auto") },
            cancellationToken: cancellationToken);
        var lines = images.Notes.Select(note => $"note: {note}").Concat(model.Origin.Lines.Select(line => $"{model.Spec.Name}: {line}"));
        foreach (var line in lines)
        {
            await console.Error.WriteLineAsync(line);
        }

        var settings = new SpectralOptions
        {
            At = options.GetValue(At) ?? MapPoint.Resid,
            Layers = LayerList.Parse(options.GetRequiredValue(Layers), model.Blocks.Count),
            BatchSize = options.GetValue(Batch),
        };
        var report = SpectralReport.Run(model, images, settings, new ProgressLine(console.Error), cancellationToken);
        foreach (var skipped in report.Spectrum.Skipped)
        {
            await console.Error.WriteLineAsync($"left out: {skipped}");
        }

        var files = Write(report, options.GetRequiredValue(Output));
        options.Print(
            () => string.Join(Environment.NewLine, files.Prepend(new ReportView(report).ToPlainText())),
            () => new { report.Spectrum.Model, report.Words, report.Spatial.AmplitudeShare, ChannelAmplitudeShare = report.Channel.AmplitudeShare, Files = files, Blocks = Results.Rows(report.ToDataFrame()) });
        return 0;
    }

    private static string[] Write(SpectralReport report, string folder)
    {
        var (page, table, spectrum) = (Path.Combine(folder, "report.html"), Path.Combine(folder, "report.csv"), Path.Combine(folder, "spectrum.json"));
        report.ToDataFrame().SaveTable(table);
        report.Spectrum.Save(spectrum);
        AtomicFile.WriteText(page, ReportPage.Html(report));
        return [page, table, spectrum];
    }
}
