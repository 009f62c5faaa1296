namespace SpectralKD.Spectra;

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
