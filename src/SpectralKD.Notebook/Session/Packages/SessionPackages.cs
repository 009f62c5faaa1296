using System.Globalization;
using System.Reflection;
using Microsoft.DotNet.Interactive;

namespace SpectralKD.Notebook.Session;

/// <summary>The packages of a session. Each restore names all of them again, so that their versions agree.</summary>
/// <param name="folder">The notebook's, whose NuGet configuration holds.</param>
/// <param name="references">What the packages bring goes there.</param>
internal sealed class SessionPackages(string folder, SessionReferences references)
{
    private readonly List<PackageRequest> _packages = [];
    private readonly List<string> _sources = [];

    /// <summary>Adds a source: an address or a folder.</summary>
    public void AddSource(string source) => _sources.Add(source);

    /// <summary>Makes packages usable by the cells that follow.</summary>
    /// <exception cref="SpectralKDException">They cannot be restored.</exception>
    public async Task UseAsync(IReadOnlyList<PackageRequest> requests, CellExecution run)
    {
        foreach (var request in requests)
        {
            NoteHostsOwn(request, run);
        }

        var wanted = requests.Where(request => HostPackages.VersionOf(request.Id) is null && !_packages.Contains(request)).ToArray();
        if (wanted.Length == 0)
        {
            return;
        }

        var all = _packages.Where(known => !wanted.Any(request => IsSame(request, known))).Concat(wanted).ToArray();
        Use(await RestoreAsync(all, wanted, run).ConfigureAwait(false), run);
        _packages.Clear();
        _packages.AddRange(all);
    }

    private static bool IsSame(PackageRequest a, PackageRequest b) => string.Equals(a.Id, b.Id, StringComparison.OrdinalIgnoreCase);

    private static void NoteHostsOwn(PackageRequest request, CellExecution run)
    {
        if (HostPackages.VersionOf(request.Id) is { } version)
        {
            var asked = request.IsFloating || request.Version == version ? "" : $" (asked for: {request.Version})";
            run.Write($"{request.Id}: using {version}, which is part of this notebook host{asked}{Environment.NewLine}");
        }
    }

    private async Task<RestoredAssets> RestoreAsync(IReadOnlyList<PackageRequest> all, IReadOnlyList<PackageRequest> wanted, CellExecution run)
    {
        var project = new RestoreProject(all, _sources, folder);
        if (project.IsRestored)
        {
            var known = RestoredAssets.Read(project.Assets);
            DisplayedValue.Show(run, MimeBundles.From($"Packages: {InUse(known, wanted)}"));
            return known;
        }

        var names = string.Join(", ", wanted.Select(request => request.IsFloating ? request.Id : $"{request.Id} {request.Version}"));
        var shown = DisplayedValue.Show(run, MimeBundles.From($"Restoring {names} …"));
        PackageSources? without = null;
        try
        {
            without = await LookForSilentAsync(wanted, names, run.Token).ConfigureAwait(false);
            project = without is null ? project : new RestoreProject(all, _sources, folder, [.. Directory.Exists(without.Cache) ? [without.Cache] : (string[])[], .. without.Answering]);
            project.Write();
            await ShowingTimeAsync(DotnetRestore.RunAsync(project, run.Token), names, shown).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            shown.Update($"Not restored: {names}");
            if (error is RestoreFailed failed)
            {
                throw without is null ? TakeBackSources(failed) : NotWithout(without, names, failed.Errors is [var first, ..] ? first : failed.Message);
            }

            throw;
        }

        var restored = RestoredAssets.Read(project.Assets);
        shown.Update($"Packages: {InUse(restored, wanted)}" + (without is null ? "" : $"{(wanted.Any(request => request.IsFloating) ? ", the newest at hand: " : "; ")}{Silent(without)}"));
        return restored;
    }

    /// <summary>The sources where some do not answer; null where all do.</summary>
    /// <exception cref="SpectralKDException">Without those that do not answer the packages cannot be restored.</exception>
    private async Task<PackageSources?> LookForSilentAsync(IReadOnlyList<PackageRequest> wanted, string names, CancellationToken cancellationToken)
    {
        if (await PackageSources.LookAsync(folder, _sources, cancellationToken).ConfigureAwait(false) is not { Silent.Count: > 0 } sources)
        {
            return null;
        }

        if (_sources.Where(sources.Silent.Contains).ToArray() is { Length: > 0 } bad)
        {
            _sources.RemoveAll(bad.Contains);
            throw new SpectralKDException($"{names} cannot be restored: {Silent(sources)}" + TakenBack(bad));
        }

        return sources.Answering.Count > 0 || wanted.All(sources.IsCached) ? sources : throw NotWithout(sources, names, "never restored here before");
    }

    private static SpectralKDException NotWithout(PackageSources sources, string names, string why) => new(
        $"{names} cannot be restored from the local cache ({why.TrimEnd('.')}), and {Silent(sources)}: connect to the network, or name a folder of packages, #i \"nuget:folder\"");

    private static string Silent(PackageSources sources)
        => $"{string.Join(" and ", sources.Silent)} {(sources.Silent.Count > 1 ? "do" : "does")} not answer";

    private static string TakenBack(IEnumerable<string> sources) => string.Concat(sources.Select(source => $"; #i \"nuget:{source}\" is taken back"));

    /// <summary>A source of <c>#i</c> that cannot be used (NuGet's NU1301 and its like) would fail every restore that follows.</summary>
    private SpectralKDException TakeBackSources(RestoreFailed failed)
    {
        var unusable = failed.Errors.Where(error => error.StartsWith("NU130", StringComparison.Ordinal)).ToArray();
        var bad = _sources.Where(source => unusable.Any(error => error.Contains(source, StringComparison.OrdinalIgnoreCase))).ToArray();
        _sources.RemoveAll(bad.Contains);
        return new SpectralKDException(failed.Message + TakenBack(bad), failed);
    }

    /// <summary>The packages with the versions that NuGet chose for them.</summary>
    private static string InUse(RestoredAssets assets, IEnumerable<PackageRequest> wanted)
    {
        var chosen = assets.Packages.Select(package => package.Split('/', 2))
            .ToDictionary(package => package[0], package => package[^1], StringComparer.OrdinalIgnoreCase);
        return string.Join(", ", wanted.Select(request => !chosen.TryGetValue(request.Id, out var version) ? request.Id
            : $"{request.Id} {version}" + (request.IsFloating || request.Version == version ? "" : $" (asked for: {request.Version})")));
    }

    private static async Task ShowingTimeAsync(Task restore, string names, DisplayedValue shown)
    {
        for (var seconds = 1; await Task.WhenAny(restore, Task.Delay(1000)).ConfigureAwait(false) != restore; seconds++)
        {
            shown.Update($"Restoring {names} … {seconds.ToString(CultureInfo.InvariantCulture)} s");
        }

        await restore.ConfigureAwait(false);
    }

    private void Use(RestoredAssets assets, CellExecution run)
    {
        var loaded = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var path in assets.Assemblies)
        {
            if (!IsNotHosts(path))
            {
                NoteOlderHosts(path, run);
            }
            else if (references.LoadedInsteadOf(path) is not { } other)
            {
                references.AddAssembly(path);
            }
            else if (loaded.Add(other.Name))
            {
                run.Write($"{other.Name} {other.Version} is in use already and stays until the kernel restarts: restart it to use {path}{Environment.NewLine}");
            }
        }

        foreach (var path in assets.References.Where(path => IsNotHosts(path) && !loaded.Contains(Path.GetFileNameWithoutExtension(path))))
        {
            references.AddReference(path);
        }

        foreach (var native in assets.NativeFolders)
        {
            references.AddNativeFolder(native);
        }
    }

    /// <summary>What a package brings for itself may be newer than the host's, which is used instead.</summary>
    private static void NoteOlderHosts(string path, CellExecution run)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var (has, wants) = (AssemblyName.GetAssemblyName(HostReferences.PathOf(name)!).Version, AssemblyName.GetAssemblyName(path).Version);
        if (has < wants)
        {
            run.Write($"{name}: a package wants {wants}; this notebook host has {has}, and what needs the newer one will fail{Environment.NewLine}");
        }
    }

    private static bool IsNotHosts(string path) => !HostReferences.IsShared(Path.GetFileNameWithoutExtension(path));
}

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

/// <summary>Joins package lines that follow each other, so that they are restored together: faster, and their versions agree.</summary>
internal static class PackageParts
{
    /// <summary>The parts of a cell with each run of <c>#r "nuget: …"</c> lines as one part.</summary>
    public static IEnumerable<CellPart> Gather(IEnumerable<CellPart> parts)
    {
        CellPart? packages = null;
        foreach (var part in parts)
        {
            if (IsPackage(part))
            {
                packages = packages is null ? part : packages with { Text = packages.Text + part.Text[2..] };
                continue;
            }

            if (packages is not null)
            {
                yield return packages;
                packages = null;
            }

            yield return part;
        }

        if (packages is not null)
        {
            yield return packages;
        }
    }

    private static bool IsPackage(CellPart part)
        => part.IsMagic && part.Text.StartsWith("#r", StringComparison.Ordinal)
            && part.Text[2..].TrimStart(' ', '\t', '"').StartsWith("nuget:", StringComparison.OrdinalIgnoreCase);
}
