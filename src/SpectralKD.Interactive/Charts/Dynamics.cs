using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>
    /// Distillation dynamics: the teacher's U-curve with the student's before and after, on relative depth. The subtitle says how far the shape of the
    /// student's curve is from the teacher's (mean absolute difference at the student's depths, each curve over its maximum).
    /// </summary>
    /// <param name="teacher">The teacher's spectrum.</param>
    /// <param name="before">The student's before distillation.</param>
    /// <param name="after">The student's after distillation.</param>
    /// <param name="normalize">True divides each curve by its maximum, so that shapes compare; false shows the levels too.</param>
    public static GenericChart Dynamics(ModelSpectrum teacher, ModelSpectrum before, ModelSpectrum after, bool normalize = true)
    {
        var distances = FormattableString.Invariant(
            $"{CurveDistance.Between(before, teacher):0.000} before, {CurveDistance.Between(after, teacher):0.000} after");
        ModelSpectrum[] spectra = [teacher, before, after];
        var subtitle = $"{UCurveText.Subject(spectra)} · distance to the teacher's shape: {distances}";
        var chart = new ChartBuilder("Distillation dynamics: spectral intensity over depth", subtitle)
            .Layout("xaxis", UCurveAxes.Depth(spectra, relative: true))
            .Layout("yaxis", UCurveAxes.Intensity(spectra, normalize));
        string[] names = [$"teacher: {teacher.Title}", $"student before: {before.Title}", $"student after: {after.Title}"];
        for (var i = 0; i < spectra.Length; i++)
        {
            new UCurveTraces(spectra[i], names[i], i, normalize, relative: true).AddLine(chart);
        }

        return chart.Build();
    }
}
