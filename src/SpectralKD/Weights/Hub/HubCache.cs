namespace SpectralKD.Weights.Hub;

/// <summary>
/// One repository's part of the cache, laid out as Python's huggingface_hub lays it out, so that both use what either has
/// fetched: <c>models--ORG--NAME/{blobs/ETAG, refs/REVISION, snapshots/COMMIT/FILE -> ../../blobs/ETAG, .no_exist/COMMIT/FILE}</c>
/// and <c>.locks/models--ORG--NAME/ETAG.lock</c>. Source: huggingface.co/docs/huggingface_hub/guides/manage-cache.
/// </summary>
internal sealed class HubCache(string cacheFolder, HubFile file)
{
    private readonly string folderName = "models--" + file.Repository.Replace("/", "--", StringComparison.Ordinal);

    private string Folder => Path.Combine(cacheFolder, folderName);

    public string BlobPath(string etag) => Path.Combine(Folder, "blobs", etag);

    public string SnapshotPath(string commit) => Path.Combine(Folder, "snapshots", commit, Native(file.Name));

    public string LockPath(string etag) => Path.Combine(cacheFolder, ".locks", folderName, etag + ".lock");

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
