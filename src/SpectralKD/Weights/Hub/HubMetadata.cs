using System.Globalization;
using System.Text.RegularExpressions;

namespace SpectralKD.Weights.Hub;

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
