using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace SpectralKD.Weights;

/// <summary>
/// Fetches one file's content into <c>blobs/ETAG.incomplete</c>, going on where an earlier attempt (ours or Python's) stopped,
/// checks size and hash, and only then gives it its name.
/// </summary>
internal sealed class HubDownload(
    HubRequests requests, HubOptions options, HubFile file, HubMetadata metadata, HubSystem system, IProgress<DownloadProgress>? progress)
{
    private const int BufferLength = 1 << 18;
    private const int MostRounds = 60; // each fetches to the end or fails; HubRetry counts the failures
    private static readonly TimeSpan StallTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Fetches the blob; a damaged one is fetched once more from the start before giving up.</summary>
    public async Task RunAsync(string blob, CancellationToken cancellation)
    {
        var partial = blob + ".incomplete";
        Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
        for (var attempt = 0; attempt < 2; attempt++)
        {
            OpenPartial(partial, LengthOf(partial)).Dispose(); // An empty file takes no request at all.
            await FillAsync(partial, cancellation).ConfigureAwait(false);
            if (await IsIntactAsync(partial, cancellation).ConfigureAwait(false))
            {
                File.Move(partial, blob, overwrite: true);
                return;
            }

            File.Delete(partial);
        }

        throw new SpectralKDException($"'{file.FullName}' arrived damaged twice (its hash is not {metadata.ETag}); a proxy may change it; nothing was kept");
    }

    private async Task FillAsync(string partial, CancellationToken cancellation)
    {
        var retry = new HubRetry(system.Delay);
        for (var round = 0; LengthOf(partial) is var have && have != metadata.Size; round++)
        {
            if (round == MostRounds)
            {
                throw new SpectralKDException($"the download of '{file.FullName}' does not come to {metadata.Size} bytes: something else changes '{partial}'; remove that file");
            }

            CheckSpace(metadata.Size - have);
            try
            {
                await FetchAsync(partial, have < metadata.Size ? have : 0, cancellation).ConfigureAwait(false);
            }
            catch (PassingFailureException failure)
            {
                if (!await retry.WaitAsync(failure, LengthOf(partial) > have, cancellation).ConfigureAwait(false))
                {
                    throw new SpectralKDException($"the download of '{file.FullName}' failed again and again ({failure.Message}); "
                        + $"{LengthOf(partial)} of {metadata.Size} bytes are kept, and the next attempt goes on from there", failure);
                }
            }
        }
    }

    private async Task FetchAsync(string partial, long from, CancellationToken cancellation)
    {
        using var response = await requests.GetAsync(file.Address(options.Endpoint, metadata.Commit), from, cancellation).ConfigureAwait(false);
        if (HubErrors.IsPassing(response.StatusCode))
        {
            throw new PassingFailureException($"status {(int)response.StatusCode}", HubClient.RetryAfter(response));
        }

        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            File.Delete(partial);
            throw new PassingFailureException("the server cannot go on in the middle");
        }

        if (!response.IsSuccessStatusCode)
        {
            throw HubErrors.From(response, file, options);
        }

        var resumes = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == from;
        if (response.StatusCode == HttpStatusCode.PartialContent && !resumes)
        {
            File.Delete(partial);
            throw new PassingFailureException("the server answered with another part than was asked for");
        }

        await CopyAsync(response, partial, resumes ? from : 0, cancellation).ConfigureAwait(false);
    }

    private async Task CopyAsync(HttpResponseMessage response, string partial, long position, CancellationToken cancellation)
    {
        using var target = OpenPartial(partial, position);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var buffer = new byte[BufferLength];
        try
        {
            using var source = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            while (position < metadata.Size)
            {
                timeout.CancelAfter(StallTimeout);
                var count = await source.ReadAsync(buffer, timeout.Token).ConfigureAwait(false);
                if (count == 0)
                {
                    throw new PassingFailureException("the connection ended early");
                }

                count = (int)Math.Min(count, metadata.Size - position);
                Write(target, buffer.AsSpan(0, count), position);
                position += count;
                progress?.Report(new DownloadProgress(position, metadata.Size, file.FullName));
            }
        }
        catch (Exception error) when (error is IOException or HttpRequestException)
        {
            throw new PassingFailureException(error.Message, inner: error);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new PassingFailureException($"nothing arrived for {StallTimeout.TotalSeconds} seconds", inner: error);
        }
    }

    /// <summary>A failing disk is the user's to mend: it must not look like a connection that may recover.</summary>
    private void Write(FileStream target, ReadOnlySpan<byte> bytes, long position)
    {
        try
        {
            target.Write(bytes);
            target.Flush();
        }
        catch (IOException error)
        {
            throw new SpectralKDException($"cannot write '{file.FullName}' into the cache '{options.CacheFolder}': {error.Message}; "
                + $"{position} of {metadata.Size} bytes are kept", error);
        }
    }

    /// <summary>Opens the partial file itself: a link there would lead the download over another file of the user's, and is removed.</summary>
    private FileStream OpenPartial(string partial, long position)
    {
        var isThere = LengthOf(partial) > 0; // not for a link
        if (!isThere)
        {
            File.Delete(partial);
        }

        var stream = new FileStream(partial, isThere ? FileMode.Open : FileMode.CreateNew, FileAccess.Write, FileShare.Read); // CreateNew follows no link
        if (IsLink(partial))
        {
            stream.Dispose();
            throw new SpectralKDException($"'{partial}' was replaced by a link while '{file.FullName}' was fetched: something else changes the cache; nothing was written");
        }

        stream.SetLength(position);
        stream.Position = position;
        return stream;
    }

    private async Task<bool> IsIntactAsync(string partial, CancellationToken cancellation)
    {
        if ((metadata.Sha256 ?? metadata.GitHash) is not { } expected)
        {
            return true; // A server of another kind; the size was checked.
        }

        using var stream = new FileStream(partial, FileMode.Open, FileAccess.Read, FileShare.Read, BufferLength, useAsync: true);
        using var hash = IncrementalHash.CreateHash(metadata.Sha256 is null ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
        if (metadata.Sha256 is null)
        {
            hash.AppendData(Encoding.ASCII.GetBytes(FormattableString.Invariant($"blob {metadata.Size}\0")));
        }

        var buffer = new byte[BufferLength];
        while (await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false) is > 0 and var count)
        {
            hash.AppendData(buffer, 0, count);
        }

        return Convert.ToHexString(hash.GetHashAndReset()).Equals(expected, StringComparison.OrdinalIgnoreCase);
    }

    private void CheckSpace(long needed)
    {
        if (system.FreeSpace(options.CacheFolder) is { } free && free < needed)
        {
            throw HubErrors.NoSpace(file, options, needed, free);
        }
    }

    /// <summary>Bytes of a plain file; 0 for none and for a link, wherever that leads.</summary>
    private static long LengthOf(string path) => File.Exists(path) && !IsLink(path) ? new FileInfo(path).Length : 0;

    private static bool IsLink(string path) => new FileInfo(path).LinkTarget is not null;
}

/// <summary>
/// Sends requests and follows redirects by hand, so that the token goes to the hub's own address and to no other host.
/// </summary>
internal sealed class HubRequests(HttpClient http, HubOptions options)
{
    private const int MaximumRedirects = 10;
    private static readonly TimeSpan HeaderTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Asks for a file's headers. A redirect that already describes the file (X-Repo-Commit) is the answer.</summary>
    public Task<HttpResponseMessage> HeadAsync(Uri address, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Head, address, 0, response => response.Headers.Contains("X-Repo-Commit"), cancellation);

    /// <summary>Asks for a file's content from a byte on; the content is not read yet.</summary>
    public Task<HttpResponseMessage> GetAsync(Uri address, long from, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, address, from, _ => false, cancellation);

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri address, long from, Func<HttpResponseMessage, bool> isAnswer, CancellationToken cancellation)
    {
        for (var hop = 0; hop <= MaximumRedirects; hop++)
        {
            var response = await SendOnceAsync(method, address, from, cancellation).ConfigureAwait(false);
            if (!IsRedirect(response.StatusCode) || response.Headers.Location is not { } location || isAnswer(response))
            {
                return response;
            }

            response.Dispose();
            var next = new Uri(address, location);
            if (next.Scheme != address.Scheme && next.Scheme != Uri.UriSchemeHttps)
            {
                throw new SpectralKDException($"{address.Host} redirects to an address that is not safe ({next.Scheme}://{next.Host}); check HF_ENDPOINT");
            }

            address = next;
        }

        throw new SpectralKDException($"{options.Endpoint} redirects more than {MaximumRedirects} times; check HF_ENDPOINT");
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, Uri address, long from, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, address);
        request.Headers.UserAgent.ParseAdd("spectralkd/0.1");
        request.Headers.AcceptEncoding.ParseAdd("identity");
        request.Headers.Range = from > 0 ? new RangeHeaderValue(from, null) : null;
        if (options.Token is { } token && IsHub(address))
        {
            request.Headers.Authorization = token.All(c => c is > ' ' and <= '~')
                ? new AuthenticationHeaderValue("Bearer", token)
                : throw new SpectralKDException("the hub's token (HF_TOKEN, or the file of huggingface-cli login) holds a blank, a line break or a letter "
                    + "that is not ASCII, which no token has; copy it again");
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(HeaderTimeout);
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException error)
        {
            throw new PassingFailureException(error.InnerException?.Message ?? error.Message, inner: error);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new PassingFailureException($"no answer within {HeaderTimeout.TotalSeconds} seconds", inner: error);
        }
    }

    private bool IsHub(Uri address) =>
        Uri.Compare(address, options.Endpoint, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private static bool IsRedirect(HttpStatusCode status) => status is HttpStatusCode.MovedPermanently or HttpStatusCode.Found
        or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;
}

/// <summary>A failure that may pass: a cut connection, a time-out, a status such as 429 or 503.</summary>
internal sealed class PassingFailureException(string message, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True if no connection came about at all: the machine is offline, or the address is wrong.</summary>
    public bool NoConnection => InnerException is HttpRequestException
    {
        HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError
    };

    /// <summary>True if the server answered, with a status that may pass.</summary>
    public bool Answered => InnerException is null;

    /// <summary>How long the server asks to wait, if it says so.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <summary>
/// How often to try again and how long to wait: 1, 2, 4, 8, 8 … seconds with jitter, or what the server asks for. Progress
/// between two failures starts the count anew.
/// </summary>
/// <param name="delay">Waits.</param>
/// <param name="withoutConnection">Attempts while no connection comes about: few at the start, where the machine is likely offline.</param>
internal sealed class HubRetry(Func<TimeSpan, CancellationToken, Task> delay, int withoutConnection = HubRetry.MaximumInARow)
{
    private const int MaximumInARow = 5;
    private const int MaximumInAll = 50;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private int _inARow;
    private int _inAll;

    /// <summary>Waits before the next attempt; false if there is none left, or the server asks for more than five minutes.</summary>
    public async Task<bool> WaitAsync(PassingFailureException failure, bool progressed, CancellationToken cancellation)
    {
        _inARow = progressed ? 1 : _inARow + 1;
        if (_inARow > (failure.NoConnection ? withoutConnection : MaximumInARow) || ++_inAll > MaximumInAll || failure.RetryAfter > LongestWait)
        {
            return false;
        }

        var backOff = TimeSpan.FromSeconds(Math.Min(8, 1 << (_inARow - 1)) * (1 + (0.25 * Random.Shared.NextDouble())));
        await delay(failure.RetryAfter > backOff ? failure.RetryAfter.Value : backOff, cancellation).ConfigureAwait(false);
        return true;
    }
}
