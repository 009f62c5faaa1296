using SpectralKD.Models;
using SpectralKD.Spectra;

namespace SpectralKD.Distillation;

/// <summary>The layer pairs of a run, checked against both models before the first step.</summary>
internal sealed record AlignedLayers(IReadOnlyList<int> Student, IReadOnlyList<int> Teacher)
{
    /// <summary>No alignment at all.</summary>
    public static AlignedLayers None { get; } = new([], []);

    /// <summary>The named pairs, or the paper's end points where none are named.</summary>
    /// <exception cref="SpectralKDException">The counts differ, a block does not exist, or a pair's maps cannot be aligned.</exception>
    public static AlignedLayers Of(VisionModel student, IReadOnlyList<int>? studentLayers, VisionModel teacher, IReadOnlyList<int>? teacherLayers)
    {
        var selection = studentLayers is null ? new LayerSelection() : new LayerSelection
        {
            Strategy = LayerStrategy.Explicit,
            Student = studentLayers,
            Teacher = teacherLayers,
        };
        var pairs = LayerPairs.Select(teacher, student, selection);
        return new AlignedLayers(pairs.StudentLayers, pairs.TeacherLayers);
    }
}
