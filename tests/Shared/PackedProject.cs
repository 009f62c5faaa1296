using System.IO.Compression;
using System.Xml.Linq;

namespace SpectralKD.Tests;

/// <summary>What <c>dotnet pack</c> makes of a project that is built already, under a version of its own; packed once for a test class.</summary>
public abstract class PackedProject(string project) : IAsyncLifetime
{
    /// <summary>The version that is packed: no cache holds it, and no "prerelease" must be asked for.</summary>
    public string Version { get; } = $"0.{Environment.ProcessId}.{Environment.TickCount & int.MaxValue}";

    /// <summary>The folder with the packages.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("spectralkd-pack-").FullName;

    public async ValueTask InitializeAsync()
    {
        var output = await ProgramRun.SucceedAsync(
            ProgramRun.Dotnet, ["pack", Path.Combine("src", project), "--no-build", "-c", ProgramRun.Configuration, "-o", Folder, $"-p:Version={Version}"]);
        Assert.DoesNotContain("warning", output, StringComparison.OrdinalIgnoreCase);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>The files in the one package of an extension.</summary>
    public IReadOnlyDictionary<string, long> Files(string extension)
    {
        using var package = ZipFile.OpenRead(PackageFile(extension));
        return package.Entries.ToDictionary(entry => entry.FullName, entry => entry.Length);
    }

    /// <summary>The text of a file in the package.</summary>
    public string Text(string name)
    {
        using var package = ZipFile.OpenRead(PackageFile("nupkg"));
        using var reader = new StreamReader(package.GetEntry(name)!.Open());
        return reader.ReadToEnd();
    }

    /// <summary>The package's description of itself.</summary>
    public XElement Metadata()
    {
        var root = XElement.Parse(Text(Files("nupkg").Keys.Single(name => name.EndsWith(".nuspec", StringComparison.Ordinal))));
        return root.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    /// <summary>One value of the description; null where it is not said.</summary>
    public string? Said(string name) => Metadata().Elements().FirstOrDefault(element => element.Name.LocalName == name)?.Value;

    /// <summary>Removes what a restore put into the user's own package folder.</summary>
    public void RemoveFromCache()
    {
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var folder = Path.Combine(packages, Said("id")!.ToLowerInvariant(), Version);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private string PackageFile(string extension) => Directory.GetFiles(Folder, $"*.{extension}").Single();
}
