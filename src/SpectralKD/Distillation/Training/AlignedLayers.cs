using SpectralKD.Models;

namespace SpectralKD.Distillation;

/// <summary>The layer pairs of a run, checked against both models before the first step.</summary>
internal sealed class AlignedLayers
{
    private AlignedLayers(IReadOnlyList<int> student, IReadOnlyList<int> teacher) => (Student, Teacher) = (student, teacher);

    /// <summary>No alignment at all.</summary>
    public static AlignedLayers None { get; } = new([], []);

    /// <summary>0-based student blocks, one for each pair.</summary>
    public IReadOnlyList<int> Student { get; }

    /// <summary>0-based teacher blocks, one for each pair.</summary>
    public IReadOnlyList<int> Teacher { get; }

    /// <summary>Checks layer pairs.</summary>
    /// <exception cref="SpectralKDException">The counts differ, a block does not exist, or a pair's maps cannot be aligned.</exception>
    public static AlignedLayers Of(VisionModel student, IReadOnlyList<int> studentLayers, VisionModel teacher, IReadOnlyList<int> teacherLayers)
    {
        if (studentLayers.Count != teacherLayers.Count)
        {
            throw new SpectralKDException($"{studentLayers.Count} student layers and {teacherLayers.Count} teacher layers are no pairs: "
                + $"student {string.Join(' ', studentLayers)}, teacher {string.Join(' ', teacherLayers)}; name as many of one as of the other");
        }

        var own = studentLayers.Select(layer => Absolute(student, layer)).ToList();
        var other = teacherLayers.Select(layer => Absolute(teacher, layer)).ToList();
        foreach (var (from, to) in own.Zip(other))
        {
            AlignmentShapes.Check(student.Spec.Name, student.Blocks[from], teacher.Spec.Name, teacher.Blocks[to], teacher.Blocks);
        }

        return new AlignedLayers(own, other);
    }

    private static int Absolute(VisionModel model, int layer)
    {
        var count = model.Blocks.Count;
        var absolute = layer < 0 ? layer + count : layer;
        return absolute >= 0 && absolute < count ? absolute : throw new SpectralKDException(
            $"there is no layer {layer} in {model.Spec.Name}: it has {count} blocks, 0 to {count - 1}");
    }
}
