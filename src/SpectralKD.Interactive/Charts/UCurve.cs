using Plotly.NET;

namespace SpectralKD.Interactive;

/// <summary>Charts of spectra: one look, colour-blind-safe, titled, labelled, made of plain Plotly.NET charts that can be styled further.</summary>
public static partial class Charts
{
    /// <summary>The U-curve of one model: spectral intensity over depth, with how sure the mean is and the verdict.</summary>
    /// <param name="spectrum">The model's spectrum.</param>
    /// <param name="normalize">True divides by the largest intensity.</param>
    /// <param name="relativeDepth">True puts depth from 0 (first block) to 1 (last block) instead of the block's index.</param>
    /// <param name="band">What is shaded around the curve: the 95 % interval of the mean, the images' standard deviation, or nothing.</param>
    /// <param name="fromZero">False begins the vertical axis near the lowest value instead of at zero.</param>
    public static GenericChart UCurve(
        ModelSpectrum spectrum, bool normalize = false, bool relativeDepth = false, CurveBand band = CurveBand.Interval, bool fromZero = true)
        => UCurve([spectrum], normalize, relativeDepth, band, fromZero);

    /// <summary>The U-curves of several models in one chart. A model has one colour in all charts of a notebook; what is untrained is dotted.</summary>
    /// <param name="spectra">The models' spectra, at least one.</param>
    /// <param name="normalize">True divides each curve by its largest intensity.</param>
    /// <param name="relativeDepth">
    /// True puts depth from 0 (first block) to 1 (last block), false the block's index; null takes the relative depth where the models' depths differ.
    /// </param>
    /// <param name="band">What is shaded around each curve: the 95 % interval of the mean, the images' standard deviation, or nothing.</param>
    /// <param name="fromZero">False begins the vertical axis near the lowest value instead of at zero.</param>
    /// <exception cref="SpectralKDException">No spectrum is given.</exception>
    public static GenericChart UCurve(
        IReadOnlyList<ModelSpectrum> spectra, bool normalize = false, bool? relativeDepth = null, CurveBand band = CurveBand.Interval, bool fromZero = true)
    {
        ChartNeeds.Some(spectra, "spectrum");
        var relative = relativeDepth ?? spectra.Select(spectrum => spectrum.Depth).Distinct().Count() > 1;
        var curves = new UCurves($"{UCurveAxes.What(spectra)} over depth", UCurveText.Subtitle(spectra, band), spectra, relative);
        var looks = SeriesLook.OfModels(spectra);
        for (var i = 0; i < spectra.Count; i++)
        {
            curves.Add(spectra[i], UCurveText.Name(spectra, i), spectra[i].UShape.Words, looks[i], normalize, band);
        }

        return curves.Build(UCurveAxes.Intensity(spectra, normalize), fromZero);
    }
}

/// <summary>What is shaded around a curve of means over images.</summary>
public enum CurveBand
{
    /// <summary>The 95 % interval of the mean (Student's t over the images): where the mean of another draw of as many images would lie.</summary>
    Interval,

    /// <summary>One standard deviation over the images on both sides: where single images lie.</summary>
    Deviation,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>The axes of curves over depth.</summary>
internal static class UCurveAxes
{
    private const int MostTicks = 13;

    internal static Attributes Depth(IReadOnlyList<ModelSpectrum> spectra, bool relative)
    {
        var axis = ChartLook.Axis(relative ? "Relative depth (0 first block, 1 last block)" : "Block (0 is the first)");
        if (!relative)
        {
            axis["tickvals"] = Ticks(spectra.SelectMany(spectrum => spectrum.Blocks).Select(block => block.Index));
        }

        return axis;
    }

    /// <summary>Ticks where blocks are: every one, or every second, fifth … where they are many.</summary>
    internal static int[] Ticks(IEnumerable<int> blocks)
    {
        var all = blocks.Distinct().Order().ToList();
        var every = new[] { 1, 2, 3, 5, 10, 20, 50 }.FirstOrDefault(step => all.Count(block => block % step == 0) <= MostTicks, 100);
        return [.. all.Where(block => block % every == 0)];
    }

    /// <summary>Whether all curves have their points at the same places, so that one can read them together.</summary>
    internal static bool ShareDepths(IReadOnlyList<ModelSpectrum> spectra)
        => spectra.Count > 1 && spectra.All(spectrum => spectrum.Depth == spectra[0].Depth && spectrum.Blocks.Select(block => block.Index).SequenceEqual(spectra[0].Blocks.Select(block => block.Index)));

    /// <summary>Which intensity is drawn.</summary>
    internal static string What(IReadOnlyList<ModelSpectrum> spectra)
        => spectra.All(spectrum => spectrum.Domain == SpectralDomain.Channel) ? "Channel intensity" : "Spectral intensity";

    internal static Attributes Intensity(IReadOnlyList<ModelSpectrum> spectra, bool normalize)
        => ChartLook.Axis(normalize ? $"{What(spectra)} / its maximum" : $"{What(spectra)} (mean |F|)");

    /// <summary>A block's place on the depth axis.</summary>
    internal static double Position(ModelSpectrum spectrum, BlockSpectrum block, bool relative)
    {
        var last = Math.Max(1, spectrum.Depth - 1);
        return relative ? (double)block.Index / last : block.Index;
    }
}

/// <summary>Curves of spectra over depth in one chart: bands below, lines above, names at the ends.</summary>
internal sealed class UCurves
{
    private readonly ChartBuilder _chart;
    private readonly bool _relative;
    private readonly bool _together;
    private readonly List<Attributes> _lines = [];
    private readonly List<EndLabel> _labels = [];
    private double _lowest = double.PositiveInfinity;
    private double _highest = double.NegativeInfinity;

    internal UCurves(string title, string subtitle, IReadOnlyList<ModelSpectrum> spectra, bool relative)
    {
        (_relative, _together) = (relative, UCurveAxes.ShareDepths(spectra));
        _chart = new ChartBuilder(title, subtitle).Layout("xaxis", UCurveAxes.Depth(spectra, relative)).Layout("hovermode", _together ? "x unified" : "closest");
    }

    /// <summary>A model's intensities.</summary>
    internal void Add(ModelSpectrum spectrum, string name, string? detail, SeriesLook look, bool normalize, CurveBand band)
    {
        var largest = spectrum.Intensities.Max();
        var unit = normalize && largest > 0 ? largest : 1;
        var half = spectrum.Blocks.Select(block => UCurveText.HalfWidth(block, band) / unit).ToList();
        var values = spectrum.Intensities.Select(value => value / unit).ToList();
        if (band != CurveBand.None && spectrum.Images > 1)
        {
            var (upper, lower) = (values.Zip(half, (value, width) => value + width).ToList(), values.Zip(half, (value, width) => value - width).ToList());
            _chart.Trace("scatter", SeriesLine.Band(look.Colour, UCurveText.BandWords(band), Depths(spectrum), upper, lower));
            Include(upper);
            Include(lower);
        }

        Add(spectrum, name, detail, look, values, block => _together ? UCurveText.Brief(name, block) : UCurveText.Hover(spectrum, block));
    }

    /// <summary>Another figure of a model's blocks.</summary>
    internal void Add(ModelSpectrum spectrum, string name, string? detail, SeriesLook look, IReadOnlyList<double> values, Func<BlockSpectrum, string> hover)
    {
        _lines.Add(SeriesLine.Of(look, detail is null ? name : $"{name}: {detail}", Depths(spectrum), values, spectrum.Blocks.Select(hover)));
        _labels.Add(new EndLabel(name, detail is null ? null : UCurveText.Verdict(detail), look.Colour, values[^1])); // the legend and the box say the interval
        Include(values);
    }

    internal GenericChart Build(Attributes axis, bool fromZero)
    {
        var range = Range(_lowest, _highest, fromZero);
        axis["range"] = new[] { range.Low, range.High };
        _lines.ForEach(line => _chart.Trace("scatter", line));
        return DirectLabels.Add(_chart.Layout("yaxis", axis), _labels, range).Build();
    }

    /// <summary>Ends of an axis around values, with some room.</summary>
    internal static (double Low, double High) Range(double lowest, double highest, bool fromZero)
    {
        var (low, high) = fromZero ? (Math.Min(0, lowest), Math.Max(0, highest)) : (lowest, highest);
        var room = high > low ? 0.06 * (high - low) : 0.5;
        return (fromZero && low == 0 ? 0 : low - room, high + room);
    }

    private double[] Depths(ModelSpectrum spectrum) => [.. spectrum.Blocks.Select(block => UCurveAxes.Position(spectrum, block, _relative))];

    private void Include(IReadOnlyCollection<double> values)
        => (_lowest, _highest) = (Math.Min(_lowest, values.Min()), Math.Max(_highest, values.Max()));
}

/// <summary>The words of a U-curve.</summary>
internal static class UCurveText
{
    internal static string Subtitle(IReadOnlyList<ModelSpectrum> spectra, CurveBand band)
    {
        var shaded = band != CurveBand.None && spectra.Any(spectrum => spectrum.Images > 1) ? $" · band: {BandWords(band)}" : "";
        return spectra.Count == 1
            ? WithWeights($"{spectra[0].Title} · {Images(spectra[0])} · {spectra[0].UShape.Words}{shaded}", spectra[0])
            : Subject(spectra) + shaded;
    }

    /// <summary>A verdict for a narrow place, without its interval: the spectrum's own table says it.</summary>
    internal static string Verdict(string words) => words.Split(", 95 %") is [var brief, _] ? brief + ")" : words;

    internal static string BandWords(CurveBand band) => band == CurveBand.Deviation ? "± 1 standard deviation over images" : "95 % interval of the mean";

    /// <summary>Half the width of a band around a block's mean intensity.</summary>
    internal static double HalfWidth(BlockSpectrum block, CurveBand band)
    {
        var deviation = block.IntensityDeviation ?? 0;
        return band == CurveBand.Deviation || block.Images < 2 ? deviation
            : Distillation.ComparisonStatistics.TQuantile(0.975, block.Images - 1) * deviation / Math.Sqrt(block.Images);
    }

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

    // A run's probe has its number of images in its name.
    internal static string Images(ModelSpectrum spectrum)
        => FormattableString.Invariant($"{spectrum.Images:N0} image{(spectrum.Images == 1 ? "" : "s")} of {spectrum.Source.Replace(FormattableString.Invariant($", probe of {spectrum.Images} images"), "", StringComparison.Ordinal)}");

    /// <summary>A block of one of several curves, in a line: the box shows all of them.</summary>
    internal static string Brief(string name, BlockSpectrum block)
        => $"<b>{ChartLook.Text(name)}</b> " + FormattableString.Invariant($"{block.Intensity:G4} ± {HalfWidth(block, CurveBand.Interval):G2} (95 %)");

    /// <summary>What hovering over a block shows.</summary>
    internal static string Hover(ModelSpectrum spectrum, BlockSpectrum block)
    {
        var lines = new List<string?>
        {
            $"<b>{ChartLook.Text(spectrum.Title)}</b>",
            spectrum.Weights is { } weights ? ChartLook.Text(weights.Brief) : null,
            ChartLook.Text(FormattableString.Invariant($"{block.Name}: {block.Channels} channels, {block.Height} × {block.Width}")),
            FormattableString.Invariant($"intensity {block.Intensity:G5} ± {HalfWidth(block, CurveBand.Interval):G2} (95 %), s.d. {block.IntensityDeviation:G2} over images"),
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
