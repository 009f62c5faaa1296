namespace SpectralKD.Tests;

/// <summary>
/// Finds test data: golden vectors in the repository, and the large real data in a folder <c>shared</c> beside it (or where
/// <c>SPECTRALKD_SHARED</c> says), which need not be there.
/// </summary>
internal static class SharedData
{
    private static readonly string? s_otherGolden = Environment.GetEnvironmentVariable("SPECTRALKD_GOLDEN");

    /// <summary>Full path of a golden file: in the repository, or in the folder of the same layout that <c>SPECTRALKD_GOLDEN</c> names; skips the test where that lacks it.</summary>
    public static string Golden(params string[] parts)
    {
        var path = Path.Combine([GoldenRoot, .. parts]);
        if (!string.IsNullOrEmpty(s_otherGolden) && !Path.Exists(path))
        {
            Assert.Skip($"skipped: {Path.Combine(parts)} is not in the golden vectors of SPECTRALKD_GOLDEN ({s_otherGolden})");
        }

        return path;
    }

    /// <summary>The cases of a folder of golden vectors: the names of its folders, sorted.</summary>
    public static IReadOnlyList<string> GoldenCases(string folder) => Directory.Exists(Path.Combine(GoldenRoot, folder))
        ? [.. Directory.GetDirectories(Path.Combine(GoldenRoot, folder)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
        : [];

    private static string GoldenRoot => string.IsNullOrEmpty(s_otherGolden) ? Path.Combine(RepositoryRoot, "tests", "golden") : s_otherGolden;

    /// <summary>Full path of a file or folder of the shared data; skips the test where it is missing.</summary>
    public static string OrSkip(params string[] parts)
    {
        var root = Environment.GetEnvironmentVariable("SPECTRALKD_SHARED") ?? Path.Combine(RepositoryRoot, "..", "shared");
        var path = Path.GetFullPath(Path.Combine([root, .. parts]));
        if (!Path.Exists(path))
        {
            Assert.Skip($"skipped: {Path.Combine(parts)} is not in the shared data (set SPECTRALKD_SHARED to its folder)");
        }

        return path;
    }

    /// <summary>The folder that holds the solution.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SpectralKD.Interactive.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("the tests do not run from a build inside the repository");
    }
}
