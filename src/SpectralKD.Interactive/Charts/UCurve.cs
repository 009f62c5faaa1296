using Plotly.NET;

namespace SpectralKD.Interactive;

/// <summary>Charts of spectra: one look, colour-blind-safe, titled, labelled, made of plain Plotly.NET charts that can be styled further.</summary>
public static partial class Charts
{
    /// <summary>The U-curve of one model: spectral intensity over depth, with the spread over images and the verdict.</summary>
    /// <param name="spectrum">The model's spectrum.</param>
    /// <param name="normalize">True divides by the largest intensity.</param>
    /// <param name="relativeDepth">True puts depth from 0 (first block) to 1 (last block) instead of the block's index.</param>
    public static GenericChart UCurve(ModelSpectrum spectrum, bool normalize = false, bool relativeDepth = false)
        => UCurve([spectrum], normalize, relativeDepth);

    /// <summary>The U-curves of several models in one chart.</summary>
    /// <param name="spectra">The models' spectra, at least one.</param>
    /// <param name="normalize">True divides each curve by its largest intensity.</param>
    /// <param name="relativeDepth">
    /// True puts depth from 0 (first block) to 1 (last block), false the block's index; null takes the relative depth where the models' depths differ.
    /// </param>
    /// <exception cref="SpectralKDException">No spectrum is given.</exception>
    public static GenericChart UCurve(IReadOnlyList<ModelSpectrum> spectra, bool normalize = false, bool? relativeDepth = null)
    {
        ChartNeeds.Some(spectra, "spectrum");
        var relative = relativeDepth ?? spectra.Select(spectrum => spectrum.Depth).Distinct().Count() > 1;
        var chart = new ChartBuilder($"{UCurveAxes.What(spectra)} over depth", UCurveText.Subtitle(spectra))
            .Layout("xaxis", UCurveAxes.Depth(spectra, relative))
            .Layout("yaxis", UCurveAxes.Intensity(spectra, normalize))
            .Layout("showlegend", spectra.Count > 1);
        for (var i = 0; i < spectra.Count; i++)
        {
            var curve = new UCurveTraces(spectra[i], UCurveText.Legend(spectra, i), i, normalize, relative);
            chart = spectra.Count == 1 ? curve.AddSpread(chart) : chart;
            curve.AddLine(chart);
        }

        return chart.Build();
    }
}

/// <summary>The axes of curves over depth.</summary>
internal static class UCurveAxes
{
    private const int MostTicks = 30;

    internal static Attributes Depth(IReadOnlyList<ModelSpectrum> spectra, bool relative)
    {
        var axis = ChartLook.Axis(relative ? "Relative depth (0 first block, 1 last block)" : "Block (0 is the first)");
        var last = spectra.Max(spectrum => spectrum.Depth) - 1;
        if (!relative && last < MostTicks)
        {
            axis["dtick"] = last < 16 ? 1 : 2;
        }

        return axis;
    }

    /// <summary>Which intensity is drawn.</summary>
    internal static string What(IReadOnlyList<ModelSpectrum> spectra)
        => spectra.All(spectrum => spectrum.Domain == SpectralDomain.Channel) ? "Channel intensity" : "Spectral intensity";

    internal static Attributes Intensity(IReadOnlyList<ModelSpectrum> spectra, bool normalize)
    {
        var axis = ChartLook.Axis(normalize ? $"{What(spectra)} / its maximum" : $"{What(spectra)} (mean |F|)");
        axis["rangemode"] = "tozero";
        return axis;
    }

    /// <summary>A block's place on the depth axis.</summary>
    internal static double Position(ModelSpectrum spectrum, BlockSpectrum block, bool relative)
    {
        var last = Math.Max(1, spectrum.Depth - 1);
        return relative ? (double)block.Index / last : block.Index;
    }
}

/// <summary>One model's curve over depth.</summary>
internal sealed class UCurveTraces
{
    private readonly ModelSpectrum _spectrum;
    private readonly string _name;
    private readonly int _series;
    private readonly double _unit;
    private readonly double[] _depths;

    internal UCurveTraces(ModelSpectrum spectrum, string name, int series, bool normalize, bool relative)
    {
        (_spectrum, _name, _series) = (spectrum, name, series);
        var largest = spectrum.Intensities.Max();
        _unit = normalize && largest > 0 ? largest : 1;
        _depths = [.. spectrum.Blocks.Select(block => UCurveAxes.Position(spectrum, block, relative))];
    }

    /// <summary>A band of one standard deviation over images on both sides.</summary>
    internal ChartBuilder AddSpread(ChartBuilder chart)
    {
        if (_spectrum.Images < 2)
        {
            return chart;
        }

        double[] upper = [.. _spectrum.Blocks.Select(block => (block.Intensity!.Value + block.IntensityDeviation!.Value) / _unit)];
        double[] lower = [.. _spectrum.Blocks.Select(block => (block.Intensity!.Value - block.IntensityDeviation!.Value) / _unit)];
        return chart.Trace("scatter", new Attributes
        {
            ["x"] = _depths.Concat(Enumerable.Reverse(_depths)).ToArray(),
            ["y"] = upper.Concat(Enumerable.Reverse(lower)).ToArray(),
            ["fill"] = "toself",
            ["fillcolor"] = ChartLook.Faint(ChartLook.Colour(_series), 0.15),
            ["line"] = new Attributes { ["width"] = 0 },
            ["mode"] = "lines",
            ["name"] = "± 1 standard deviation over images",
            ["hoverinfo"] = "skip",
        });
    }

    internal ChartBuilder AddLine(ChartBuilder chart) => chart.Trace("scatter", SeriesLine.Of(
        _series,
        _name,
        _depths,
        _spectrum.Intensities.Select(intensity => intensity / _unit),
        _spectrum.Blocks.Select(block => UCurveText.Hover(_spectrum, block))));
}

/// <summary>The words of a U-curve.</summary>
internal static class UCurveText
{
    internal static string Subtitle(IReadOnlyList<ModelSpectrum> spectra)
        => spectra.Count == 1
            ? WithWeights(
                $"{spectra[0].Title} · {Images(spectra[0])} · {spectra[0].UShape.Words}{(spectra[0].Images > 1 ? " · band: ± 1 s.d. over images" : "")}", spectra[0])
            : Subject(spectra);

    /// <summary>One model, its images and its weights, and what else there is to say between them.</summary>
    internal static string Subject(ModelSpectrum spectrum, string more = "") => WithWeights($"{spectrum.Title} · {Images(spectrum)}{more}", spectrum);

    /// <summary>A subtitle, and a line of where the model's weights came from where that was recorded.</summary>
    private static string WithWeights(string subtitle, ModelSpectrum spectrum) => spectrum.Weights is { } weights ? $"{subtitle}\n{weights.Brief}" : subtitle;

    /// <summary>One model and its images, or the images of several.</summary>
    internal static string Subject(IReadOnlyList<ModelSpectrum> spectra)
        => spectra.Count == 1 ? Subject(spectra[0]) : string.Join(" · ", spectra.Select(Images).Distinct());

    /// <summary>Name of one of several models; the source too, where one model occurs with several.</summary>
    internal static string Name(IReadOnlyList<ModelSpectrum> spectra, int index)
        => spectra[index].Title + (spectra.Count(other => other.Title == spectra[index].Title) > 1 ? $", {spectra[index].Source}" : "");

    /// <summary>Name and verdict of one of several models; the source too, where one model occurs with several.</summary>
    internal static string Legend(IReadOnlyList<ModelSpectrum> spectra, int index)
        => $"{Name(spectra, index)}: {spectra[index].UShape.Words}";

    internal static string Images(ModelSpectrum spectrum)
        => FormattableString.Invariant($"{spectrum.Images:N0} image{(spectrum.Images == 1 ? "" : "s")} of {spectrum.Source}");

    /// <summary>What hovering over a block shows.</summary>
    internal static string Hover(ModelSpectrum spectrum, BlockSpectrum block)
    {
        var lines = new List<string?>
        {
            $"<b>{ChartLook.Text(spectrum.Title)}</b>",
            spectrum.Weights is { } weights ? ChartLook.Text(weights.Brief) : null,
            ChartLook.Text(FormattableString.Invariant($"{block.Name}: {block.Channels} channels, {block.Height} × {block.Width}")),
            FormattableString.Invariant($"intensity {block.Intensity:G5} ± {block.IntensityDeviation:G2} over images"),
            block.Uniformity is { } uniformity ? FormattableString.Invariant($"uniformity {uniformity:0.000}") : null,
            block.HighFrequencyRatio is { } ratio ? FormattableString.Invariant($"high-frequency ratio {ratio:0.000}") : null,
            block.ActivationEntropy is { } entropy ? FormattableString.Invariant($"activation entropy {entropy:0.00} bits") : null,
        };
        return string.Join("<br>", lines.OfType<string>());
    }
}

/// <summary>How far two intensity curves lie apart, whatever their level and number of blocks.</summary>
internal static class CurveDistance
{
    /// <summary>
    /// Mean over the student's blocks of the absolute difference between both curves, each divided by its maximum; the teacher's is interpolated
    /// linearly at the student's relative depths.
    /// </summary>
    internal static double Between(ModelSpectrum student, ModelSpectrum teacher)
    {
        var (depths, values) = Curve(student);
        var (teacherDepths, teacherValues) = Curve(teacher);
        return depths.Zip(values, (depth, value) => Math.Abs(value - At(depth, teacherDepths, teacherValues))).Average();
    }

    private static (double[] Depths, double[] Values) Curve(ModelSpectrum spectrum)
    {
        var largest = Math.Max(spectrum.Intensities.Max(), double.Epsilon);
        return ([.. spectrum.Blocks.Select(block => UCurveAxes.Position(spectrum, block, relative: true))],
            [.. spectrum.Intensities.Select(value => value / largest)]);
    }

    private static double At(double depth, double[] depths, double[] values)
    {
        var right = Array.FindIndex(depths, other => other >= depth);
        if (right <= 0)
        {
            return right == 0 ? values[0] : values[^1];
        }

        var part = (depth - depths[right - 1]) / (depths[right] - depths[right - 1]);
        return values[right - 1] + (part * (values[right] - values[right - 1]));
    }
}
