using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace SpectralKD.Notebook.Session.Packages;

/// <summary>
/// The project file that stands for a session's packages. It lies in the cache folder under a hash of its content, so that the same
/// packages are restored once; the user's NuGet configuration is that of the notebook's folder.
/// </summary>
internal sealed class RestoreProject
{
    private static readonly TimeSpan s_floatingFor = TimeSpan.FromDays(1);
    private readonly string _content;
    private readonly bool _isFloating;

    /// <summary>Describes the project.</summary>
    /// <param name="packages">What it refers to.</param>
    /// <param name="sources">Sources besides those of the configuration.</param>
    /// <param name="configFolder">Where the configuration is looked for.</param>
    /// <param name="only">Sources instead of those of the configuration; none: as configured.</param>
    public RestoreProject(IReadOnlyList<PackageRequest> packages, IReadOnlyList<string> sources, string configFolder, params IReadOnlyList<string> only)
    {
        _content = Content(packages, sources, configFolder, only);
        _isFloating = packages.Any(package => package.IsFloating);
        Folder = CacheFolder.For("packages", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_content)))[..16]);
    }

    /// <summary>The target framework of everything that is restored: the host's own.</summary>
    public static string Framework { get; } = $"net{Environment.Version.Major}.{Environment.Version.Minor}";

    /// <summary>Where the project lies.</summary>
    public string Folder { get; }

    /// <summary>The project file.</summary>
    public string File => Path.Combine(Folder, "notebook.csproj");

    /// <summary>What NuGet writes: every assembly and native library of every package.</summary>
    public string Assets => Path.Combine(Folder, "obj", "project.assets.json");

    /// <summary>True where the same packages have been restored before.</summary>
    public bool IsRestored
        => System.IO.File.Exists(Assets) && (!_isFloating || DateTime.UtcNow - System.IO.File.GetLastWriteTimeUtc(Assets) < s_floatingFor);

    /// <summary>Writes the project file.</summary>
    public void Write() => AtomicFile.WriteText(File, _content);

    private static string Content(IReadOnlyList<PackageRequest> packages, IReadOnlyList<string> sources, string configFolder, IReadOnlyList<string> only)
        => new XElement(
            "Project",
            new XAttribute("Sdk", "Microsoft.NET.Sdk"),
            new XElement(
                "PropertyGroup",
                new XElement("TargetFramework", Framework),
                new XElement("RuntimeIdentifiers", RuntimeInformation.RuntimeIdentifier),
                new XElement("RestoreRootConfigDirectory", configFolder),
                new XElement("RestoreAdditionalProjectSources", string.Join(';', sources)),
                only.Count > 0 ? new XElement("RestoreSources", string.Join(';', only)) : null,
                new XElement("ManagePackageVersionsCentrally", "false"),
                new XElement("DisableImplicitNuGetFallbackFolder", "true"),
                new XElement("DisableImplicitFrameworkReferences", "true"),
                new XElement("EnableRuntimePackDownload", "false"),
                new XElement("EnableAppHostPackDownload", "false"),
                new XElement("EnableTargetingPackDownload", "false"),
                new XElement("NuGetAudit", "false"),
                new XElement("EnableDefaultItems", "false")),
            new XElement(
                "ItemGroup",
                packages.Select(package => new XElement(
                    "PackageReference", new XAttribute("Include", package.Id), new XAttribute("Version", package.Version))))).ToString();
}
