namespace SpectralKD.Tests;

/// <summary>Where the golden vectors lie, for the readers of golden files that the tests and the device check share.</summary>
internal static class SharedData
{
    /// <summary>The folder, laid out as tests/golden.</summary>
    public static string Root { get; set; } = "tests/golden";

    /// <summary>The path of a file in it.</summary>
    /// <exception cref="SpectralKDException">It is not there.</exception>
    public static string Golden(params string[] parts)
    {
        var path = Path.Combine([Root, .. parts]);
        return Path.Exists(path) ? path : throw new SpectralKDException($"{path} is missing; name the folder of golden vectors by --golden");
    }

    /// <summary>The cases of a folder, sorted.</summary>
    public static IReadOnlyList<string> GoldenCases(string folder)
        => [.. Directory.GetDirectories(Golden(folder)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
