using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>Entropy by layer: the activation entropy in bits where all spectra have it, else the uniformity of the spatial spectrum.</summary>
    /// <param name="spectra">The models' spectra, at least one.</param>
    /// <exception cref="SpectralKDException">No spectrum is given, or they share neither figure.</exception>
    public static GenericChart Entropy(params IReadOnlyList<ModelSpectrum> spectra)
    {
        ChartNeeds.Some(spectra, "spectrum");
        var bits = spectra.All(spectrum => spectrum.Blocks.All(block => block.Entropy is not null));
        if (!bits)
        {
            spectra.ToList().ForEach(spectrum => ChartNeeds.Domain(spectrum, SpectralDomain.Spatial));
        }

        var relative = spectra.Select(spectrum => spectrum.Depth).Distinct().Count() > 1;
        var curves = new UCurves(bits ? "Activation entropy over depth" : "Spectral uniformity over depth", UCurveText.Subject(spectra), spectra, relative);
        var looks = SeriesLook.OfModels(spectra);
        var together = UCurveAxes.ShareDepths(spectra);
        for (var i = 0; i < spectra.Count; i++)
        {
            var (spectrum, name) = (spectra[i], UCurveText.Name(spectra, i));
            double Value(BlockSpectrum block) => (bits ? block.ActivationEntropy : block.Uniformity)!.Value;
            curves.Add(spectrum, name, null, looks[i], [.. spectrum.Blocks.Select(Value)], block => together
                ? $"<b>{ChartLook.Text(name)}</b> " + FormattableString.Invariant($"{Value(block):G4}") : UCurveText.Hover(spectrum, block));
        }

        return curves.Build(ChartLook.Axis(bits ? "Activation entropy (bits, 100 bins)" : "Uniformity (spectral entropy, 0 to 1)"), fromZero: false);
    }
}

/// <summary>The entropies of a run: names of its checkpoints, and of each the values of the layers in bits, null where one is missing.</summary>
internal sealed record EntropyTable(IReadOnlyList<string> Checkpoints, IReadOnlyList<double?[]> Rows)
{
    public static EntropyTable Of(RunLog run)
    {
        var (layers, rows) = (run.Table.Columns.Where(column => column.Name.StartsWith("layer_", StringComparison.Ordinal)).ToList(), Enumerable.Range(0, (int)run.Table.Rows.Count).ToList());
        return new(
            [.. rows.Select(row => run.Table[RunLog.EpochColumn][row] is { } epoch ? FormattableString.Invariant($"{epoch}") : ((string)run.Table["checkpoint"][row]).Replace("model_", "", StringComparison.Ordinal))], // model_best is too long for a column of the heatmap
            [.. rows.Select(row => layers.Select(layer => layer[row] is { } value ? Convert.ToDouble(value, null) : (double?)null).ToArray())]);
    }
}

/// <summary>One run's entropies, layers upwards and checkpoints to the right, in its share of the chart's height.</summary>
internal sealed class EntropyPanel(RunLog run, int number, int count)
{
    private readonly PanelPlace _place = new(number, count);

    internal void Add(ChartBuilder chart)
    {
        var table = EntropyTable.Of(run);
        var layers = Enumerable.Range(0, table.Rows[0].Length).ToArray();
        chart.Trace("heatmap", new Attributes
        {
            ["x"] = table.Checkpoints.ToArray(),
            ["y"] = layers,
            ["z"] = layers.Select(layer => table.Rows.Select(row => row[layer]).ToArray()).ToArray(),
            ["hovertemplate"] = $"{ChartLook.Text(run.Name)}<br>checkpoint %{{x}}, layer %{{y}}<br>%{{z:.3f}} bits<extra></extra>",
            ["coloraxis"] = "coloraxis",
            ["xgap"] = 1,
            ["ygap"] = 1,
            ["xaxis"] = _place.X,
            ["yaxis"] = _place.Y,
        });
        _place.Add(chart, "Checkpoint (epoch)", count == 1 ? "Layer (0 is the first)" : $"{ChartLook.Text(run.Name)}<br>layer");
    }
}
