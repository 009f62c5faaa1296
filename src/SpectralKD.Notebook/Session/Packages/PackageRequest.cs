namespace SpectralKD.Notebook.Session.Packages;

/// <summary>A package that a cell asks for.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Version">A version or range as NuGet writes it; <c>*</c> where the cell names none.</param>
internal sealed record PackageRequest(string Id, string Version)
{
    private const string Prefix = "nuget:";

    /// <summary>True where the version may be another one tomorrow.</summary>
    public bool IsFloating => Version.Contains('*', StringComparison.Ordinal);

    /// <summary>Reads <c>nuget: Name, Version</c>; null where the text is no package.</summary>
    /// <exception cref="SpectralKDException">It begins like a package but names none.</exception>
    public static PackageRequest? Parse(string text)
    {
        if (!text.TrimStart().StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var parts = text.TrimStart()[Prefix.Length..].Split(',', 2, StringSplitOptions.TrimEntries);
        var version = parts.Length > 1 && parts[1].Length > 0 ? parts[1] : "*";
        return (IsName(parts[0]), IsVersion(version)) switch
        {
            (true, true) => new PackageRequest(parts[0], version),
            (true, false) => throw new SpectralKDException(
                $"#r \"{text}\": {version} is no version; write 1.2.3, 1.2.*, * or a range like [1.2,2.0), or leave it out for the newest"),
            _ => throw new SpectralKDException(
                $"#r \"{text}\" names no package: write #r \"nuget: Name, Version\", for example #r \"nuget: CsvHelper, 33.0.1\""),
        };
    }

    private static bool IsVersion(string version) => char.IsAsciiDigit(version[0]) || version[0] is '[' or '(' or '*';

    private static bool IsName(string name)
        => name.Length > 0 && name.All(character => char.IsLetterOrDigit(character) || character is '.' or '-' or '_');
}
