using SpectralKD.Models;

namespace SpectralKD.Distillation;

/// <summary>
/// The paper's choice of layers: the first two and the last six blocks of both models; stages with stages where depths are equal and small; for
/// shallower models as much of both ends as there is.
/// </summary>
internal static class DefaultLayers
{
    public static (IReadOnlyList<int> Student, IReadOnlyList<int> Teacher) Of(VisionModel student, VisionModel teacher)
    {
        var (own, other) = (student.Blocks.Count, teacher.Blocks.Count);
        if (own == other && own < 8)
        {
            return ([.. Enumerable.Range(0, own)], [.. Enumerable.Range(0, other)]);
        }

        var count = Math.Min(8, Math.Min(own, other));
        var first = count >= 8 ? 2 : Math.Max(1, count / 4);
        return (Ends(own, first, count - first), Ends(other, first, count - first));
    }

    private static int[] Ends(int blocks, int first, int last) => [.. Enumerable.Range(0, first), .. Enumerable.Range(blocks - last, last)];
}
