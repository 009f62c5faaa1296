using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace SpectralKD.Weights.Hub;

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
