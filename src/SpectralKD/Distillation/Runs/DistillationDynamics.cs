using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>
/// How a student's spectra move towards its teacher's in training (after "Distillation Dynamics", arXiv 2511.06848): the student before, after
/// each tracked epoch, and the teacher, all over the same images.
/// </summary>
public sealed record DistillationDynamics
{
    /// <summary>The teacher's spectra.</summary>
    public required ModelSpectrum Teacher { get; init; }

    /// <summary>The student's spectra in order of time, at least one: the first is before, the last after.</summary>
    public required IReadOnlyList<ModelSpectrum> Student { get; init; }

    /// <summary>Distances, student layer by student layer, moment by moment.</summary>
    public required IReadOnlyList<LayerDistance> Distances { get; init; }

    /// <summary>The student before training.</summary>
    public ModelSpectrum Before => Student[0];

    /// <summary>The student after training.</summary>
    public ModelSpectrum After => Student[^1];

    /// <summary>Compares a student before and after with its teacher.</summary>
    /// <exception cref="SpectralKDException">The spectra are not spatial, or the students differ in their blocks.</exception>
    public static DistillationDynamics Of(ModelSpectrum teacher, ModelSpectrum before, ModelSpectrum after) => Of(teacher, [before, after]);

    /// <summary>Compares a student's spectra over time with its teacher's.</summary>
    /// <param name="teacher">The teacher's.</param>
    /// <param name="student">The student's in order of time, at least one.</param>
    /// <exception cref="SpectralKDException">The list is empty, the spectra are not spatial, or the students differ in their blocks.</exception>
    public static DistillationDynamics Of(ModelSpectrum teacher, IReadOnlyList<ModelSpectrum> student)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        ArgumentNullException.ThrowIfNull(student);
        if (student.Count == 0)
        {
            throw new SpectralKDException("there are no spectra of the student: give them before and after training");
        }

        foreach (var spectrum in student.Append(teacher).Where(spectrum => !spectrum.Domain.HasFlag(SpectralDomain.Spatial)))
        {
            throw new SpectralKDException($"{spectrum.Model} was analysed in the {spectrum.Domain} domain; dynamics need the spatial one");
        }

        if (student.Any(other => !other.Blocks.Select(block => block.Index).SequenceEqual(student[0].Blocks.Select(block => block.Index))))
        {
            throw new SpectralKDException("the student's spectra are of different blocks; analyse the same blocks every time");
        }

        return new DistillationDynamics
        {
            Teacher = teacher,
            Student = student,
            Distances = [.. student.SelectMany((spectrum, moment) => LayerDistance.All(spectrum, teacher, moment))],
        };
    }

    /// <summary>Mean of <see cref="LayerDistance.Distance"/> over the student's layers at each moment; layers without one are left out.</summary>
    public IReadOnlyList<double> MeanDistances => [.. Distances.GroupBy(entry => entry.Moment).OrderBy(group => group.Key)
        .Select(group => group.Where(entry => entry.Distance is not null).Select(entry => entry.Distance!.Value).DefaultIfEmpty(double.NaN).Average())];

    /// <summary>
    /// One row for each moment and student layer: <c>when</c> (<c>before</c>, <c>after</c>; of more moments <c>before</c>, <c>after 1</c>, <c>after 2</c>, …), <c>moment</c> (0 is before), <c>block</c>, <c>name</c>, <c>teacher_block</c>, <c>intensity</c>,
    /// <c>teacher_intensity</c>, <c>intensity_ratio</c>, <c>distance</c>.
    /// </summary>
    public DataFrame ToDataFrame() => new(
        new StringDataFrameColumn("when", Distances.Select(entry => entry.Moment == 0 ? "before" : Student.Count == 2 ? "after" : FormattableString.Invariant($"after {entry.Moment}"))),
        new Int32DataFrameColumn("moment", Distances.Select(entry => entry.Moment)),
        new Int32DataFrameColumn("block", Distances.Select(entry => entry.Block)),
        new StringDataFrameColumn("name", Distances.Select(entry => entry.Name)),
        new Int32DataFrameColumn("teacher_block", Distances.Select(entry => entry.TeacherBlock)),
        new DoubleDataFrameColumn("intensity", Distances.Select(entry => entry.Intensity)),
        new DoubleDataFrameColumn("teacher_intensity", Distances.Select(entry => entry.TeacherIntensity)),
        new DoubleDataFrameColumn("intensity_ratio", Distances.Select(entry => entry.IntensityRatio)),
        new DoubleDataFrameColumn("distance", Distances.Select(entry => entry.Distance)));
}

/// <summary>How far one student layer's spectrum is from that of the teacher's layer at the same relative depth.</summary>
/// <param name="Moment">Position in time: 0 before training, then after each tracked epoch.</param>
/// <param name="Block">The student's 0-based block.</param>
/// <param name="Name">The student block's name.</param>
/// <param name="TeacherBlock">The teacher's block at the same relative depth, end points exactly.</param>
/// <param name="Intensity">The student's spectral intensity.</param>
/// <param name="TeacherIntensity">The teacher's spectral intensity.</param>
/// <param name="Distance">
/// Relative l2 distance of the radial amplitude profiles, <c>|A_s - A_t| / |A_t|</c> with each ring weighed by its frequencies: 0 for equal spectra,
/// 1 where the student has none. Null where the maps' sizes differ.
/// </param>
public sealed record LayerDistance(int Moment, int Block, string Name, int TeacherBlock, double Intensity, double TeacherIntensity, double? Distance)
{
    /// <summary>Student's intensity over the teacher's; 1 for equal ones.</summary>
    public double IntensityRatio => Intensity / TeacherIntensity;

    internal static IEnumerable<LayerDistance> All(ModelSpectrum student, ModelSpectrum teacher, int moment) =>
        student.Blocks.Select((block, position) =>
        {
            var other = teacher.Blocks[Opposite(position, student.Blocks.Length, teacher.Blocks.Length)];
            return new LayerDistance(moment, block.Index, block.Name, other.Index, block.Intensity ?? double.NaN, other.Intensity ?? double.NaN, Between(block, other));
        });

    private static int Opposite(int position, int count, int teachers) =>
        count == 1 ? teachers - 1 : (int)Math.Round((double)position * (teachers - 1) / (count - 1), MidpointRounding.AwayFromZero);

    private static double? Between(BlockSpectrum student, BlockSpectrum teacher)
    {
        if (student.Height != teacher.Height || student.Width != teacher.Width)
        {
            return null;
        }

        var (own, other, counts) = (student.RadialAmplitude!.Value, teacher.RadialAmplitude!.Value, student.RadialCounts);
        var difference = own.Select((value, ring) => counts[ring] * Math.Pow(value - other[ring], 2)).Sum();
        return Math.Sqrt(difference / other.Select((value, ring) => counts[ring] * value * value).Sum());
    }
}
