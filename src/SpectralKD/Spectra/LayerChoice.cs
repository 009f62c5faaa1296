using SpectralKD.Models;

namespace SpectralKD.Spectra;

/// <summary>Carries out the strategies: which blocks, and why.</summary>
internal static class LayerChoice
{
    private const int PaperFirst = 2;
    private const int PaperLast = 6;

    internal static LayerPairs Make(LayerCandidates teacher, LayerCandidates student, LayerSelection selection)
    {
        var (students, teachers, reason) = selection.Strategy switch
        {
            LayerStrategy.Endpoints when teacher.IsHierarchical && student.IsHierarchical => Stages(teacher, student),
            LayerStrategy.Endpoints => Endpoints(teacher, student, selection),
            LayerStrategy.Top => Top(teacher, student, selection),
            LayerStrategy.Threshold => Threshold(teacher, student, selection),
            LayerStrategy.Even => Even(teacher, student, Count(teacher, student, selection), "evenly over depth"),
            LayerStrategy.All => Even(teacher, student, Math.Min(teacher.Depth, student.Depth), "every block of the shallower model"),
            LayerStrategy.Stages => Stages(teacher, student),
            LayerStrategy.Explicit => Explicit(teacher, student, selection),
            _ => throw new SpectralKDException($"there is no layer strategy {selection.Strategy}"),
        };
        var pairs = students.Zip(teachers, (one, two) => new LayerPair(student.Blocks[one], teacher.Blocks[two])).ToList();
        pairs.ForEach(pair => LayerFit.Require(pair, teacher, student));
        return new LayerPairs
        {
            Teacher = teacher.Model,
            Student = student.Model,
            Strategy = selection.Strategy,
            Reason = reason,
            Pairs = [.. pairs],
        };
    }

    private static (int[] Students, int[] Teachers, string Reason) Endpoints(
        LayerCandidates teacher, LayerCandidates student, LayerSelection selection)
    {
        var depth = Math.Min(teacher.Depth, student.Depth);
        var small = depth < PaperFirst + PaperLast;
        var first = selection.First ?? (small ? Math.Max(1, (int)Math.Round(depth / 6.0)) : PaperFirst);
        var last = selection.Last ?? (small ? Math.Min(depth - Math.Min(first, depth), (int)Math.Round(depth / 2.0)) : PaperLast);
        if (first < 0 || last < 0 || first + last < 1 || first + last > depth)
        {
            throw new SpectralKDException(
                $"the first {first} and last {last} blocks do not fit: {teacher.Model} has {teacher.Depth} blocks, {student.Model} {student.Depth}; "
                + $"choose at least one and together at most {depth}");
        }

        return (Ends(student.Depth), Ends(teacher.Depth), $"first {first} and last {last} blocks");
        int[] Ends(int count) => [.. Enumerable.Range(0, first), .. Enumerable.Range(count - last, last)];
    }

    private static (int[] Students, int[] Teachers, string Reason) Top(
        LayerCandidates teacher, LayerCandidates student, LayerSelection selection)
    {
        var intensities = teacher.RequireIntensities(LayerStrategy.Top);
        var count = Count(teacher, student, selection);
        int[] chosen = [.. Enumerable.Range(0, teacher.Depth).OrderByDescending(index => intensities[index]).Take(count).Order()];
        return (LayerMatching.Match(chosen, teacher.Depth, student.Depth), chosen, $"the teacher's {count} most intense blocks");
    }

    private static (int[] Students, int[] Teachers, string Reason) Threshold(
        LayerCandidates teacher, LayerCandidates student, LayerSelection selection)
    {
        if (selection.Threshold is not (> 0 and <= 1))
        {
            throw new SpectralKDException(FormattableString.Invariant($"the threshold is a part of the largest intensity, above 0 and at most 1, not {selection.Threshold}"));
        }

        var intensities = teacher.RequireIntensities(LayerStrategy.Threshold);
        var least = selection.Threshold * intensities.Max();
        int[] chosen = [.. Enumerable.Range(0, teacher.Depth).Where(index => intensities[index] >= least)];
        if (chosen.Length > student.Depth)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"{chosen.Length} blocks of {teacher.Model} reach {selection.Threshold} of its largest intensity, but {student.Model} has only {student.Depth}: raise the threshold"));
        }

        var reason = FormattableString.Invariant($"the teacher's blocks of at least {selection.Threshold} of its largest intensity");
        return (LayerMatching.Match(chosen, teacher.Depth, student.Depth), chosen, reason);
    }

    private static (int[] Students, int[] Teachers, string Reason) Even(LayerCandidates teacher, LayerCandidates student, int count, string reason)
    {
        return (Spread(student.Depth), Spread(teacher.Depth), reason);
        int[] Spread(int depth) => [.. Enumerable.Range(0, count).Select(
            i => count == 1 ? depth - 1 : (int)Math.Round(i * (depth - 1.0) / (count - 1), MidpointRounding.AwayFromZero))];
    }

    private static (int[] Students, int[] Teachers, string Reason) Stages(LayerCandidates teacher, LayerCandidates student)
    {
        if (!teacher.IsHierarchical || !student.IsHierarchical || teacher.Depth != student.Depth)
        {
            throw new SpectralKDException(
                $"stages pair hierarchical models of equally many stages, but {Describe(teacher)} and {Describe(student)}: use Endpoints or explicit lists");
        }

        int[] all = [.. Enumerable.Range(0, teacher.Depth)];
        return (all, all, "stage by stage");
    }

    private static (int[] Students, int[] Teachers, string Reason) Explicit(
        LayerCandidates teacher, LayerCandidates student, LayerSelection selection)
    {
        if (selection.Student is not { Count: > 0 } students || selection.Teacher is not { } teachers || teachers.Count != students.Count)
        {
            throw new SpectralKDException(
                $"explicit layers are two lists of one length, but the student's has {selection.Student?.Count ?? 0} and the teacher's {selection.Teacher?.Count ?? 0}");
        }

        return (Resolve(student, students), Resolve(teacher, teachers), "chosen by hand");
        static int[] Resolve(LayerCandidates model, IReadOnlyList<int> wanted)
            => [.. wanted.Select(index => BlockSelection.Resolve([index], model.Depth, model.Model).Single())];
    }

    private static int Count(LayerCandidates teacher, LayerCandidates student, LayerSelection selection)
    {
        var most = Math.Min(teacher.Depth, student.Depth);
        var count = selection.Count ?? Math.Min(PaperFirst + PaperLast, most);
        return count >= 1 && count <= most ? count : throw new SpectralKDException(
            $"{count} layer pairs do not fit: {teacher.Model} has {teacher.Depth} blocks, {student.Model} {student.Depth}; choose 1 to {most}");
    }

    private static string Describe(LayerCandidates model)
        => model.IsHierarchical ? $"{model.Model} has {model.Depth} stages" : $"{model.Model} is not hierarchical";
}
