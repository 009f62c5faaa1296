using Plotly.NET;
using SpectralKD.Interactive.Charting;
using SpectralKD.Spectra;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-chart</c>.</summary>
public sealed class ChartArguments
{
    /// <summary>Which chart.</summary>
    [MagicParameter("which chart", Implicit = true, Required = true)]
    public ChartKind? Kind { get; set; }

    /// <summary>Variables that hold spectra.</summary>
    [MagicParameter("variables that hold spectra, separated by commas", Value = MagicValue.SpectrumVariable)]
    public IReadOnlyList<string> Spectra { get; set; } = ["spectrum"];

    /// <summary>Heatmap: divide each block by its largest amplitude.</summary>
    [MagicParameter("heatmap: divide each block by its largest amplitude")]
    public bool Normalize { get; set; }

    /// <summary>Histogram: the blocks.</summary>
    [MagicParameter("histogram: blocks such as 0,5,-1; without it the first, a middle and the last one")]
    public string? Layers { get; set; }
}

/// <summary>Draws what the U-curve sums up: frequencies, images, entropies.</summary>
public sealed class ChartCommand : MagicCommand<ChartArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-chart";

    /// <inheritdoc/>
    public override string Description => "depth x frequency heatmap, histogram of intensities, or entropy by layer";

    /// <inheritdoc/>
    public override string Example => "#!spectral-chart heatmap --spectra spectrum";

    /// <inheritdoc/>
    protected override Task RunAsync(ChartArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        RefuseWhatIsNotUsed(arguments);
        var spectra = arguments.Spectra.Select(host.Spectrum).ToList();
        foreach (var chart in Draw(arguments, spectra).ToList())
        {
            host.Display(chart);
        }

        return Task.CompletedTask;
    }

    private static IEnumerable<GenericChart> Draw(ChartArguments arguments, List<ModelSpectrum> spectra) => arguments.Kind switch
    {
        ChartKind.Heatmap => spectra.Select(spectrum => Charts.DepthFrequency(spectrum, arguments.Normalize)),
        ChartKind.Histogram => spectra.Select(spectrum => Charts.Histogram(spectrum, Layers(arguments.Layers, spectrum))),
        _ => [Charts.Entropy(spectra)],
    };

    private static IReadOnlyList<int> Layers(string? typed, ModelSpectrum spectrum) => typed is null
        ? []
        : LayerList.Parse(typed, spectrum.Depth) ?? [.. spectrum.Blocks.Select(block => block.Index)];

    private static void RefuseWhatIsNotUsed(ChartArguments arguments)
    {
        var unused = arguments.Normalize && arguments.Kind != ChartKind.Heatmap ? "--normalize is for the heatmap"
            : arguments.Layers is not null && arguments.Kind != ChartKind.Histogram ? "--layers is for the histogram"
            : null;
        if (unused is not null)
        {
            throw new SpectralKDException($"{unused}; leave it out for {MagicName.OfValue(arguments.Kind)}");
        }
    }
}
