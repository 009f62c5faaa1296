using SpectralKD.Spectra;

namespace SpectralKD.Distillation;

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
