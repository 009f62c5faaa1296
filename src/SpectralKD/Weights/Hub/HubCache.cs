using System.Globalization;
using System.Text.RegularExpressions;

namespace SpectralKD.Weights;

/// <summary>
/// One repository's part of the cache, laid out as Python's huggingface_hub lays it out, so that both use what either has
/// fetched: <c>models--ORG--NAME/{blobs/ETAG, refs/REVISION, snapshots/COMMIT/FILE -> ../../blobs/ETAG, .no_exist/COMMIT/FILE}</c>
/// and <c>.locks/models--ORG--NAME/ETAG.lock</c>. Source: huggingface.co/docs/huggingface_hub/guides/manage-cache.
/// </summary>
internal sealed class HubCache(string cacheFolder, HubFile file)
{
    private readonly string _folderName = "models--" + file.Repository.Replace("/", "--", StringComparison.Ordinal);

    private string Folder => Path.Combine(cacheFolder, _folderName);

    public string BlobPath(string etag) => Path.Combine(Folder, "blobs", etag);

    public string SnapshotPath(string commit) => Path.Combine(Folder, "snapshots", commit, Native(file.Name));

    public string LockPath(string etag) => Path.Combine(cacheFolder, ".locks", _folderName, etag + ".lock");

    private string RefPath => Path.Combine(Folder, "refs", Native(file.Revision));

    /// <summary>The commit of a file at the top of a repository, from its place in the cache: <c>snapshots/COMMIT/FILE</c>.</summary>
    public static string? CommitOf(string snapshot) => Path.GetFileName(Path.GetDirectoryName(snapshot));

    /// <summary>The file at the revision as last seen, or null.</summary>
    public string? Find()
    {
        var commit = file.IsCommit ? file.Revision : ReadRef();
        return commit is not null && File.Exists(SnapshotPath(commit)) ? SnapshotPath(commit) : null;
    }

    /// <summary>True if the hub has said before that the revision as last seen has no such file.</summary>
    public bool IsKnownMissing() =>
        (file.IsCommit ? file.Revision : ReadRef()) is { } commit && File.Exists(MissingPath(commit));

    /// <summary>Remembers which commit a branch or tag stands for.</summary>
    public void WriteRef(string commit)
    {
        if (!file.IsCommit && ReadRef() != commit)
        {
            AtomicFile.Write(RefPath, stream => stream.Write(System.Text.Encoding.ASCII.GetBytes(commit)));
        }
    }

    /// <summary>Remembers that a commit has no such file.</summary>
    public void WriteMissing(string commit)
    {
        WriteRef(commit);
        AtomicFile.Write(MissingPath(commit), _ => { });
    }

    /// <summary>Makes the snapshot's entry for a blob: a relative link, or where links are not allowed the file itself.</summary>
    public string Link(HubMetadata metadata, Action<string, string> createLink)
    {
        var snapshot = SnapshotPath(metadata.Commit);
        var blob = BlobPath(metadata.ETag);
        Directory.CreateDirectory(Path.GetDirectoryName(snapshot)!);
        File.Delete(snapshot); // A link whose blob was removed.
        try
        {
            createLink(snapshot, Path.GetRelativePath(Path.GetDirectoryName(snapshot)!, blob));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            File.Move(blob, snapshot, overwrite: true);
        }

        return snapshot;
    }

    private string MissingPath(string commit) => Path.Combine(Folder, ".no_exist", commit, Native(file.Name));

    private string? ReadRef()
    {
        try
        {
            var commit = File.Exists(RefPath) ? File.ReadAllText(RefPath).Trim() : null;
            return commit is { Length: 40 } && commit.All(char.IsAsciiHexDigit) ? commit : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Native(string path) => path.Replace('/', Path.DirectorySeparatorChar);
}

/// <summary>
/// A lock between processes on one file of the cache. .NET opens the file under flock(2), which is what Python's filelock
/// takes too, so both wait for each other.
/// </summary>
internal static class HubLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Waits for the lock; disposing the result frees it. The file stays, as Python leaves it.</summary>
    public static async Task<IDisposable> TakeAsync(string path, Func<TimeSpan, CancellationToken, Task> delay, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                await delay(Pause, cancellation).ConfigureAwait(false);
            }
        }
    }
}

/// <summary>What the hub says about a file before it is fetched.</summary>
/// <param name="Commit">The commit that the revision stands for.</param>
/// <param name="ETag">Name of the content: the SHA-256 for large files, git's own hash for small ones.</param>
/// <param name="Size">Bytes.</param>
/// <param name="IsWeak">True for a tag that a server gave to a content of the same meaning, not of the same bytes (<c>W/</c>).</param>
internal sealed partial record HubMetadata(string Commit, string ETag, long Size, bool IsWeak = false)
{
    /// <summary>The content's SHA-256 in lower-case hexadecimal, where the hub tells it.</summary>
    public string? Sha256 => Sha256Pattern().IsMatch(ETag) ? ETag : null;

    /// <summary>Git's hash of the content (SHA-1 of <c>blob LENGTH</c>, a zero byte and the content), which names small files.</summary>
    public string? GitHash => !IsWeak && CommitPattern().IsMatch(ETag) ? ETag : null;

    /// <summary>Reads the headers of a HEAD response; <c>X-Linked-*</c> describe the file behind a redirect.</summary>
    /// <exception cref="SpectralKDException">A header is missing or ill-formed.</exception>
    public static HubMetadata Read(HttpResponseMessage response, HubFile file)
    {
        var commit = Header(response, "X-Repo-Commit");
        var tag = (Header(response, "X-Linked-Etag") ?? response.Headers.ETag?.ToString() ?? Header(response, "ETag"))?.Trim();
        var etag = Normalize(tag);
        var size = Header(response, "X-Linked-Size") is { } linked
            ? (long.TryParse(linked, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null)
            : response.Content.Headers.ContentLength;
        return commit is not null && CommitPattern().IsMatch(commit) && etag is not null && ETagPattern().IsMatch(etag) && size >= 0
            ? new HubMetadata(commit, etag, size.Value, tag!.StartsWith("W/", StringComparison.Ordinal))
            : throw new SpectralKDException($"'{response.RequestMessage?.RequestUri?.Host}' does not answer like a Hugging Face hub for '{file.FullName}' "
                + "(no X-Repo-Commit, ETag or size); check HF_ENDPOINT and the network's proxy or login page");
    }

    public static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static string? Normalize(string? etag)
    {
        etag = etag?.Trim();
        return etag?.StartsWith("W/", StringComparison.Ordinal) == true ? etag[2..].Trim('"') : etag?.Trim('"');
    }

    [GeneratedRegex("^[0-9a-f]{64}$")]
    private static partial Regex Sha256Pattern();

    [GeneratedRegex("^[0-9a-f]{40}$")]
    private static partial Regex CommitPattern();

    [GeneratedRegex("^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$")]
    private static partial Regex ETagPattern();
}

/// <summary>What a download needs from the machine: waiting, the disk's free space, links. Tests put their own here.</summary>
internal sealed record HubSystem
{
    /// <summary>Waits for a time.</summary>
    public Func<TimeSpan, CancellationToken, Task> Delay { get; init; } = Task.Delay;

    /// <summary>Free bytes on the disk that holds a folder, or null where the system does not tell.</summary>
    public Func<string, long?> FreeSpace { get; init; } = FreeSpaceOf;

    /// <summary>Makes a symbolic link (its path, its target); Windows refuses without developer mode.</summary>
    public Action<string, string> CreateLink { get; init; } = (path, target) => File.CreateSymbolicLink(path, target);

    private static long? FreeSpaceOf(string folder)
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
