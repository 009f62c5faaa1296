using System.CommandLine;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd report</c>: what <c>#!spectral-report</c> does, as one page, one table, the spectra, and the sums that parts merge by.</summary>
internal static class ReportVerb
{
    private static readonly Option<string> Model = ModelOptions.Model();
    private static readonly Option<string> Weights = ModelOptions.Weights();
    private static readonly Option<string?> Size = ModelOptions.Size();
    private static readonly Option<int?> Window = ModelOptions.Window();
    private static readonly Option<string> Images = ModelOptions.Images();
    private static readonly Option<int?> Count = ModelOptions.Count();
    private static readonly Option<MapPoint?> At = ModelOptions.At();
    private static readonly Option<string> Layers = ModelOptions.Layers();
    private static readonly Option<int?> Batch = ModelOptions.Batch();
    private static readonly Option<string?> Shard = ModelOptions.Shard();
    private static readonly Option<string?> Whole = new("--whole")
    {
        Description = "Folder of the merged parts: adds to this part what takes a second pass by the basis and range of all images; merge again afterwards",
        HelpName = "FOLDER",
    };

    private static readonly Option<string?> EntropyRange = ModelOptions.EntropyRange();
    private static readonly Option<ModelPrecision?> Precision = ModelOptions.Precision();
    private static readonly Option<bool> PerImage = ModelOptions.PerImage();
    private static readonly Option<string?> Cache = ModelOptions.Cache();
    private static readonly Option<string?> Device = ModelOptions.Device();
    private static readonly Option<string> Output = ModelOptions.Folder("Folder for report.html, report.csv, spectrum.json and sums.safetensors");
    private static readonly Option<bool> Force = ModelOptions.Force();

    public static Command Create()
    {
        var command = new Command("report", "Says why a model's U-curve is what it is: size x evenness, nulls, ranks and outliers of every block")
        {
            Model, Weights, Size, Window, Images, Count, At, Layers, Batch, Shard, Whole, EntropyRange, Precision, PerImage, Cache, Device, Output, Force,
        };
        command.SetAction(RunAsync);
        return command.PrintsResults();
    }

    /// <summary>Reads the sums that a report or a merge has left in a folder, or a file of them.</summary>
    internal static SpectralReport Load(string path) => Directory.Exists(path) && Path.Combine(path, "sums.safetensors") is var file && !File.Exists(file)
        ? throw new SpectralKDException($"there is no sums.safetensors in {path}: give a folder that spectralkd report or merge wrote")
        : SpectralReport.Load(Directory.Exists(path) ? Path.Combine(path, "sums.safetensors") : path);

    /// <summary>Prints a report and its files.</summary>
    internal static void Print(ParseResult options, SpectralReport report, IReadOnlyList<string> files) => options.Print(
        () => string.Join(Environment.NewLine, files.Prepend(new ReportView(report).ToPlainText())),
        () => new
        {
            report.Spectrum.Model,
            report.Spectrum.Images,
            report.Spectrum.Skipped,
            report.Words,
            report.IsComplete,
            report.Spatial.AmplitudeShare,
            ChannelAmplitudeShare = report.Channel.AmplitudeShare,
            Files = files,
            Blocks = Results.Rows(report.ToDataFrame()),
        });

    private static async Task<int> RunAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var error = options.InvocationConfiguration.Error;
        var size = ModelOptions.SizeIn(options, Size);
        var settings = new SpectralOptions
        {
            At = options.GetValue(At) ?? MapPoint.Resid,
            BatchSize = options.GetValue(Batch),
            Precision = options.GetValue(Precision),
            PerImage = options.GetValue(PerImage),
            Shard = options.GetValue(Shard) is { } part ? DataShard.Parse(part) : null,
            EntropyRange = options.GetValue(EntropyRange) is { } bounds ? ActivationRange.Parse(bounds) : null,
        };
        var whole = options.GetValue(Whole) is { } merged ? Load(merged) : null;
        var place = SpectrumFiles.Prepare(options.GetRequiredValue(Output), options.GetValue(Force), resume: whole is not null);
        var files = ImageSources.Open(options.GetRequiredValue(Images), options.GetValue(Count));
        await ModelOptions.TellAsync(files.Notes, error);
        using var model = await ModelOptions.LoadAsync(
            options.GetRequiredValue(Model),
            new ModelLoadOptions { Weights = options.GetRequiredValue(Weights), ImageSize = size, WindowSize = options.GetValue(Window), Device = Devices.Parse(options.GetValue(Device) ?? "auto") },
            error, cancellation: cancellationToken);
        settings = settings with { Layers = LayerList.Parse(options.GetRequiredValue(Layers), model.Blocks.Count) };
        var images = await ModelOptions.ReadyAsync(model, files, settings.Precision, options.GetValue(Cache), error, cancellationToken);
        var told = images.Notes;
        var report = whole is null || options.GetValue(Force) || !File.Exists(place.Sums)
            ? SpectralReport.Run(model, images, settings, new ProgressLine(error), cancellationToken)
            : SpectralReport.Load(place.Sums);
        if (whole is not null)
        {
            report = report.AddSecondPass(model, images, whole, settings, new ProgressLine(error, "second pass: "), cancellationToken);
        }

        await ModelOptions.TellAsync(images.Notes.Except(told), error);
        await ModelOptions.TellSkippedAsync(report.Spectrum.Skipped, error);
        Print(options, report, place.Write(report));
        return 0;
    }
}
