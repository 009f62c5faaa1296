using Microsoft.FSharp.Collections;
using Plotly.NET;

namespace SpectralKD.Interactive;

/// <summary>Puts traces, shapes and annotations together into a Plotly.NET chart that has the common look.</summary>
internal sealed class ChartBuilder
{
    private readonly List<Trace> _traces = [];
    private readonly List<Attributes> _shapes = [];
    private readonly List<Attributes> _annotations = [];
    private readonly Attributes _layout = [];

    internal ChartBuilder(string title, string? subtitle = null)
    {
        foreach (var (name, value) in ChartLook.Layout(title, subtitle))
        {
            _layout[name] = value;
        }
    }

    /// <summary>Height of the plot between the margins, pixels.</summary>
    internal double PlotHeight => Convert.ToDouble(_layout["height"], null) - Convert.ToDouble(Margins["t"], null) - Convert.ToDouble(Margins["b"], null);

    private Attributes Margins => (Attributes)_layout["margin"]!;

    internal ChartBuilder Margin(string side, int pixels)
    {
        Margins[side] = pixels;
        return this;
    }

    internal ChartBuilder Trace(string type, Attributes attributes)
    {
        var trace = new Trace(type);
        foreach (var (name, value) in attributes)
        {
            trace.SetProperty(name, value);
        }

        _traces.Add(trace);
        return this;
    }

    internal ChartBuilder Layout(string name, object value)
    {
        _layout[name] = value;
        return this;
    }

    internal ChartBuilder Shape(Attributes shape)
    {
        _shapes.Add(shape);
        return this;
    }

    internal ChartBuilder Annotation(Attributes annotation)
    {
        _annotations.Add(annotation);
        return this;
    }

    internal GenericChart Build()
    {
        var layout = new Layout();
        foreach (var (name, value) in _layout)
        {
            layout.SetProperty(name, value);
        }

        layout.SetProperty("shapes", _shapes);
        layout.SetProperty("annotations", _annotations);
        return GenericChart.NewMultiChart(ListModule.OfSeq(_traces), layout, new Config(), new DisplayOptions());
    }
}

/// <summary>
/// A node of a plotly.js figure by plotly's own attribute names, for example <c>new() { ["color"] = "#0072B2", ["width"] = 2 }</c>.
/// </summary>
internal sealed class Attributes : Dictionary<string, object?>;
