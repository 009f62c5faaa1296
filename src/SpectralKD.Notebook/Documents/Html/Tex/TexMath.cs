using System.Net;

namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <summary>Shows TeX mathematics offline: as MathML, which browsers draw themselves; as its source where it is not understood.</summary>
internal static class TexMath
{
    public static string ToHtml(string tex, bool isDisplay)
    {
        try
        {
            var mathMl = new TexParser(tex).ParseAll();
            var display = isDisplay ? " display=\"block\"" : "";
            return $"<math{display}><semantics>{MathMl.Element("mrow", mathMl)}"
                + $"<annotation encoding=\"application/x-tex\">{WebUtility.HtmlEncode(tex.Trim())}</annotation></semantics></math>";
        }
        catch (TexException)
        {
            var source = WebUtility.HtmlEncode(tex.Trim());
            return isDisplay ? $"<pre class=\"tex\"><code>{source}</code></pre>" : $"<code class=\"tex\">{source}</code>";
        }
    }
}
