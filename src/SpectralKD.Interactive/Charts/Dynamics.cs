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
        var curves = new UCurves("Distillation dynamics: spectral intensity over depth", subtitle, spectra, relative: true);
        var ((first, last), looks) = (SeriesLook.OfTraining(before, after), SeriesLook.OfNames([teacher.Model, after.Model]));
        curves.Add(teacher, $"teacher: {teacher.Title}", null, looks[0], normalize, CurveBand.None);
        curves.Add(before, $"student before: {before.Title}", null, first with { Colour = looks[1].Colour }, normalize, CurveBand.None);
        curves.Add(after, $"student after: {after.Title}", null, last with { Colour = looks[1].Colour }, normalize, CurveBand.None);
        return curves.Build(UCurveAxes.Intensity(spectra, normalize), fromZero: true);
    }

    /// <summary>
    /// The student's U-curve after every tracked epoch, from violet (before training) to orange, and the teacher's in black and dashed, on relative depth.
    /// </summary>
    /// <param name="dynamics">The student over time and its teacher, see <see cref="DistillationRun.Dynamics"/>.</param>
    /// <param name="normalize">True divides each curve by its maximum, so that shapes compare; false shows the levels too.</param>
    public static GenericChart UCurvesByEpoch(DistillationDynamics dynamics, bool normalize = false)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        var (teacher, student) = (dynamics.Teacher, dynamics.Student);
        ModelSpectrum[] spectra = [teacher, .. student];
        var last = student.Count - 1;
        var curves = new UCurves(
            "Spectral intensity over depth and training", $"{dynamics.After.Title} from {teacher.Title} · {UCurveText.Subject(spectra)}", spectra, relative: true);
        var look = SeriesLook.OfNames([teacher.Model])[0];
        for (var moment = 0; moment <= last; moment++)
        {
            var name = moment == 0 ? "before" : FormattableString.Invariant($"epoch {moment}");
            curves.Add(student[moment], name, null, look with { Colour = Sequence.Colour(moment, last + 1), Symbol = "circle" }, normalize, CurveBand.None);
        }

        curves.Add(teacher, $"teacher: {teacher.Title}", null, look with { Colour = ChartLook.Ink, Dash = "dash" }, normalize, CurveBand.None);
        return curves.Build(UCurveAxes.Intensity(spectra, normalize), fromZero: true);
    }
}
