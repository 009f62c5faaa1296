namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>Finds the XML documentation of an assembly.</summary>
internal static class DocumentationFiles
{
    private static readonly Lazy<string?> s_referencePack = new(FindReferencePack);
    private static readonly string s_framework = Path.GetDirectoryName(typeof(object).Assembly.Location) ?? "";

    /// <summary>
    /// The file beside the assembly, or that of the SDK's reference pack for the framework's own assemblies; null where there is none.
    /// </summary>
    public static string? Find(string assemblyPath)
    {
        var beside = Path.ChangeExtension(assemblyPath, ".xml");
        if (File.Exists(beside))
        {
            return beside;
        }

        if (s_referencePack.Value is not { } pack || Path.GetDirectoryName(assemblyPath) != s_framework)
        {
            return null;
        }

        var name = Path.GetFileNameWithoutExtension(assemblyPath);
        var inPack = Path.Combine(pack, (name == "System.Private.CoreLib" ? "System.Runtime" : name) + ".xml");
        return File.Exists(inPack) ? inPack : null;
    }

    /// <summary>For example <c>/usr/share/dotnet/packs/Microsoft.NETCore.App.Ref/10.0.4/ref/net10.0</c>.</summary>
    private static string? FindReferencePack()
    {
        var packs = Path.GetFullPath(Path.Combine(s_framework, "..", "..", "..", "packs", "Microsoft.NETCore.App.Ref"));
        var moniker = $"net{Environment.Version.Major}.0";
        return Directory.Exists(packs)
            ? Directory.EnumerateDirectories(packs)
                .Select(version => Path.Combine(version, "ref", moniker))
                .Where(Directory.Exists)
                .Order(StringComparer.Ordinal)
                .LastOrDefault()
            : null;
    }
}
