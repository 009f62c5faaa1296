using SpectralKD.Models;

namespace SpectralKD.Spectra;

/// <summary>Refuses pairs whose maps cannot be aligned, and says what would fit.</summary>
internal static class LayerFit
{
    internal static void Require(LayerPair pair, LayerCandidates teacher, LayerCandidates student)
    {
        var (one, two) = (pair.Student, pair.Teacher);
        if (one.Height != two.Height || one.Width != two.Width)
        {
            throw new SpectralKDException(
                $"{student.Model} {Describe(one)} cannot be aligned with {teacher.Model} {Describe(two)}: height and width must agree. {Fitting(one, teacher, student)}");
        }

        if (one.Channels > two.Channels)
        {
            throw new SpectralKDException(
                $"{student.Model} {Describe(one)} cannot be aligned with {teacher.Model} {Describe(two)}: "
                + "the teacher needs at least as many channels as the student, choose a wider teacher or a narrower student");
        }
    }

    private static string Describe(BlockInfo block) => $"{block.Name} [{block.Channels}, {block.Height}, {block.Width}]";

    private static string Fitting(BlockInfo student, LayerCandidates teacher, LayerCandidates from)
    {
        var blocks = teacher.Blocks.Where(block => Fits(student, block)).Select(Describe).ToList();
        if (blocks.Count > 0)
        {
            return $"Teacher blocks that fit: {string.Join(", ", blocks)}";
        }

        var others = from.Blocks.Where(block => teacher.Blocks.Any(other => Fits(block, other))).Select(Describe).ToList();
        return others.Count > 0
            ? $"Student blocks that have a partner: {string.Join(", ", others)}; name them in explicit lists"
            : "No blocks of these models fit: choose a teacher with the same patch grid (image size / patch size)";
    }

    private static bool Fits(BlockInfo student, BlockInfo teacher)
        => student.Height == teacher.Height && student.Width == teacher.Width && student.Channels <= teacher.Channels;
}
