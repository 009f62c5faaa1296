using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Documents.Html;

/// <summary>
/// Puts images that a text names (files beside the notebook, attachments of the cell) into the page itself. Confined, it takes files at or
/// below the notebook's folder only, links resolved: a page that is passed on must not carry other pictures of the disk.
/// </summary>
internal sealed partial class InlineImages(string? folder, bool isConfined)
{
    private const long LargestFile = 32 << 20;
    private const int MostLinks = 40;

    private readonly string? _realFolder = folder is null ? null : RealPath(folder);
    private readonly List<string> _outside = [];

    /// <summary>The images since the last call that lie outside the notebook's folder and stay links.</summary>
    public IReadOnlyList<string> TakeOutside()
    {
        string[] outside = [.. _outside.Distinct()];
        _outside.Clear();
        return outside;
    }

    public string Apply(string html, JsonObject? attachments) => ImageSource().Replace(html, match =>
    {
        var source = WebUtility.HtmlDecode(match.Groups["src"].Value);
        var data = FromAttachment(source, attachments) ?? FromFile(source);
        return data is null ? match.Value : match.Groups["before"].Value + WebUtility.HtmlEncode(data) + match.Groups["after"].Value;
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
            // A pipe or device has no length; reading it could last for ever.
            return file is { Exists: true, Length: > 0 and <= LargestFile } && MayTake(file.FullName, source)
                ? $"data:{mimeType};base64,{Convert.ToBase64String(File.ReadAllBytes(file.FullName))}"
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private bool MayTake(string path, string source)
    {
        if (!isConfined || RealPath(path).StartsWith(_realFolder!.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, PathComparison))
        {
            return true;
        }
        _outside.Add(source.Length > 80 ? source[..80] + "…" : source);
        return false;
    }

    private static StringComparison PathComparison => OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    // The path without links, as realpath(3) gives it.
    private static string RealPath(string path)
    {
        var full = Path.GetFullPath(path);
        var real = Path.GetPathRoot(full)!;
        var waiting = new Stack<string>(Parts(full[real.Length..]));
        for (var links = 0; waiting.TryPop(out var part);)
        {
            if (part is "." or "..")
            {
                real = part == "." ? real : Path.GetDirectoryName(real) ?? real;
                continue;
            }
            var next = Path.Combine(real, part);
            if (new FileInfo(next).LinkTarget is not string target)
            {
                real = next;
                continue;
            }
            if (++links > MostLinks)
            {
                throw new IOException($"{path} is a circle of links");
            }
            real = Path.IsPathRooted(target) ? Path.GetPathRoot(target)! : real;
            foreach (var piece in Parts(Path.IsPathRooted(target) ? target[Path.GetPathRoot(target)!.Length..] : target))
            {
                waiting.Push(piece);
            }
        }
        return real;
    }

    // Last first, as a stack wants them.
    private static IEnumerable<string> Parts(string path)
        => path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Reverse();

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
