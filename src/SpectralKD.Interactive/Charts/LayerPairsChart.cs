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
        Attributes[] names = [above.Name(), below.Name()];
        Attributes[] narrow = [.. names, .. above.Numbers(pairs.TeacherLayers, isNarrow: true), .. below.Numbers(pairs.StudentLayers, isNarrow: true)];
        names.Concat(above.Numbers(pairs.TeacherLayers)).Concat(below.Numbers(pairs.StudentLayers)).ToList().ForEach(text => chart.Annotation(text));
        var x = UCurveAxes.Depth([teacher, student], relative: true);
        (x["anchor"], x["range"], x["showgrid"]) = ("y2", new[] { -0.04, 1.04 }, false);
        return chart.Layout("xaxis", x).Layout("height", 560).Layout("showlegend", false)
            .Layout("meta", new Attributes { ["narrow"] = new Attributes { ["annotations"] = narrow } }).Build();
    }
}

/// <summary>One model's curve in the chart of layer pairs; its axis has a fixed range, so that lines can run from panel to panel.</summary>
internal sealed class PairsPanel(ModelSpectrum spectrum, SeriesLook look, double[] domain, string axis)
{
    private const double Top = 1.15;
    private const int MostApart = 28; // blocks whose numbers have room beside each other
    private const int MostApartNarrow = 12;
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
        var y = ChartLook.Axis($"{role}<br>intensity / maximum");
        (y["domain"], y["range"], y["tickvals"]) = (domain, new[] { _bottom, Top }, new[] { 0, 0.5, 1 });
        chart.Layout(axis == "y" ? "yaxis" : "yaxis2", y);
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

    /// <summary>The numbers of the chosen blocks beside their points; of neighbours the first and the last, where all have no room.</summary>
    internal IEnumerable<Attributes> Numbers(IEnumerable<int> chosen, bool isNarrow = false)
    {
        var blocks = chosen.Distinct().Order().ToList();
        var together = spectrum.Depth > (isNarrow ? MostApartNarrow : MostApart);
        return blocks.GroupBy(block => together ? block - blocks.IndexOf(block) : block).Select(run =>
        {
            var places = run.Select(Place).ToList();
            return new Attributes
            {
                ["text"] = run.First() == run.Last() ? FormattableString.Invariant($"{run.First()}") : FormattableString.Invariant($"{run.First()}–{run.Last()}"),
                ["xref"] = "x",
                ["yref"] = "paper",
                ["x"] = (places[0].X + places[^1].X) / 2,
                ["y"] = axis == "y" ? places.Max(place => place.Y) : places.Min(place => place.Y),
                ["yshift"] = axis == "y" ? 16 : -16,
                ["yanchor"] = "middle",
                ["showarrow"] = false,
                ["font"] = new Attributes { ["size"] = 12 },
            };
        });
    }

    /// <summary>The verdict on the curve.</summary>
    internal Attributes Name() => new()
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
