using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>The layer pairs on both U-curves: the teacher's above, the student's below, a line for each pair.</summary>
    /// <param name="teacher">The teacher's spectrum.</param>
    /// <param name="student">The student's spectrum.</param>
    /// <param name="pairs">The pairs, of blocks that were analysed.</param>
    /// <exception cref="SpectralKDException">A block of a pair was not analysed.</exception>
    public static GenericChart Pairs(ModelSpectrum teacher, ModelSpectrum student, LayerPairs pairs)
    {
        var chart = new ChartBuilder(
            "Layers to align", $"{student.Title} from {teacher.Title} · {PlainText.Count(pairs.Pairs.Length, "pair")}: {pairs.Reason}");
        var looks = SeriesLook.OfModels([teacher, student]);
        var above = new PairsPanel(teacher, looks[0], [0.58, 1], "y");
        var below = new PairsPanel(student, looks[1], [0, 0.42], "y2");
        foreach (var pair in pairs.Pairs)
        {
            chart.Shape(PairsPanel.Connection(below.Place(pair.Student.Index), above.Place(pair.Teacher.Index)));
        }

        above.Add(chart, "teacher", pairs.TeacherLayers);
        below.Add(chart, "student", pairs.StudentLayers);
        var x = UCurveAxes.Depth([teacher, student], relative: true);
        (x["anchor"], x["range"], x["showgrid"]) = ("y2", new[] { -0.04, 1.04 }, false);
        return chart.Layout("xaxis", x).Layout("height", 560).Layout("showlegend", false).Build();
    }
}

/// <summary>One model's curve in the chart of layer pairs; its axis has a fixed range, so that lines can run from panel to panel.</summary>
internal sealed class PairsPanel(ModelSpectrum spectrum, SeriesLook look, double[] domain, string axis)
{
    private const double Top = 1.15;
    private readonly double _bottom = axis == "y" ? 0 : -0.32; // room below the lowest number for the lower panel's name
    private readonly double _largest = Math.Max(spectrum.Intensities.Max(), double.Epsilon);

    internal void Add(ChartBuilder chart, string role, IReadOnlyCollection<int> chosen)
    {
        var line = SeriesLine.Of(
            look,
            spectrum.Title,
            spectrum.Blocks.Select(Depth),
            spectrum.Blocks.Select(Value),
            spectrum.Blocks.Select(block => UCurveText.Hover(spectrum, block)));
        line["yaxis"] = axis;
        line["mode"] = "lines+markers";
        line["marker"] = new Attributes
        {
            ["color"] = spectrum.Blocks.Select(block => chosen.Contains(block.Index) ? look.Colour : "#ffffff").ToArray(),
            ["size"] = spectrum.Blocks.Select(block => chosen.Contains(block.Index) ? 11 : 7).ToArray(),
            ["symbol"] = look.Symbol.Replace("-open", "", StringComparison.Ordinal),
            ["opacity"] = 1,
            ["line"] = new Attributes { ["color"] = look.Colour, ["width"] = 1.5 },
        };
        chart.Trace("scatter", line);
        chart.Trace("scatter", Labels(chosen));
        var y = ChartLook.Axis($"{role}<br>intensity / maximum");
        (y["domain"], y["range"], y["tickvals"]) = (domain, new[] { _bottom, Top }, new[] { 0, 0.5, 1 });
        chart.Layout(axis == "y" ? "yaxis" : "yaxis2", y);
        chart.Annotation(Name());
    }

    /// <summary>Where a block's point lies: relative depth, and height as a part of the whole chart.</summary>
    internal (double X, double Y) Place(int index)
    {
        var block = spectrum.Block(index);
        return (Depth(block), domain[0] + ((Value(block) - _bottom) / (Top - _bottom) * (domain[1] - domain[0])));
    }

    internal static Attributes Connection((double X, double Y) from, (double X, double Y) to) => new()
    {
        ["type"] = "line",
        ["layer"] = "below",
        ["xref"] = "x",
        ["yref"] = "paper",
        ["x0"] = from.X,
        ["y0"] = from.Y,
        ["x1"] = to.X,
        ["y1"] = to.Y,
        ["line"] = new Attributes { ["color"] = ChartLook.Green, ["width"] = 1.5, ["dash"] = "dot" },
    };

    private Attributes Labels(IReadOnlyCollection<int> chosen)
    {
        var blocks = spectrum.Blocks.Where(block => chosen.Contains(block.Index)).ToList();
        return new Attributes
        {
            ["x"] = blocks.Select(Depth).ToArray(),
            ["y"] = blocks.Select(Value).ToArray(),
            ["yaxis"] = axis,
            ["mode"] = "markers+text",
            ["marker"] = new Attributes { ["size"] = 16, ["opacity"] = 0 }, // keeps the text off the visible markers
            ["text"] = blocks.Select(block => FormattableString.Invariant($"{block.Index}")).ToArray(),
            ["textposition"] = axis == "y" ? "top center" : "bottom center",
            ["textfont"] = new Attributes { ["size"] = 12 },
            ["hoverinfo"] = "skip",
        };
    }

    private Attributes Name() => new()
    {
        ["text"] = UCurveText.Verdict(spectrum.UShape.Words), // whose it is stands in the subtitle
        ["xref"] = "paper",
        ["yref"] = "paper",
        ["x"] = 0.36,
        ["y"] = axis == "y" ? domain[1] : domain[0] + 0.005, // where no connection runs and no block is numbered
        ["xanchor"] = "center",
        ["yanchor"] = "bottom",
        ["showarrow"] = false,
        ["font"] = new Attributes { ["size"] = 13, ["color"] = look.Colour },
    };

    private double Depth(BlockSpectrum block) => UCurveAxes.Position(spectrum, block, relative: true);

    private double Value(BlockSpectrum block) => block.Intensity!.Value / _largest;
}
