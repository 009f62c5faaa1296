namespace SpectralKD.Interactive.Charting;

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
