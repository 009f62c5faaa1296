using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>
    /// One block: its two-dimensional amplitude map (logarithmic colours), its radial profile, and its channel spectrum (k &lt; C / 2) — as far as
    /// the domains were analysed.
    /// </summary>
    /// <param name="spectrum">The model's spectrum.</param>
    /// <param name="layer">0-based block index; negative counts from the last analysed block.</param>
    /// <exception cref="SpectralKDException">The block was not analysed.</exception>
    public static GenericChart Layer(ModelSpectrum spectrum, int layer = -1)
    {
        var block = spectrum.Block(layer);
        var chart = new ChartBuilder(
            $"Spectra of {block.Name}",
            UCurveText.Subject(spectrum, FormattableString.Invariant($" · {block.Channels} channels, {block.Height} × {block.Width}")));
        var panels = new LayerPanels(chart, block, SeriesLook.OfModels([spectrum])[0], block.Spatial is not null && block.Channel is not null);
        if (block.Spatial is not null)
        {
            panels.AddMap();
            panels.AddProfile();
            panels.StackWhereNarrow();
        }

        if (block.Channel is not null)
        {
            panels.AddChannels();
        }

        return chart.Layout("showlegend", false).Layout("height", block.Spatial is not null && block.Channel is not null ? 740 : 440).Build();
    }
}

/// <summary>The panels of one block's chart: map and profile side by side, the channels below them.</summary>
internal sealed class LayerPanels(ChartBuilder chart, BlockSpectrum block, SeriesLook look, bool twoRows)
{
    private readonly double[] _upper = twoRows ? [0.56, 1] : [0, 1];
    private readonly double[] _lower = twoRows ? [0, 0.36] : [0, 1];

    internal void AddMap()
    {
        var map = block.AmplitudeMap!.Value;
        var zero = map.Length == 1 ? -1 : (block.Height / 2 * block.Width) + (block.Width / 2);
        chart.Trace("heatmap", new Attributes
        {
            ["x"] = Frequencies(block.Width),
            ["y"] = Frequencies(block.Height),
            ["z"] = Enumerable.Range(0, block.Height).Select(row => LogScale.Of(map.Skip(row * block.Width).Take(block.Width))).ToArray(),
            ["customdata"] = Enumerable.Range(0, block.Height).Select(row => map.Skip(row * block.Width).Take(block.Width).ToArray()).ToArray(),
            ["hovertemplate"] = "horizontal %{x}, vertical %{y} cycles per map<br>mean |F| %{customdata:.4g}<extra></extra>",
            ["coloraxis"] = "coloraxis",
        });
        var x = Axis("Horizontal frequency (cycles per map)", [0, 0.4]);
        var y = Axis("Vertical frequency (cycles per map)", _upper);
        (x["showgrid"], y["showgrid"]) = (false, false);
        (x["constrain"], y["constrain"], y["scaleanchor"]) = ("domain", "domain", "x");
        var bar = new Attributes { ["x"] = 0.41, ["xanchor"] = "left", ["y"] = (_upper[0] + 1) / 2, ["len"] = (_upper[1] - _upper[0]) * 1.05 };
        chart.Layout("xaxis", x).Layout("yaxis", y).Layout("coloraxis", LogScale.ColourAxis(map.Where((_, cell) => cell != zero), "mean |F|, scaled without frequency 0", bar));
    }

    internal void AddProfile()
    {
        var profile = block.RadialAmplitude!.Value;
        var line = SeriesLine.Of(look, "radial profile", Enumerable.Range(0, profile.Length).Select(ring => (double)ring), profile);
        line["hovertemplate"] = "%{x} cycles per map<br>mean |F| %{y:.4g}<extra></extra>";
        (line["xaxis"], line["yaxis"]) = ("x2", "y2");
        chart.Trace("scatter", line);
        var x = Axis("Radius (cycles per map)", [0.64, 1]);
        var y = Axis("Mean amplitude |F|", _upper);
        (x["anchor"], y["anchor"]) = ("y2", "x2");
        LogarithmicFrom(y, profile);
        chart.Layout("xaxis2", x).Layout("yaxis2", y);
        chart.Shape(Threshold());
    }

    internal void AddChannels()
    {
        var spectrum = block.ChannelSpectrum!.Value.Take(Math.Max(1, block.Channels / 2)).ToList();
        var line = SeriesLine.Of(look, "channel spectrum", Enumerable.Range(0, spectrum.Count).Select(k => (double)k), spectrum, markers: spectrum.Count < 40);
        line["line"] = new Attributes { ["color"] = look.Colour, ["width"] = 2 };
        line["hovertemplate"] = "k = %{x}<br>mean |F| %{y:.4g}<extra></extra>";
        (line["xaxis"], line["yaxis"]) = ("x3", "y3");
        chart.Trace("scatter", line);
        var x = Axis("Frequency along the channels, k < C/2 (cycles over all channels)", [0, 1]);
        var y = Axis("Mean |F| (channels)", _lower);
        (x["anchor"], y["anchor"]) = ("y3", "x3");
        LogarithmicFrom(y, spectrum);
        chart.Layout("xaxis3", x).Layout("yaxis3", y);
    }

    /// <summary>In a narrow place the profile stands below the map, and the colours' bar lies between them.</summary>
    internal void StackWhereNarrow()
    {
        const int Map = 300;
        const int Bar = 150; // with the map's axis, and the bar's words
        const int Panel = 190;
        const int Gap = 80;
        const int Around = 150;
        double height = Map + Bar + Panel + (twoRows ? Gap + Panel : 0);
        double[] Between(double top, double pixels) => [Math.Max(0, 1 - ((top + pixels) / height)), 1 - (top / height)];
        static Attributes Over(double[] domain) => new() { ["domain"] = domain };
        var narrow = new Attributes
        {
            ["height"] = (int)height + Around,
            ["xaxis"] = Over([0, 1]),
            ["yaxis"] = Over(Between(0, Map)),
            ["xaxis2"] = Over([0, 1]),
            ["yaxis2"] = Over(Between(Map + Bar, Panel)),
            ["coloraxis"] = new Attributes
            {
                ["colorbar"] = new Attributes
                {
                    ["orientation"] = "h",
                    ["title"] = new Attributes { ["side"] = "top" },
                    ["x"] = 0.5,
                    ["xanchor"] = "center",
                    ["y"] = 1 - ((Map + 58) / height),
                    ["yanchor"] = "top",
                    ["len"] = 1,
                },
            },
        };
        if (twoRows)
        {
            narrow["yaxis3"] = Over(Between(height - Panel, Panel));
        }

        chart.Layout("meta", new Attributes { ["narrow"] = narrow });
    }

    private static int[] Frequencies(int size) => [.. Enumerable.Range(0, size).Select(cell => cell - (size / 2))];

    private static Attributes Axis(string title, double[] domain)
    {
        var axis = ChartLook.Axis(title);
        axis["domain"] = domain;
        return axis;
    }

    /// <summary>A logarithmic axis where values span more than a decade, else one that begins at zero.</summary>
    private static void LogarithmicFrom(Attributes axis, IReadOnlyCollection<double> values)
    {
        if (values.Min() > 0 && values.Max() > 10 * values.Min())
        {
            LogScale.Apply(axis, values.Min(), values.Max());
        }
        else
        {
            axis["rangemode"] = "tozero";
        }
    }

    /// <summary>Where high frequencies begin.</summary>
    private Attributes Threshold() => new()
    {
        ["type"] = "line",
        ["xref"] = "x2",
        ["yref"] = "y2 domain",
        ["x0"] = block.HighFrequencyThreshold,
        ["x1"] = block.HighFrequencyThreshold,
        ["y0"] = 0,
        ["y1"] = 1,
        ["line"] = new Attributes { ["color"] = ChartLook.Grey, ["width"] = 1.5, ["dash"] = "dot" },
        ["label"] = new Attributes
        {
            ["text"] = FormattableString.Invariant($"high: {block.HighFrequencyRatio:0 %} of power"),
            ["textposition"] = "end",
            ["textangle"] = 0,
            ["xanchor"] = "left",
            ["yanchor"] = "top",
            ["font"] = new Attributes { ["size"] = 12, ["color"] = ChartLook.Grey },
        },
    };
}
