namespace SpectralKD.Interactive.Charting;

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
