using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using NuGet.Configuration;

namespace SpectralKD.Notebook.Session;

/// <summary>Runs <c>dotnet restore</c> on a project.</summary>
internal static partial class DotnetRestore
{
    private const int MostErrors = 3;

    /// <summary>Restores; on cancel the process is ended.</summary>
    /// <exception cref="SpectralKDException">The SDK is missing.</exception>
    /// <exception cref="RestoreFailed">NuGet's errors.</exception>
    public static async Task RunAsync(RestoreProject project, CancellationToken cancellationToken)
    {
        // The SDK leaves empty folders behind, two for each time that it is started.
        using var temporary = new TemporaryFolder("restore");
        using var process = Start(project, temporary);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            if (process.ExitCode != 0)
            {
                throw Failed(await output.ConfigureAwait(false) + await error.ConfigureAwait(false));
            }
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static Process Start(RestoreProject project, TemporaryFolder temporary)
    {
        var start = new ProcessStartInfo(DotnetPath())
        {
            ArgumentList = { "restore", project.File, "--verbosity", "quiet", "-nodeReuse:false", "-tl:off" },
            WorkingDirectory = project.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment.Remove("MSBuildSDKsPath");
        temporary.IsTemporaryFor(start);
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw NoSdk($"{start.FileName} cannot be started ({error.Message})");
        }
    }

    /// <summary>The <c>dotnet</c> that runs this process, or the one on the path.</summary>
    private static string DotnetPath()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        var framework = Path.GetDirectoryName(typeof(object).Assembly.Location) ?? "";
        string?[] candidates =
        [
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH"),
            Path.GetFullPath(Path.Combine(framework, "..", "..", "..", name)),
            Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root ? Path.Combine(root, name) : null,
        ];
        return candidates.FirstOrDefault(File.Exists) ?? name;
    }

    private static Exception Failed(string output)
    {
        var knowsNoRestore = output.Contains("does not exist", StringComparison.Ordinal) && !ErrorLine().IsMatch(output);
        if (knowsNoRestore || output.Contains("No .NET SDKs were found", StringComparison.Ordinal))
        {
            return NoSdk("only the .NET runtime is installed");
        }

        var errors = ErrorLine().Matches(output).Select(match => match.Groups["text"].Value.Trim()).Distinct().ToArray();
        var found = errors.Length > 0 ? string.Join("; ", errors.Take(MostErrors).Select(error => error.TrimEnd('.'))) : output.Trim().ReplaceLineEndings(" ");
        var more = errors.Length > MostErrors ? $" (and {errors.Length - MostErrors} more)" : "";
        return new RestoreFailed(
            $"the packages could not be restored: {found}{more}. "
            + "Check the name and version, the network and your NuGet sources (dotnet nuget list source)",
            errors);
    }

    private static SpectralKDException NoSdk(string found)
        => new($"#r \"nuget: …\" needs the .NET SDK, but {found}: install the SDK, or reference assemblies by #r \"path.dll\"");

    [GeneratedRegex(@"error\s+(?<text>(NU|MSB|NETSDK)\d+:[^\[\r\n]*)")]
    private static partial Regex ErrorLine();
}

/// <summary>
/// The project file that stands for a session's packages. It lies in the cache folder under a hash of its content, so that the same
/// packages are restored once; the user's NuGet configuration is that of the notebook's folder.
/// </summary>
internal sealed class RestoreProject
{
    private static readonly TimeSpan FloatingFor = TimeSpan.FromDays(1);
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
        => System.IO.File.Exists(Assets) && (!_isFloating || DateTime.UtcNow - System.IO.File.GetLastWriteTimeUtc(Assets) < FloatingFor);

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

/// <summary>Packages that could not be restored; the message is one line for the user.</summary>
internal sealed class RestoreFailed(string message, IReadOnlyList<string> errors) : Exception(message)
{
    /// <summary>All of NuGet's errors: <c>NU1301: Unable to load …</c></summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}

/// <summary>
/// Where NuGet gets packages from for a notebook, looked at before it does: it asks a source that does not answer again and again, for minutes. Those that do not
/// answer are left out; what was restored before is in the local cache.
/// </summary>
internal sealed class PackageSources
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2.5);

    private static readonly HttpClient Http = new(new SocketsHttpHandler { ConnectTimeout = Patience, AllowAutoRedirect = false });

    private PackageSources(IReadOnlyList<string> answering, IReadOnlyList<string> silent, string cache)
        => (Answering, Silent, Cache) = (answering, silent, cache);

    /// <summary>Addresses that answer, and folders.</summary>
    public IReadOnlyList<string> Answering { get; }

    /// <summary>Addresses that do not answer.</summary>
    public IReadOnlyList<string> Silent { get; }

    /// <summary>The folder that NuGet puts packages into (<c>globalPackagesFolder</c>).</summary>
    public string Cache { get; }

    /// <summary>Looks at the sources of a folder's NuGet configuration and at more.</summary>
    /// <param name="folder">The notebook's.</param>
    /// <param name="more">Sources that the notebook names itself.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null where the configuration cannot be read, which <c>dotnet restore</c> explains.</returns>
    public static async Task<PackageSources?> LookAsync(string folder, IEnumerable<string> more, CancellationToken cancellationToken)
    {
        try
        {
            var settings = Settings.LoadDefaultSettings(folder);
            string[] all = [.. new PackageSourceProvider(settings).LoadPackageSources().Where(source => source.IsEnabled).Select(source => source.Source), .. more];
            var answers = await Task.WhenAll(all.Distinct().Select(async source => (source, Answers: await AnswersAsync(source, cancellationToken).ConfigureAwait(false))))
                .ConfigureAwait(false);
            return new PackageSources(
                [.. answers.Where(answer => answer.Answers).Select(answer => answer.source)],
                [.. answers.Where(answer => !answer.Answers).Select(answer => answer.source)],
                SettingsUtility.GetGlobalPackagesFolder(settings));
        }
        catch (Exception error) when (error is NuGetConfigurationException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>True where some version of a package was restored before.</summary>
    public bool IsCached(PackageRequest package) => Directory.Exists(Path.Combine(Cache, package.Id.ToLowerInvariant()));

    /// <summary>Any answer is one, also a refusal; a certificate that is not trusted, say, is for NuGet to explain.</summary>
    private static async Task<bool> AnswersAsync(string source, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(source, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            return true;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience + TimeSpan.FromSeconds(0.5));
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, address);
            using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
            return true;
        }
        catch (HttpRequestException error)
        {
            return error.HttpRequestError is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.ProxyTunnelError)
                && error.InnerException is not TimeoutException;
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            // Connected, but slow: that is none of our business. Not connected in time: silent.
            return error.InnerException is not TimeoutException;
        }
    }
}
