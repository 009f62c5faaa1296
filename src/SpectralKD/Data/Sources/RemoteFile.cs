using System.Security.Cryptography;

namespace SpectralKD.Data;

/// <summary>A file on the web with a known checksum, kept in the cache once it has come whole.</summary>
/// <param name="Url">Where it is.</param>
/// <param name="Md5">Its MD5 checksum in lower-case hexadecimal, as its authors publish it: against damage, not against attack.</param>
internal sealed record RemoteFile(Uri Url, string Md5)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    /// <summary>Downloads the file to <paramref name="path"/> unless it is there; it appears under that name only whole and checked.</summary>
    /// <exception cref="SpectralKDException">It cannot be downloaded, or is not the expected file.</exception>
    public void Ensure(string path, HttpMessageHandler? handler = null)
    {
        if (File.Exists(path) && Checksum(path) == Md5)
        {
            return;
        }

        var temporary = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            Download(temporary, handler);
            var found = Checksum(temporary);
            if (found != Md5)
            {
                throw new SpectralKDException(
                    $"the download of {Url} is not the expected file: its MD5 is {found} instead of {Md5}; try again, or fetch it by hand to {path}");
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            throw new SpectralKDException(
                $"{Url} cannot be downloaded: {error.Message.TrimEnd('.')}. Fetch it by hand to {path}, or name a local copy as the source", error);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>MD5 of a file, lower-case hexadecimal.</summary>
    public static string Checksum(string path)
    {
        using var file = File.OpenRead(path);
#pragma warning disable CA5351 // the checksum that the data set's authors publish
        return Convert.ToHexString(MD5.HashData(file)).ToLowerInvariant();
#pragma warning restore CA5351
    }

    private void Download(string target, HttpMessageHandler? handler)
    {
        using var client = handler is null ? new HttpClient() : new HttpClient(handler, disposeHandler: false);
        client.Timeout = Patience;
        using var request = new HttpRequestMessage(HttpMethod.Get, Url);
        using var response = client.Send(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        using var file = File.Create(target);
        using var content = response.Content.ReadAsStream();
        content.CopyTo(file);
    }
}
