using System.CommandLine;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd report</c>: what <c>#!spectral-report</c> does, as one page, one table and the spectra.</summary>
internal static class ReportVerb
{
    private static readonly Option<string> Model = ModelOptions.Model();
    private static readonly Option<string> Weights = ModelOptions.Weights();
    private static readonly Option<string> Images = ModelOptions.Images();
    private static readonly Option<int?> Count = ModelOptions.Count();
    private static readonly Option<MapPoint?> At = ModelOptions.At();
    private static readonly Option<string> Layers = ModelOptions.Layers();
    private static readonly Option<int?> Batch = ModelOptions.Batch();
    private static readonly Option<string?> Device = ModelOptions.Device();
    private static readonly Option<string> Output = ModelOptions.Folder("Folder for report.html, report.csv and spectrum.json");

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
        var error = options.InvocationConfiguration.Error;
        var images = ImageSources.Open(options.GetRequiredValue(Images), options.GetValue(Count));
        await ModelOptions.TellAsync(images.Notes, error);
        using var model = await ModelOptions.LoadAsync(
            options.GetRequiredValue(Model),
            new ModelLoadOptions { Weights = options.GetRequiredValue(Weights), Device = Devices.Parse(options.GetValue(Device) ?? "auto") },
            error, cancellation: cancellationToken);
        var settings = new SpectralOptions
        {
            At = options.GetValue(At) ?? MapPoint.Resid,
            Layers = LayerList.Parse(options.GetRequiredValue(Layers), model.Blocks.Count),
            BatchSize = options.GetValue(Batch),
        };
        var report = SpectralReport.Run(model, images, settings, new ProgressLine(error), cancellationToken);
        await ModelOptions.TellSkippedAsync(report.Spectrum.Skipped, error);
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
