using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>Carries out the strategies: which blocks, and why.</summary>
internal static class LayerChoice
{
    private const int PaperFirst = 2;
    private const int PaperLast = 6;

    internal static LayerPairs Make(LayerCandidates teacher, LayerCandidates student, LayerSelection selection, bool fitting = true)
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
            LayerStrategy.Predicted => Predicted(teacher, student, selection),
            _ => throw new SpectralKDException($"there is no layer strategy {selection.Strategy}"),
        };
        var pairs = students.Zip(teachers, (one, two) => new LayerPair(student.Blocks[one], teacher.Blocks[two])).ToList();
        if (fitting)
        {
            pairs.ForEach(pair => LayerFit.Require(pair, teacher, student, selection.AnyGrid));
        }

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

    private static (int[] Students, int[] Teachers, string Reason) Predicted(LayerCandidates teacher, LayerCandidates student, LayerSelection selection)
    {
        if (selection.Scores is not { Count: > 0 } scores)
        {
            throw new SpectralKDException($"the strategy {LayerStrategy.Predicted} chooses by what was predicted of each pair: run #!spectral-predict (LayerPredictions) and pass its scores, or use Endpoints, Even or All");
        }

        if (scores.FirstOrDefault(score => score.Student < 0 || score.Student >= student.Depth || score.Teacher < 0 || score.Teacher >= teacher.Depth) is { } odd)
        {
            throw new SpectralKDException($"the predictions have a pair {odd.Student}-{odd.Teacher}, but {student.Model} has {student.Depth} blocks and {teacher.Model} {teacher.Depth}: predict for these models");
        }

        var chosen = new List<LayerScore>();
        foreach (var score in scores.Where(score => double.IsFinite(score.Score)).OrderByDescending(score => score.Score))
        {
            if (chosen.TrueForAll(other => other.Student != score.Student && other.Teacher != score.Teacher))
            {
                chosen.Add(score);
            }
        }

        var count = selection.Count ?? Math.Min(Count(teacher, student, selection), chosen.Count);
        if (count < 1 || count > chosen.Count)
        {
            throw new SpectralKDException($"{count} layer pairs do not fit: the predictions have {chosen.Count} with different blocks; choose at least 1 and at most that many");
        }

        chosen = [.. chosen.Take(count).OrderBy(score => score.Student)];
        return ([.. chosen.Select(score => score.Student)], [.. chosen.Select(score => score.Teacher)], $"the {count} pairs that promise most before training");
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

/// <summary>One side of a choice of layers: a model's blocks, with their intensities where they are known.</summary>
internal sealed record LayerCandidates(string Model, IReadOnlyList<BlockInfo> Blocks, ImmutableArray<double>? Intensities)
{
    internal int Depth => Blocks.Count;

    /// <summary>Whether the maps' size changes over depth.</summary>
    internal bool IsHierarchical => Blocks.Select(block => (block.Height, block.Width)).Distinct().Count() > 1;

    internal static LayerCandidates Of(ModelSpectrum spectrum)
    {
        if (spectrum.Blocks.Length != spectrum.Depth)
        {
            throw new SpectralKDException(
                $"only {spectrum.Blocks.Length} of {spectrum.Model}'s {spectrum.Depth} blocks were analysed: analyse all of them to choose layers");
        }

        return new(spectrum.Model, [.. spectrum.Blocks.Select(block => block.ToBlockInfo())], spectrum.Intensities);
    }

    /// <summary>Intensities, or an error that says how to get them.</summary>
    internal ImmutableArray<double> RequireIntensities(LayerStrategy strategy) => Intensities ?? throw new SpectralKDException(
        $"the strategy {strategy} chooses by the teacher's spectra: analyse {Model} first and pass its spectrum, or use Endpoints, Even or All");
}

/// <summary>Refuses pairs whose maps cannot be aligned, and says what would fit.</summary>
internal static class LayerFit
{
    internal static void Require(LayerPair pair, LayerCandidates teacher, LayerCandidates student, bool anyGrid)
    {
        var (one, two) = (pair.Student, pair.Teacher);
        if (!anyGrid && (one.Height != two.Height || one.Width != two.Width))
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
            : "No blocks of these models fit: choose a teacher with the same patch grid (image size / patch size), give it an image size of its own, or resize its maps (resizeMaps)";
    }

    private static bool Fits(BlockInfo student, BlockInfo teacher)
        => student.Height == teacher.Height && student.Width == teacher.Width && student.Channels <= teacher.Channels;
}

/// <summary>Finds the student's blocks for chosen teacher's blocks: monotonic, nearest in relative depth, first to first and last to last.</summary>
internal static class LayerMatching
{
    /// <summary>
    /// The strictly increasing student blocks whose relative depths differ least, in sum, from those of the teacher's blocks
    /// (dynamic programming over pairs). The teacher's very first and last blocks get the student's.
    /// </summary>
    /// <param name="teachers">Ascending blocks of the teacher, at most as many as the student has.</param>
    /// <param name="teacherDepth">Number of blocks of the teacher.</param>
    /// <param name="studentDepth">Number of blocks of the student.</param>
    internal static int[] Match(int[] teachers, int teacherDepth, int studentDepth)
    {
        var count = teachers.Length;
        var best = new double[count, studentDepth];
        for (var i = 0; i < count; i++)
        {
            for (var student = 0; student < studentDepth; student++)
            {
                var before = i == 0 ? 0 : Enumerable.Range(0, student).Select(s => best[i - 1, s]).DefaultIfEmpty(double.PositiveInfinity).Min();
                best[i, student] = before + Cost(teachers[i], student, teacherDepth, studentDepth);
            }
        }

        return Trace(best, count, studentDepth);
    }

    private static double Cost(int teacher, int student, int teacherDepth, int studentDepth)
    {
        var ends = (teacher == 0 && student != 0) || (teacher == teacherDepth - 1 && student != studentDepth - 1);
        return ends && teacherDepth > 1
            ? double.PositiveInfinity
            : Math.Abs(Relative(teacher, teacherDepth) - Relative(student, studentDepth));
    }

    private static double Relative(int block, int depth) => depth == 1 ? 1 : block / (depth - 1.0);

    private static int[] Trace(double[,] best, int count, int depth)
    {
        var matched = new int[count];
        var limit = depth;
        for (var i = count - 1; i >= 0; i--)
        {
            limit = matched[i] = Enumerable.Range(0, limit).MinBy(student => best[i, student]);
        }

        return matched;
    }
}
