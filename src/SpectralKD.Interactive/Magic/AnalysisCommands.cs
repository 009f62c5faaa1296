using System.Globalization;
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

/// <summary>Reads lists of blocks as they are typed: <c>all</c>, <c>0,5..8,-1</c>.</summary>
internal static class LayerList
{
    // No model has as many blocks: a slip of the keyboard must not take gigabytes.
    private const int MostInRange = 10_000;

    /// <summary>The 0-based indices of a list; negative ones stay negative (they count from the end). Null for <c>all</c>.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="blocks">How many blocks the model has, for open ranges such as <c>6..</c>.</param>
    /// <exception cref="SpectralKDException">The text is no such list.</exception>
    public static IReadOnlyList<int>? Parse(string text, int blocks) =>
        string.Equals(text.Trim(), "all", StringComparison.OrdinalIgnoreCase)
            ? null
            : [.. text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries).SelectMany(part => Range(part, text, blocks))];

    private static IEnumerable<int> Range(string part, string text, int blocks)
    {
        var ends = part.Split("..");
        if (ends.Length == 1)
        {
            return [Index(part, text)];
        }

        var first = ends[0].Length == 0 ? 0 : Index(ends[0], text);
        var last = ends[^1].Length == 0 ? blocks - 1 : Index(ends[^1], text);
        return ends.Length == 2 && last >= first && (long)last - first < MostInRange ? Enumerable.Range(first, last - first + 1) : throw Wrong(text);
    }

    private static int Index(string part, string text) =>
        int.TryParse(part, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index) ? index : throw Wrong(text);

    private static SpectralKDException Wrong(string text) =>
        new($"\"{text}\" is no list of blocks; write all, or indices and ranges such as 0,5..8,-1");
}
