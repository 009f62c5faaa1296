using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Documents.Html;

/// <summary>Puts images that a text names (files beside the notebook, attachments of the cell) into the page itself.</summary>
internal sealed partial class InlineImages(string? folder)
{
    private const long LargestFile = 32 << 20;

    public string Apply(string html, JsonObject? attachments) => ImageSource().Replace(html, match =>
    {
        var source = WebUtility.HtmlDecode(match.Groups["src"].Value);
        var data = FromAttachment(source, attachments) ?? FromFile(source);
        return data is null ? match.Value : match.Groups["before"].Value + data + match.Groups["after"].Value;
    });

    private static string? FromAttachment(string source, JsonObject? attachments)
    {
        if (!source.StartsWith("attachment:", StringComparison.Ordinal))
        {
            return null;
        }
        var name = Uri.UnescapeDataString(source["attachment:".Length..]);
        return attachments?[name] is JsonObject { Count: > 0 } bundle && MultilineText.IsText(bundle.First().Value)
            ? $"data:{bundle.First().Key};base64,{MultilineText.Join(bundle.First().Value).ReplaceLineEndings("")}"
            : null;
    }

    private string? FromFile(string source)
    {
        if (folder is null || source.Contains("://", StringComparison.Ordinal) || MimeType(source) is not string mimeType)
        {
            return null;
        }
        try
        {
            var file = new FileInfo(Path.Combine(folder, Uri.UnescapeDataString(source)));
            return file.Exists && file.Length <= LargestFile ? $"data:{mimeType};base64,{Convert.ToBase64String(File.ReadAllBytes(file.FullName))}" : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static string? MimeType(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".png" => "image/png",
        ".jpg" or ".jpeg" => "image/jpeg",
        ".gif" => "image/gif",
        ".svg" => "image/svg+xml",
        ".webp" => "image/webp",
        ".avif" => "image/avif",
        ".bmp" => "image/bmp",
        _ => null,
    };

    [GeneratedRegex("""(?<before><img\b[^>]*?\bsrc\s*=\s*["'])(?<src>[^"']+)(?<after>["'])""", RegexOptions.IgnoreCase)]
    private static partial Regex ImageSource();
}
