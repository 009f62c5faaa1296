using System.Text.RegularExpressions;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using Ganss.Xss;

namespace SpectralKD.Notebook.Documents;

/// <summary>
/// HTML of somebody else without what could run or reach beyond the page: scripts, event handlers, <c>javascript:</c> and <c>data:</c> links,
/// frames, objects, forms, style sheets, inline SVG. It remembers what it took out. One for each page, one thread at a time.
/// </summary>
internal sealed partial class SafeHtml
{
    private const int DeepestNesting = 200;

    // The parser takes time that grows with the square of what is open at a time.
    private const int MostOpen = 2000;

    // Their content is no text of the page. SVG and MathML have parsing rules of their own, by which harmless text can become markup again.
    private const string Removed = "script, style, iframe, frame, frameset, noframes, object, embed, applet, noscript, noembed, template, textarea, title, xmp,"
        + " plaintext, svg, math, form, button, select, link, meta, base, audio, video";

    private static readonly string[] PictureTypes = ["png", "jpeg", "gif", "webp", "avif", "bmp", "svg+xml"];

    private readonly HtmlSanitizer _sanitizer = new() { KeepChildNodes = true };
    private readonly SortedSet<string> _removed = new(StringComparer.Ordinal);

    public SafeHtml()
    {
        _sanitizer.AllowedAttributes.UnionWith(["class", "id", "open"]);
        _sanitizer.AllowedAttributes.ExceptWith(["name", "action"]);
        _sanitizer.AllowedSchemes.Add("mailto");
        _sanitizer.FilterUrl += (_, url) => url.SanitizedUrl ??= IsPicture(url) ? url.OriginalUrl : null;
        _sanitizer.RemovingTag += (_, removing) => Remember($"<{removing.Tag.LocalName}>");
        _sanitizer.RemovingAttribute += (_, removing) =>
        {
            removing.Cancel = IsTarget(removing);
            if (!removing.Cancel)
            {
                Remember($"{removing.Attribute.Name} of <{removing.Tag.LocalName}>");
            }
        };
        _sanitizer.RemovingStyle += (_, removing) => Remember($"style {removing.Style.Name}");
    }

    /// <summary>What was taken out since the last call, for instance <c>&lt;script&gt;</c> and <c>href of &lt;a&gt;</c>.</summary>
    public IReadOnlyList<string> TakeRemoved()
    {
        string[] removed = [.. _removed];
        _removed.Clear();
        return removed;
    }

    /// <summary>The harmless part of a fragment of HTML; null where it is nested too deeply to be looked at.</summary>
    /// <param name="html">The fragment.</param>
    public string? Clean(string html)
    {
        if (IsNeverClosed(html))
        {
            return null;
        }
        var document = _sanitizer.HtmlParserFactory().ParseDocument("<!doctype html><body>" + html);
        if (IsTooDeep(document.Body!))
        {
            return null;
        }
        foreach (var element in document.QuerySelectorAll(Removed))
        {
            Remember($"<{element.LocalName}>");
            element.Remove();
        }
        _sanitizer.SanitizeDom(document);
        return document.Body!.InnerHtml;
    }

    // Also images by their attachment's name, which InlineImages puts in.
    private static bool IsPicture(FilterUrlEventArgs url) => url.Tag is IHtmlImageElement
        && (url.OriginalUrl.StartsWith("attachment:", StringComparison.Ordinal)
            || PictureTypes.Any(type => url.OriginalUrl.StartsWith($"data:image/{type};base64,", StringComparison.OrdinalIgnoreCase)));

    // <a name="…">, to which links of a table of contents lead. Names of forms and images become properties of the page's document and could stand in for
    // what a script looks for there; a browser makes no property of an anchor's name, which is why it is not turned into an id either.
    private static bool IsTarget(RemovingAttributeEventArgs removing) => removing.Reason == RemoveReason.NotAllowedAttribute
        && removing.Tag is IHtmlAnchorElement && removing.Attribute.Name == "name";

    private static bool IsNeverClosed(string html)
    {
        var open = 0;
        foreach (var tag in NestingTag().EnumerateMatches(html))
        {
            open += html[tag.Index + 1] == '/' ? -1 : 1;
            if (open > MostOpen)
            {
                return true;
            }
        }
        return false;
    }

    private static bool IsTooDeep(INode root)
    {
        var waiting = new Stack<(INode Node, int Depth)>([(root, 0)]);
        while (waiting.TryPop(out var next))
        {
            if (next.Depth > DeepestNesting)
            {
                return true;
            }
            foreach (var child in next.Node.ChildNodes)
            {
                waiting.Push((child, next.Depth + 1));
            }
        }
        return false;
    }

    private void Remember(string what) => _removed.Add(what.Length > 40 ? what[..40] + "…" : what);

    // Without those that have no end tag, or need none.
    [GeneratedRegex("</?(?!(?:area|br|col|dd|dt|hr|img|input|li|option|p|source|tbody|td|tfoot|th|thead|tr|wbr)\\b)[a-z]", RegexOptions.IgnoreCase)]
    private static partial Regex NestingTag();
}
