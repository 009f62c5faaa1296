using Microsoft.Data.Analysis;

namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-report</c>.</summary>
internal sealed class ReportArguments
{
    [MagicParameter("variable that holds the model", Value = MagicValue.ModelVariable)]
    public string Model { get; set; } = "model";

    [MagicParameter("variable that holds the images", Value = MagicValue.ImagesVariable)]
    public string Images { get; set; } = "images";

    [MagicParameter("where in each block: the residual stream after it, the attention branch, the MLP branch, or the stream between them")]
    public MapPoint At { get; set; }

    [MagicParameter("blocks: all, or indices and ranges such as 0,5..8,-1")]
    public string Layers { get; set; } = "all";

    [MagicParameter("images in one forward pass [what suits the model and the device]")]
    public int? Batch { get; set; }

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
        var (model, images) = (host.Model(arguments.Model), host.Images(arguments.Images));
        var options = new SpectralOptions { At = arguments.At, Layers = LayerList.Parse(arguments.Layers, model.Blocks.Count), BatchSize = arguments.Batch };
        var progress = new ProgressDisplay(host, $"{model.Spec.Name} on {images.Name}", "images");
        var report = await Task.Run(() => SpectralReport.Run(model, images, options, new AnalysisReporter(progress), cancellationToken), cancellationToken);

        await host.SetVariableAsync(arguments.As, report, typeof(SpectralReport));
        await host.SetVariableAsync(arguments.As + "Table", report.ToDataFrame(), typeof(DataFrame));
        if (model.Origin.IsUntrained || !model.Origin.Notes.IsEmpty)
        {
            host.Display(new MessageView($"{model.Spec.Name}: {model.Origin.Words}", model.Origin.Notes));
        }

        host.Display(report);
        host.Display(Charts.Decomposition(report.Spectrum));
        host.Display(Charts.Nulls(report));
        if (!report.Spectrum.Skipped.IsEmpty)
        {
            host.Display(MessageView.Skipped(report.Spectrum.Skipped));
        }
    }
}
