using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>Depth against frequency: each block's radial amplitude profile as a row of colour, on a logarithmic scale, the first block below.</summary>
    /// <param name="spectrum">Spectra of the spatial domain.</param>
    /// <param name="normalize">True divides each block by its largest amplitude, so that shapes compare whatever the level.</param>
    /// <exception cref="SpectralKDException">The spatial domain was not analysed.</exception>
    public static GenericChart DepthFrequency(ModelSpectrum spectrum, bool normalize = false) => DepthFrequency([spectrum], normalize);

    /// <summary>
    /// Depth against frequency for one to four models side by side, all in one scale of colours. The scale leaves frequency 0 out, which is the mean of a map and often ten times as
    /// large as all else: its column has the scale's end colour, its value is shown on hovering.
    /// </summary>
    /// <param name="spectra">Spectra of the spatial domain.</param>
    /// <param name="normalize">True divides each block by its largest amplitude, so that shapes compare whatever the level.</param>
    /// <exception cref="SpectralKDException">No spectrum is given, or more than four, or the spatial domain was not analysed.</exception>
    public static GenericChart DepthFrequency(IReadOnlyList<ModelSpectrum> spectra, bool normalize = false)
    {
        ChartNeeds.Some(spectra, "spectrum");
        spectra.ToList().ForEach(spectrum => ChartNeeds.Domain(spectrum, SpectralDomain.Spatial));
        if (spectra.Count > MostHeatmaps)
        {
            throw new SpectralKDException($"this chart shows one to {MostHeatmaps} models, but got {spectra.Count}; draw several charts");
        }

        var chart = new ChartBuilder("Amplitude over depth and frequency", UCurveText.Subject(spectra));
        var narrow = new Attributes { ["height"] = 150 + (DepthFrequencyRows.NarrowHeight * spectra.Count) };
        for (var i = 0; i < spectra.Count; i++)
        {
            DepthFrequencyRows.AddPanel(chart, narrow, spectra, i, normalize);
        }

        var values = spectra.SelectMany(spectrum => spectrum.Blocks).SelectMany(block => DepthFrequencyRows.Profile(block, normalize).Skip(block.RadialCounts.Length > 1 ? 1 : 0));
        return chart.Layout("coloraxis", LogScale.ColourAxis(values, normalize ? "mean |F| / maximum, without 0" : "mean |F|, scaled without 0"))
            .Layout("meta", new Attributes { ["narrow"] = spectra.Count > 1 ? narrow : [] })
            .Build();
    }

    private const int MostHeatmaps = 4;
}

/// <summary>Blocks with maps of one size as the rows of a heatmap; rings lie at their radius over the Nyquist radius.</summary>
internal static class DepthFrequencyRows
{
    internal const int NarrowHeight = 340;
    private const double Gap = 0.1;

    /// <summary>One model's heatmap in its share of the width; in a narrow place of the height.</summary>
    internal static void AddPanel(ChartBuilder chart, Attributes narrow, IReadOnlyList<ModelSpectrum> spectra, int number, bool normalize)
    {
        var (spectrum, count) = (spectra[number], spectra.Count);
        var suffix = number == 0 ? "" : FormattableString.Invariant($"{number + 1}");
        foreach (var blocks in spectrum.Blocks.GroupBy(block => (block.Height, block.Width)))
        {
            var rows = Of([.. blocks], normalize);
            (rows["xaxis"], rows["yaxis"]) = ($"x{suffix}", $"y{suffix}");
            chart.Trace("heatmap", rows);
        }

        double[] Share(double place, double gap) => [place * (1 + gap) / count, ((place + 1) * (1 + gap) / count) - gap];
        var name = count == 1 ? "" : $"<br>{ChartLook.Text(UCurveText.Name(spectra, number))}";
        var frequency = ChartLook.Axis((count > 1 ? "Frequency / Nyquist frequency" : "Spatial frequency / Nyquist frequency of the map") + name);
        (frequency["showgrid"], frequency["anchor"], frequency["domain"]) = (false, $"y{suffix}", Share(number, Gap));
        var depth = ChartLook.Axis(number == 0 ? "Block (0 is the first)" : "Block");
        (depth["showgrid"], depth["anchor"]) = (false, $"x{suffix}");
        depth["tickvals"] = UCurveAxes.Ticks(spectrum.Blocks.Select(block => block.Index));
        chart.Layout($"xaxis{suffix}", frequency).Layout($"yaxis{suffix}", depth);
        narrow[$"xaxis{suffix}"] = new Attributes { ["domain"] = new[] { 0.0, 1 } };
        narrow[$"yaxis{suffix}"] = new Attributes { ["domain"] = Share(count - 1 - number, 105.0 / (NarrowHeight * count)) };
    }

    private static Attributes Of(IReadOnlyList<BlockSpectrum> blocks, bool normalize)
    {
        var rings = blocks[0].RadialCounts.Length;
        return new Attributes
        {
            ["x"] = Enumerable.Range(0, rings).Select(ring => ring / blocks[0].NyquistRadius).ToArray(),
            ["y"] = blocks.Select(block => block.Index).ToArray(),
            ["z"] = blocks.Select(block => LogScale.Of(Profile(block, normalize))).ToArray(),
            ["text"] = blocks.Select(block => Enumerable.Range(0, rings).Select(ring => Hover(block, ring)).ToArray()).ToArray(),
            ["hovertemplate"] = "%{text}<extra></extra>",
            ["coloraxis"] = "coloraxis",
            ["xgap"] = 1,
            ["ygap"] = 1,
        };
    }

    internal static IEnumerable<double> Profile(BlockSpectrum block, bool normalize)
    {
        var profile = block.RadialAmplitude!.Value;
        var unit = normalize ? Math.Max(profile.Max(), double.Epsilon) : 1;
        return profile.Select(value => value / unit);
    }

    private static string Hover(BlockSpectrum block, int ring) => ChartLook.Text(block.Name) + FormattableString.Invariant(
        $"<br>{ring} cycles per map ({block.RadialCounts[ring]} frequencies)<br>mean |F| {block.RadialAmplitude!.Value[ring]:G4}");
}
