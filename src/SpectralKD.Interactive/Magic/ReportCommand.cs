using Microsoft.Data.Analysis;

namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-report</c>.</summary>
internal sealed class ReportArguments : BlockArguments
{
    [MagicParameter("i/n: only every n-th image from the i-th; the parts merge by --merge")]
    public string? Shard { get; set; }

    [MagicParameter("merges reports instead of making one: variables, or files that #!spectral-save wrote, separated by commas", Value = MagicValue.AnyVariable)]
    public IReadOnlyList<string> Merge { get; set; } = [];

    [MagicParameter("the merged parts, a variable or file: adds to <as>, or to the report of the same part made now, what takes a second pass by the basis of all images", Value = MagicValue.AnyVariable)]
    public string? Whole { get; set; }

    [MagicParameter("C# variable for the report; its table goes into <as>Table", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "report";
}

/// <summary>Says why the U-curve is what it is, and all figures of every block.</summary>
internal sealed class ReportCommand : MagicCommand<ReportArguments>
{
    public override string Name => "#!spectral-report";

    public override string Description => "why the U-curve is what it is: RMS x kappa, nulls, ranks and outliers of every block";

    public override string Example => "#!spectral-report --model model --images images --as report";

    protected override async Task RunAsync(ReportArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var report = arguments.Merge.Count > 0
            ? SpectralReport.Merge(arguments.Merge.Select(name => Existing(host, name)))
            : await FromImagesAsync(arguments, host, cancellationToken);
        await host.SetVariableAsync(arguments.As, report, typeof(SpectralReport));
        await host.SetVariableAsync(arguments.As + "Table", report.ToDataFrame(), typeof(DataFrame));
        if (arguments.PerImage)
        {
            await host.SetVariableAsync(arguments.As + "Images", report.Spectrum.ToImageFrame(), typeof(DataFrame));
        }

        host.Display(report);
        host.Display(Charts.Decomposition(report.Spectrum));
        host.Display(Charts.Nulls(report));
        if (!report.Spectrum.Skipped.IsEmpty)
        {
            host.Display(MessageView.Skipped(report.Spectrum.Skipped));
        }
    }

    private static async Task<SpectralReport> FromImagesAsync(ReportArguments arguments, INotebookHost host, CancellationToken cancellation)
    {
        var (model, files) = (host.Model(arguments.Model), host.Images(arguments.Images));
        var whole = arguments.Whole is { } name ? Existing(host, name) : null;
        var before = whole is not null && host.TryGetVariable(arguments.As, out var value) ? value as SpectralReport : null;
        var options = new SpectralOptions
        {
            At = arguments.At,
            Layers = LayerList.Parse(arguments.Layers, model.Blocks.Count),
            BatchSize = arguments.Batch,
            Precision = arguments.Precision,
            PerImage = arguments.PerImage,
            Shard = arguments.Shard is { } part ? DataShard.Parse(part) : null,
        };
        var images = await AnalyzeCommand.ReadyAsync(host, model, files, arguments.Precision, arguments.ImageCache, cancellation);
        var progress = new AnalysisReporter(new ProgressDisplay(host, $"{model.Spec.Name} on {images.Name}", "images"));
        return await Task.Run(
            () =>
            {
                var report = before ?? SpectralReport.Run(model, images, options, progress, cancellation);
                return whole is null ? report : report.AddSecondPass(model, images, whole, options, progress, cancellation);
            },
            cancellation);
    }

    /// <summary>The report in a variable, or in a file.</summary>
    private static SpectralReport Existing(INotebookHost host, string name)
        => File.Exists(name) ? SpectralReport.Load(name) : host.Report(name);
}
