using Microsoft.Data.Analysis;

namespace SpectralKD.Interactive.Magic;

/// <summary>What <c>#!spectral-analyze</c> and <c>#!spectral-report</c> both ask for: images through a model's blocks.</summary>
internal abstract class BlockArguments
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

    [MagicParameter("numbers in which the model computes (as it is loaded: float32); the figures are float64 in any case")]
    public ModelPrecision? Precision { get; set; }

    [MagicParameter("folder of the decoded images, made where it is missing", Value = MagicValue.Path)]
    public string? ImageCache { get; set; }

    [MagicParameter("keep the intensity of every image: a table of image, class, block, intensity goes into <as>Images")]
    public bool PerImage { get; set; }
}

/// <summary>Parameters of <c>#!spectral-analyze</c>.</summary>
internal sealed class AnalyzeArguments : BlockArguments
{
    [MagicParameter("Fourier transform: over space, over channels (as the authors' released analysis does), or both")]
    public SpectralDomain Domain { get; set; } = SpectralDomain.Spatial;

    [MagicParameter("file that keeps what is computed: after a stop or a restart the same line goes on from it, and ends in the same bits", Value = MagicValue.Path)]
    public string? Resume { get; set; }

    [MagicParameter("C# variable for the spectrum; its table goes into <as>Table", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "spectrum";
}

/// <summary>Runs images through a model and takes every block's spectrum.</summary>
internal sealed class AnalyzeCommand : MagicCommand<AnalyzeArguments>
{
    public override string Name => "#!spectral-analyze";

    public override string Description => "spectra of a model's blocks over images: a table and the U-curve";

    public override string Example => "#!spectral-analyze --model model --images images --as spectrum";

    protected override async Task RunAsync(AnalyzeArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var model = host.Model(arguments.Model);
        var files = host.Images(arguments.Images);
        var images = await ReadyAsync(host, model, files, arguments.Precision, arguments.ImageCache, cancellationToken);
        var options = new SpectralOptions
        {
            Domain = arguments.Domain,
            At = arguments.At,
            Layers = LayerList.Parse(arguments.Layers, model.Blocks.Count),
            BatchSize = arguments.Batch,
            Precision = arguments.Precision,
            PerImage = arguments.PerImage,
            ResumeFile = arguments.Resume,
        };
        var progress = new ProgressDisplay(host, $"{model.Spec.Name} on {images.Name}", "images");
        var spectrum = await Task.Run(
            () => SpectralAnalysis.Run(model, images, options, new AnalysisReporter(progress), cancellationToken), cancellationToken);

        var table = spectrum.ToDataFrame();
        await host.SetVariableAsync(arguments.As, spectrum, typeof(ModelSpectrum));
        await host.SetVariableAsync(arguments.As + "Table", table, typeof(DataFrame));
        if (arguments.PerImage)
        {
            await host.SetVariableAsync(arguments.As + "Images", spectrum.ToImageFrame(), typeof(DataFrame));
        }

        host.Display(table);
        host.Display(Charts.UCurve(spectrum));
        if (!spectrum.Skipped.IsEmpty)
        {
            host.Display(MessageView.Skipped(spectrum.Skipped));
        }
    }

    /// <summary>The images as a model will get them, through the cache where one is named. Shows what is to be known before: where the weights came from, what the cache leaves out, slow numbers.</summary>
    internal static async Task<IImageSource> ReadyAsync(INotebookHost host, VisionModel model, IImageSource files, ModelPrecision? precision, string? cache, CancellationToken cancellation)
    {
        var images = cache is null ? files : await Task.Run(
            () => ImageCache.Open(files, cache, model.Spec.Preprocessing.ResizeTo(model.Spec.ImageSize), cancellation: cancellation), cancellation);
        if (model.Origin.IsUntrained || !model.Origin.Notes.IsEmpty)
        {
            host.Display(new MessageView($"{model.Spec.Name}: {model.Origin.Words}", model.Origin.Notes));
        }

        if (precision == ModelPrecision.Bf16 && FastBFloat16.Remark(model.parameters().First().device) is { } slow)
        {
            host.Display(new MessageView($"{model.Spec.Name} in bf16", [slow]));
        }

        if (images.Notes.Except(files.Notes).ToList() is { Count: > 0 } notes)
        {
            host.Display(new MessageView($"{images.Name}: image cache", notes));
        }

        return images;
    }
}

/// <summary>Shows how far an analysis has come. Progress&lt;T&gt; would report later, from another thread, even after the end.</summary>
internal sealed class AnalysisReporter(ProgressDisplay display) : IProgress<AnalysisProgress>
{
    public void Report(AnalysisProgress value)
    {
        var total = value.Images ?? 0;
        display.Report(((value.Pass - 1) * total) + value.Done, total * value.Passes);
    }
}
