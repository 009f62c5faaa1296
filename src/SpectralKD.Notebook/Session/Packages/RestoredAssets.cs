using System.Runtime.InteropServices;
using System.Text.Json;

namespace SpectralKD.Notebook.Session.Packages;

/// <summary>What a restore brought.</summary>
/// <param name="Packages">Each package as <c>Name/Version</c>.</param>
/// <param name="References">Assemblies to compile against.</param>
/// <param name="Assemblies">Assemblies to load.</param>
/// <param name="NativeFolders">Folders with native libraries for this system.</param>
internal sealed record RestoredAssets(
    IReadOnlyList<string> Packages, IReadOnlyList<string> References, IReadOnlyList<string> Assemblies, IReadOnlyList<string> NativeFolders)
{
    /// <summary>Reads NuGet's <c>project.assets.json</c>.</summary>
    /// <exception cref="SpectralKDException">It is not what NuGet writes.</exception>
    public static RestoredAssets Read(string file)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            return Read(json.RootElement);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new SpectralKDException($"{file} is not what NuGet writes ({error.Message}); delete its folder and run the cell again", error);
        }
    }

    private static RestoredAssets Read(JsonElement root)
    {
        var folders = root.GetProperty("packageFolders").EnumerateObject().Select(folder => folder.Name).ToArray();
        var libraries = root.GetProperty("libraries");
        var targets = root.GetProperty("targets").EnumerateObject().ToArray();
        var system = "/" + RuntimeInformation.RuntimeIdentifier;
        var target = targets.FirstOrDefault(candidate => candidate.Name.EndsWith(system, StringComparison.Ordinal));
        var found = (target.Name is null ? targets[0] : target).Value.EnumerateObject()
            .Select(package => (package.Name, Assets: package.Value, Root: RootOf(package.Name, libraries, folders)))
            .ToArray();
        return new RestoredAssets(
            [.. found.Select(package => package.Name)],
            [.. found.SelectMany(package => Files(package.Assets, "compile", package.Root))],
            [.. found.SelectMany(package => Files(package.Assets, "runtime", package.Root))],
            [
                .. found.SelectMany(package => Files(package.Assets, "native", package.Root)).Select(path => Path.GetDirectoryName(path)!).Distinct(),
            ]);
    }

    private static string RootOf(string name, JsonElement libraries, string[] folders)
    {
        var path = libraries.GetProperty(name).GetProperty("path").GetString()!;
        return folders.Select(folder => Path.Combine(folder, path)).FirstOrDefault(Directory.Exists) ?? Path.Combine(folders[0], path);
    }

    private static IEnumerable<string> Files(JsonElement package, string kind, string root)
        => package.TryGetProperty(kind, out var files)
            ?
            [
                .. files.EnumerateObject().Select(file => file.Name)
                    .Where(name => !name.EndsWith("/_._", StringComparison.Ordinal))
                    .Select(name => Path.Combine(root, name)),
            ]
            : [];
}
