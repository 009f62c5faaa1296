using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

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
            "Layers to align", $"{pairs.Student} from {pairs.Teacher} · {pairs.Pairs.Length} pairs: {pairs.Reason}");
        var above = new PairsPanel(teacher, 0, [0.58, 1], "y");
        var below = new PairsPanel(student, 1, [0, 0.42], "y2");
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
