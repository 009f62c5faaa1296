using Microsoft.Data.Analysis;

namespace SpectralKD.Interactive.Magic;

/// <summary>What <c>#!spectral-features</c> does, as <c>spectralkd features</c> has it.</summary>
internal enum FeaturesAction
{
    /// <summary>Writes the maps of a model's blocks.</summary>
    Write,

    /// <summary>Takes the spectra of such files, also of Python's.</summary>
    Analyze,
}

/// <summary>Parameters of <c>#!spectral-features</c>.</summary>
internal sealed class FeaturesArguments
{
    [MagicParameter("write: the maps of a model's blocks, one file an image; analyze: the spectra of such files, whoever wrote them", Implicit = true, Required = true)]
    public FeaturesAction Action { get; set; }

    [MagicParameter("folder of the files, CLASS_IMAGE.npy with float32 [blocks, tokens, channels], or .npz with stage_0, … where blocks differ in size", Required = true, Value = MagicValue.Path)]
    public string Folder { get; set; } = "";

    [MagicParameter("write: variable that holds the model", Value = MagicValue.ModelVariable)]
    public string Model { get; set; } = "model";

    [MagicParameter("write: variable that holds the images", Value = MagicValue.ImagesVariable)]
    public string Images { get; set; } = "images";

    [MagicParameter("write: blocks, all or indices and ranges such as 0,5..8,-1")]
    public string Layers { get; set; } = "all";

    [MagicParameter("write: into a folder that holds features already")]
    public bool Force { get; set; }

    [MagicParameter("analyze: what the model is called in charts (the folder's name)")]
    public string? Name { get; set; }

    [MagicParameter("analyze: Fourier transform over space, over channels, or both")]
    public SpectralDomain Domain { get; set; } = SpectralDomain.Spatial;

    [MagicParameter("analyze: rows of the grid of tokens (it is square)")]
    public int? Rows { get; set; }

    [MagicParameter("analyze: C# variable for the spectrum; its table goes into <as>Table", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "spectrum";
}

/// <summary>Feature maps out and in as NumPy files.</summary>
internal sealed class FeaturesCommand : MagicCommand<FeaturesArguments>
{
    public override string Name => "#!spectral-features";

    public override string Description => "writes feature maps as NumPy files in the authors' layout, or takes the spectra of such files, also of Python's";

    public override string Example => "#!spectral-features write --folder features --model model --images images";

    protected override Task RunAsync(FeaturesArguments arguments, INotebookHost host, CancellationToken cancellationToken) =>
        arguments.Action == FeaturesAction.Write ? WriteAsync(arguments, host, cancellationToken) : AnalyzeAsync(arguments, host, cancellationToken);

    private static async Task WriteAsync(FeaturesArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var (model, images) = (host.Model(arguments.Model), host.Images(arguments.Images));
        FeatureFiles.RequireRoom(arguments.Folder, arguments.Force);
        var options = new SpectralOptions { Layers = LayerList.Parse(arguments.Layers, model.Blocks.Count) };
        var progress = new ProgressDisplay(host, $"{model.Spec.Name} on {images.Name}", "images");
        var (files, skipped) = await Task.Run(() => FeatureFiles.Write(model, images, arguments.Folder, options, new AnalysisReporter(progress), cancellationToken), cancellationToken);
        host.Display(new MessageView($"{PlainText.Count(files.Count, "image")} of {images.Name} through {model.Spec.Name}: {Path.GetFullPath(arguments.Folder)}"));
        if (skipped.Count > 0)
        {
            host.Display(MessageView.Skipped(skipped));
        }
    }

    private static async Task AnalyzeAsync(FeaturesArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var spectrum = await Task.Run(() => FeatureFiles.Analyze(arguments.Folder, arguments.Name, arguments.Domain, arguments.Rows, cancellationToken), cancellationToken);
        var table = spectrum.ToDataFrame();
        await host.SetVariableAsync(arguments.As, spectrum, typeof(ModelSpectrum));
        await host.SetVariableAsync(arguments.As + "Table", table, typeof(DataFrame));
        host.Display(table);
        host.Display(Charts.UCurve(spectrum));
    }
}
