using System.Net;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Documents;

/// <summary>
/// Links of a notebook in its page, which lies elsewhere: they lead to the same files from there, and to another notebook's page where that lies to it as this page to
/// this notebook. What is not found beside the notebook stays as it is.
/// </summary>
/// <param name="notebookFolder">What links are relative to, absolute; null: none is changed.</param>
/// <param name="page">The page, absolute; null: none is changed.</param>
internal sealed partial class PageLinks(string? notebookFolder, string? page)
{
    private const int GeneratorIsWithin = 1000;
    private readonly string? _pageFolder = page is null ? null : Path.GetDirectoryName(page);

    /// <summary>A fragment of HTML with the page's links.</summary>
    public string Apply(string html) => notebookFolder is null || _pageFolder is null
        ? html
        : Link().Replace(html, match => FromPage(WebUtility.HtmlDecode(match.Value)) is string link ? WebUtility.HtmlEncode(link) : match.Value);

    /// <summary>Links of pages beside a notebook's new page that led to the notebook lead to its page.</summary>
    public static void LeadHere(string notebook, string page)
    {
        var folder = Path.GetDirectoryName(page)!;
        var toNotebook = new Regex($"(?<=<a\\b[^>]*\\shref=[\"']){Regex.Escape(WebUtility.HtmlEncode(Address(folder, notebook)))}(?=[\"'#?])");
        var toPage = WebUtility.HtmlEncode(Address(folder, page));
        foreach (var other in new DirectoryInfo(folder).GetFiles("*.html").Where(other => other.FullName != page && other.Length > 0))
        {
            try
            {
                var html = IsOurs(other.FullName) ? File.ReadAllText(other.FullName) : "";
                var led = toNotebook.Replace(html, _ => toPage);
                // Another run may have written it meanwhile.
                if (led != html && File.GetLastWriteTimeUtc(other.FullName) == other.LastWriteTimeUtc)
                {
                    AtomicFile.WriteText(other.FullName, led);
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or SpectralKDException)
            {
                // A page that nobody may read or write keeps its links.
            }
        }
    }

    private static bool IsOurs(string page)
    {
        using var reader = new StreamReader(page);
        var start = new char[GeneratorIsWithin];
        return new string(start, 0, reader.ReadBlock(start)).Contains(HtmlPage.Generator, StringComparison.Ordinal);
    }

    private string? FromPage(string link)
    {
        var end = link.IndexOfAny(['?', '#']);
        var path = Uri.UnescapeDataString(end < 0 ? link : link[..end]);
        if (path.Length == 0 || path.AsSpan().ContainsAny(['\0', ':']) || Path.IsPathRooted(path))
        {
            return null;
        }

        try
        {
            var target = Path.GetFullPath(Path.Combine(notebookFolder!, path));
            return Path.Exists(target) ? Address(_pageFolder!, PageOf(target) ?? target) + (end < 0 ? "" : link[end..]) : null;
        }
        catch (PathTooLongException)
        {
            return null;
        }
    }

    private string? PageOf(string target)
    {
        if (Path.GetExtension(target) is not (".ipynb" or ".dib"))
        {
            return null;
        }

        var folder = Path.Combine(Path.GetDirectoryName(target)!, Path.GetRelativePath(notebookFolder!, _pageFolder!));
        var html = Path.GetFullPath(Path.Combine(folder, Path.GetFileNameWithoutExtension(target) + ".html"));
        return html == page || File.Exists(html) ? html : null;
    }

    // A path as a link; between Windows' drives there is no relative one.
    private static string Address(string folder, string path)
    {
        var relative = Path.GetRelativePath(folder, path);
        return Path.IsPathRooted(relative)
            ? new Uri(path).AbsoluteUri
            : string.Join('/', relative.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar).Select(Uri.EscapeDataString));
    }

    // Relative ones only.
    [GeneratedRegex("""(?<=<(?:a|area|img|video|audio|source|iframe|embed)\b[^<>]*?\s(?:href|src)\s*=\s*["'])(?!["'/#?\\]|[a-z][a-z0-9+.-]*:)[^"'<>]+""", RegexOptions.IgnoreCase)]
    private static partial Regex Link();
}
