using SpectralKD.Weights;

namespace SpectralKD.Distillation;

/// <summary>Says whether two feature maps can be aligned, in words that name both shapes and what fits instead.</summary>
internal static class AlignmentShapes
{
    /// <summary>Fails unless a student's map can be aligned with a teacher's.</summary>
    /// <param name="student">Shape <c>[B, Cs, H, W]</c>.</param>
    /// <param name="teacher">Shape <c>[B, Ct, H, W]</c>.</param>
    public static void Check(IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        if (Problem(student, teacher) is { } problem)
        {
            throw new SpectralKDException(
                $"the student's map {TensorInfo.Text(student)} cannot be aligned with the teacher's {TensorInfo.Text(teacher)}: {problem}");
        }
    }

    /// <summary>What keeps two maps from being aligned; null if nothing does.</summary>
    private static string? Problem(IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        if (student.Count != 4 || teacher.Count != 4 || student.Concat(teacher).Any(size => size < 1))
        {
            return "both must be [B, C, H, W] with at least one element";
        }

        if (student[0] != teacher[0])
        {
            return $"the batches hold {student[0]} and {teacher[0]} images; run both models on the same batch";
        }

        if (student[2] != teacher[2] || student[3] != teacher[3])
        {
            return $"their grids are {student[2]} x {student[3]} and {teacher[2]} x {teacher[3]}; take blocks with equal height and width";
        }

        return student[1] > teacher[1] && teacher[1] != 1
            ? $"the student is wider ({student[1]} channels against {teacher[1]}), and only a teacher's channels are averaged; "
                + "take a teacher with at least as many channels"
            : null;
    }
}
