using System.Globalization;

namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-ucurve</c>.</summary>
internal sealed class UCurveArguments
{
    [MagicParameter(
        "variables that hold spectra, separated by commas", Implicit = true, Required = true, Value = MagicValue.SpectrumVariable)]
    public IReadOnlyList<string> Spectra { get; set; } = [];

    [MagicParameter("divide each curve by its largest intensity")]
    public bool Normalize { get; set; }

    [MagicParameter("depth from 0 (first block) to 1 (last block) instead of the block's index; taken anyway where depths differ")]
    public bool? Relative { get; set; }

    [MagicParameter("whose intensity is drawn, where both domains were analysed (spatial)")]
    public SpectralDomain? Domain { get; set; }

    [MagicParameter("what is shaded: the 95 % interval of the mean, one standard deviation over images, or nothing")]
    public CurveBand Band { get; set; } = CurveBand.Interval;

    [MagicParameter("begin the vertical axis near the lowest value instead of at zero")]
    public bool FromData { get; set; }

    [MagicParameter("point at a block, click it or use the arrow keys to see its amplitude map, radial profile and strongest images")]
    public bool Linked { get; set; }

    [MagicParameter("variable that holds the images, for the strongest ones of --linked", Value = MagicValue.ImagesVariable)]
    public string? Images { get; set; }
}

/// <summary>Draws the U-curves of one or several models side by side.</summary>
internal sealed class UCurveCommand : MagicCommand<UCurveArguments>
{
    public override string Name => "#!spectral-ucurve";

    public override string Description => "U-curves of one or several spectra in one chart";

    public override string Example => "#!spectral-ucurve spectrum --normalize --relative";

    protected override Task RunAsync(UCurveArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var spectra = arguments.Spectra.Select(host.Spectrum).Select(spectrum => arguments.Domain is { } domain ? spectrum.InDomain(domain) : spectrum);
        if (arguments.Images is not null && !arguments.Linked)
        {
            throw new SpectralKDException("--images is for --linked; add that, or leave it out");
        }

        if (arguments.Linked)
        {
            foreach (var linked in spectra.Select(spectrum => new LinkedBlocks(spectrum, arguments.Images is { } images ? host.Images(images) : null)).ToList())
            {
                host.Display(linked);
            }

            return Task.CompletedTask;
        }

        host.Display(Charts.UCurve([.. spectra], arguments.Normalize, arguments.Relative, arguments.Band, !arguments.FromData));
        return Task.CompletedTask;
    }
}

/// <summary>Parameters of <c>#!spectral-layer</c>.</summary>
internal sealed class LayerArguments
{
    [MagicParameter("variable that holds the spectrum", Implicit = true, Value = MagicValue.SpectrumVariable)]
    public string Spectrum { get; set; } = "spectrum";

    [MagicParameter("block index, negative ones count from the end")]
    public int Layer { get; set; } = -1;
}

/// <summary>Shows one block in detail.</summary>
internal sealed class LayerCommand : MagicCommand<LayerArguments>
{
    public override string Name => "#!spectral-layer";

    public override string Description => "one block: 2-D amplitude map, radial profile, channel spectrum";

    public override string Example => "#!spectral-layer spectrum --layer 5";

    protected override Task RunAsync(LayerArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        if (int.TryParse(arguments.Spectrum, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var block))
        {
            throw new SpectralKDException(string.Create(
                CultureInfo.InvariantCulture, $"{Name} takes a variable that holds a spectrum, found {block}: a block's index goes by {Name} --layer {block}"));
        }

        host.Display(Charts.Layer(host.Spectrum(arguments.Spectrum), arguments.Layer));
        return Task.CompletedTask;
    }
}

/// <summary>Parameters of <c>#!spectral-chart</c>.</summary>
internal sealed class ChartArguments
{
    [MagicParameter("which chart", Implicit = true, Required = true)]
    public ChartKind? Kind { get; set; }

    [MagicParameter("variables that hold spectra, separated by commas", Value = MagicValue.SpectrumVariable)]
    public IReadOnlyList<string> Spectra { get; set; } = ["spectrum"];

    [MagicParameter("heatmap: divide each block by its largest amplitude")]
    public bool Normalize { get; set; }

    [MagicParameter("histogram: blocks such as 0,5,-1; without it the first, a middle and the last one; extremes: the block (-1)")]
    public string? Layers { get; set; }

    [MagicParameter("extremes, input: variable that holds the images that were analysed", Value = MagicValue.ImagesVariable)]
    public string Images { get; set; } = "images";
}

/// <summary>Draws what the U-curve sums up: frequencies, images, entropies.</summary>
internal sealed class ChartCommand : MagicCommand<ChartArguments>
{
    public override string Name => "#!spectral-chart";

    public override string Description => "depth x frequency heatmap, intensities of images (histogram, classes, extremes), spectrum of the input, entropy by layer";

    public override string Example => "#!spectral-chart heatmap --spectra spectrum";

    protected override Task RunAsync(ChartArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        RefuseWhatIsNotUsed(arguments);
        var spectra = arguments.Spectra.Select(host.Spectrum).ToList();
        foreach (var chart in Draw(arguments, spectra, host).ToList())
        {
            host.Display(chart);
        }

        return Task.CompletedTask;
    }

    private static IEnumerable<object> Draw(ChartArguments arguments, List<ModelSpectrum> spectra, INotebookHost host) => arguments.Kind switch
    {
        ChartKind.Heatmap => [Charts.DepthFrequency(spectra, arguments.Normalize)],
        ChartKind.Histogram => spectra.Select(spectrum => Charts.Histogram(spectrum, Layers(arguments.Layers, spectrum))),
        ChartKind.Classes => spectra.Select(spectrum => Charts.ByClass(spectrum)),
        ChartKind.Extremes => spectra.SelectMany(spectrum => (arguments.Layers is null ? [-1] : Layers(arguments.Layers, spectrum)).Select(
            block => new ExtremeImagesView(spectrum, host.Images(arguments.Images), spectrum.Block(block).Index))),
        ChartKind.Input => spectra.Select(spectrum => Charts.InputSpectrum(spectrum, host.Images(arguments.Images))),
        _ => [Charts.Entropy(spectra)],
    };

    private static IReadOnlyList<int> Layers(string? typed, ModelSpectrum spectrum) => typed is null
        ? []
        : LayerList.Parse(typed, spectrum.Depth) ?? [.. spectrum.Blocks.Select(block => block.Index)];

    private static void RefuseWhatIsNotUsed(ChartArguments arguments)
    {
        var unused = arguments.Normalize && arguments.Kind != ChartKind.Heatmap ? "--normalize is for the heatmap"
            : arguments.Layers is not null && arguments.Kind is not (ChartKind.Histogram or ChartKind.Extremes) ? "--layers is for the histogram and the extremes"
            : null;
        if (unused is not null)
        {
            throw new SpectralKDException($"{unused}; leave it out for {MagicName.OfValue(arguments.Kind)}");
        }
    }
}

/// <summary>The charts of <c>#!spectral-chart</c>.</summary>
internal enum ChartKind
{
    /// <summary>Depth against frequency, all spectra side by side in one scale of colours.</summary>
    Heatmap,

    /// <summary>How the intensity spreads over the images, one chart for each spectrum.</summary>
    Histogram,

    /// <summary>The U-curve of each class of images, where --per-image kept them.</summary>
    Classes,

    /// <summary>The images with the highest and the lowest intensity of a block, where --per-image kept them, with their 2-D spectra.</summary>
    Extremes,

    /// <summary>The radial spectrum of the images themselves beside the first block's.</summary>
    Input,

    /// <summary>Entropy by layer, all spectra in one chart.</summary>
    Entropy,
}
