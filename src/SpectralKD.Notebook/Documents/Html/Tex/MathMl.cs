using System.Globalization;
using System.Net;
using System.Text;

namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <summary>MathML Core elements as text (https://www.w3.org/TR/mathml-core/).</summary>
internal static class MathMl
{
    public static string Identifier(string text) => $"<mi>{Encode(text)}</mi>";

    public static string Upright(string text) => $"<mi mathvariant=\"normal\">{Encode(text)}</mi>";

    public static string Number(string text) => $"<mn>{text}</mn>";

    public static string Operator(string text) => $"<mo>{Encode(text)}</mo>";

    /// <summary>A delimiter that keeps its size, or that grows with what it encloses.</summary>
    public static string Fence(string text, bool grows)
        => $"<mo stretchy=\"{(grows ? "true" : "false")}\" lspace=\"0\" rspace=\"0\">{Encode(text)}</mo>";

    public static string Sized(string text, double size)
        => string.Create(CultureInfo.InvariantCulture, $"<mo stretchy=\"true\" minsize=\"{size}em\" maxsize=\"{size}em\">{Encode(text)}</mo>");

    public static string Text(string text) => $"<mtext>{Encode(text).Replace(" ", "&#160;", StringComparison.Ordinal)}</mtext>";

    public static string Space(string em) => $"<mspace width=\"{em}em\"/>";

    public static string Row(IReadOnlyList<string> nodes) => nodes.Count == 1 ? nodes[0] : $"<mrow>{string.Concat(nodes)}</mrow>";

    public static string Element(string name, params ReadOnlySpan<string> children)
    {
        var text = new StringBuilder($"<{name}>");
        foreach (var child in children)
        {
            text.Append(child);
        }
        return text.Append(CultureInfo.InvariantCulture, $"</{name}>").ToString();
    }

    public static string Over(string basis, string accent) => $"<mover accent=\"true\">{basis}<mo stretchy=\"true\">{Encode(accent)}</mo></mover>";

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
