using System.Text.RegularExpressions;

namespace SpectralKD.Weights;

/// <summary>
/// Fetches files from the Hugging Face hub into the cache that Python's huggingface_hub uses, and uses what Python has put there.
/// </summary>
internal sealed class HubClient : IDisposable
{
    private readonly HubOptions _options;
    private readonly HubSystem _system;
    private readonly HttpClient _http;
    private readonly HubRequests _requests;

    /// <summary>Makes a client.</summary>
    /// <param name="options">Hub, token and cache; null reads them from the environment.</param>
    public HubClient(HubOptions? options = null)
        : this(options ?? HubOptions.FromEnvironment(), new SocketsHttpHandler { AllowAutoRedirect = false }, new HubSystem())
    {
    }

    internal HubClient(HubOptions options, HttpMessageHandler handler, HubSystem system)
    {
        _options = options;
        _system = system;
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _requests = new HubRequests(_http, options);
    }

    /// <summary>Fetches a file unless the cache has its current version.</summary>
    /// <param name="repository">For example <c>timm/deit_tiny_patch16_224.fb_in1k</c>.</param>
    /// <param name="fileName">For example <c>model.safetensors</c>.</param>
    /// <param name="revision">Branch, tag or commit.</param>
    /// <param name="progress">Hears how the download goes.</param>
    /// <param name="cancellation">Stops; what has arrived is kept for the next attempt.</param>
    /// <returns>Path of the file in the cache, to be read only.</returns>
    /// <exception cref="SpectralKDException">
    /// Offline, not reachable, no such repository, revision or file, no access, no space, or the content arrived damaged.
    /// </exception>
    public async Task<string> DownloadAsync(
        string repository,
        string fileName,
        string revision = "main",
        IProgress<DownloadProgress>? progress = null,
        CancellationToken cancellation = default) =>
        await TryDownloadAsync(repository, fileName, revision, progress, cancellation).ConfigureAwait(false)
        ?? throw new SpectralKDException($"'{repository}' has no file '{fileName}' at '{revision}'");

    /// <summary>As <see cref="DownloadAsync"/>, but null if the repository exists and has no such file.</summary>
    /// <inheritdoc cref="DownloadAsync"/>
    public async Task<string?> TryDownloadAsync(
        string repository,
        string fileName,
        string revision = "main",
        IProgress<DownloadProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var file = new HubFile(repository, fileName, revision);
        var cache = new HubCache(_options.CacheFolder, file);
        var cached = cache.Find();
        if (cached is not null && (file.IsCommit || _options.Offline))
        {
            return cached;
        }

        if (_options.Offline)
        {
            return cache.IsKnownMissing() ? null : throw HubErrors.Offline(file, _options);
        }

        try
        {
            return await FetchAsync(file, cache, cached is not null, progress, cancellation).ConfigureAwait(false);
        }
        catch (PassingFailureException failure)
        {
            return cached ?? throw HubErrors.Unreachable(file, _options, failure);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot write into the cache '{_options.CacheFolder}': {error.Message}; set HF_HUB_CACHE to another folder", error);
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _http.Dispose();

    /// <summary>How long a response asks to wait.</summary>
    internal static TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - DateTimeOffset.UtcNow,
        _ => null,
    };

    private async Task<string?> FetchAsync(
        HubFile file, HubCache cache, bool hasCopy, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        var metadata = await MetadataAsync(file, cache, hasCopy, cancellation).ConfigureAwait(false);
        if (metadata is null)
        {
            return null;
        }

        var snapshot = cache.SnapshotPath(metadata.Commit);
        if (!File.Exists(snapshot))
        {
            using var guard = await HubLock.TakeAsync(cache.LockPath(metadata.ETag), _system.Delay, cancellation).ConfigureAwait(false);
            if (!File.Exists(snapshot))
            {
                await FillAsync(file, cache, metadata, progress, cancellation).ConfigureAwait(false);
            }
        }

        cache.WriteRef(metadata.Commit);
        return snapshot;
    }

    private async Task FillAsync(
        HubFile file, HubCache cache, HubMetadata metadata, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        var blob = cache.BlobPath(metadata.ETag);
        if (!File.Exists(blob))
        {
            await new HubDownload(_requests, _options, file, metadata, _system, progress).RunAsync(blob, cancellation).ConfigureAwait(false);
        }

        cache.Link(metadata, _system.CreateLink);
    }

    /// <summary>Asks what the revision stands for; with a copy in the cache, one failed attempt is enough to use that.</summary>
    private async Task<HubMetadata?> MetadataAsync(HubFile file, HubCache cache, bool hasCopy, CancellationToken cancellation)
    {
        var retry = new HubRetry(_system.Delay, withoutConnection: 1);
        while (true)
        {
            try
            {
                using var response = await _requests.HeadAsync(file.Address(_options.Endpoint, file.Revision), cancellation).ConfigureAwait(false);
                return Interpret(response, file, cache);
            }
            catch (PassingFailureException failure) when (!hasCopy)
            {
                if (!await retry.WaitAsync(failure, progressed: false, cancellation).ConfigureAwait(false))
                {
                    throw;
                }
            }
        }
    }

    private HubMetadata? Interpret(HttpResponseMessage response, HubFile file, HubCache cache)
    {
        if (HubErrors.IsPassing(response.StatusCode))
        {
            throw new PassingFailureException(HubErrors.From(response, file, _options).Message, RetryAfter(response));
        }

        if (HubErrors.IsMissingFile(response))
        {
            if (HubErrors.IsSurelyMissing(response) && HubMetadata.Header(response, "X-Repo-Commit") is { Length: 40 } commit && commit.All(char.IsAsciiHexDigit))
            {
                cache.WriteMissing(commit);
            }

            return null;
        }

        return (int)response.StatusCode >= 400 ? throw HubErrors.From(response, file, _options) : HubMetadata.Read(response, file);
    }
}

/// <summary>Finds the weights in a repository of the hub: safetensors first, as timm does, else PyTorch's own format.</summary>
internal static class HubWeights
{
    /// <summary>Fetches a repository's weights, or finds them in the cache.</summary>
    /// <exception cref="SpectralKDException">The repository has none, or they cannot be had.</exception>
    public static async Task<string> FindAsync(
        string repository, string revision, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        using var client = new HubClient();
        return await FindAsync(client, repository, revision, progress, cancellation).ConfigureAwait(false);
    }

    internal static async Task<string> FindAsync(
        HubClient client, string repository, string revision, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        foreach (var name in WeightFileNames.InOrder)
        {
            if (await client.TryDownloadAsync(repository, name, revision, progress, cancellation).ConfigureAwait(false) is { } path)
            {
                if (ShardedSafetensors.Recognises(path))
                {
                    await FetchShardsAsync(client, repository, path, progress, cancellation).ConfigureAwait(false);
                }

                return path;
            }
        }

        throw new SpectralKDException($"'{repository}' holds no weights ({string.Join(" or ", WeightFileNames.InOrder)}); check the name");
    }

    // All of the commit that the index is of, so that they lie beside it.
    private static async Task FetchShardsAsync(
        HubClient client, string repository, string index, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        var commit = HubCache.CommitOf(index) ?? throw new SpectralKDException($"'{index}' lies in no commit's folder of the cache");
        foreach (var shard in ShardedSafetensors.ShardNames(index))
        {
            await client.DownloadAsync(repository, shard, commit, progress, cancellation).ConfigureAwait(false);
        }
    }
}

/// <summary>A file of a repository on the hub; the parts are checked, because they become addresses and paths.</summary>
internal sealed partial record HubFile
{
    public HubFile(string repository, string name, string revision)
    {
        if (!RepositoryPattern().IsMatch(repository) || repository.Contains("..", StringComparison.Ordinal))
        {
            throw new SpectralKDException($"'{repository}' is no repository of the hub; write for example timm/deit_tiny_patch16_224.fb_in1k");
        }

        if (!IsSafePath(name) || !IsSafePath(revision))
        {
            throw new SpectralKDException($"'{name}' at '{revision}' is no file of a repository");
        }

        (Repository, Name, Revision) = (repository, name, revision);
    }

    public string Repository { get; }

    public string Name { get; }

    /// <summary>Branch, tag or commit.</summary>
    public string Revision { get; }

    public bool IsCommit => CommitPattern().IsMatch(Revision);

    public string FullName => $"{Repository}/{Name}";

    /// <summary>Address of the file at a revision of its repository.</summary>
    public Uri Address(Uri endpoint, string revision)
    {
        var path = string.Join('/', Name.Split('/').Select(Uri.EscapeDataString));
        return new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/{Repository}/resolve/{Uri.EscapeDataString(revision)}/{path}");
    }

    private static bool IsSafePath(string path) =>
        path.Length > 0 && path.All(c => !char.IsControl(c) && c is not ('\\' or ':' or '?' or '*'))
        && path.Split('/').All(part => part.Length > 0 && part is not ("." or ".."));

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$")]
    private static partial Regex RepositoryPattern();

    [GeneratedRegex("^[0-9a-f]{40}$")]
    private static partial Regex CommitPattern();
}

/// <summary>How far a download is.</summary>
/// <param name="BytesDone">Bytes that are on the disk, those of an earlier, interrupted download included.</param>
/// <param name="BytesTotal">Bytes in all; null where unknown.</param>
/// <param name="FileName">Repository and file, for example <c>timm/deit_tiny_patch16_224.fb_in1k/model.safetensors</c>.</param>
public readonly record struct DownloadProgress(long BytesDone, long? BytesTotal, string FileName = "");
