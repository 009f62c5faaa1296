using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>nbformat's <c>multiline_string</c>: a string, or a list of lines that keep their line ends.</summary>
internal static class MultilineText
{
    public static bool IsText(JsonNode? node) => node switch
    {
        JsonArray lines => lines.All(line => line?.GetValueKind() == JsonValueKind.String),
        null => false,
        _ => node.GetValueKind() == JsonValueKind.String,
    };

    public static string Join(JsonNode? node) => node switch
    {
        JsonArray lines => string.Concat(lines.Select(line => line!.GetValue<string>())),
        null => "",
        _ => node.GetValue<string>(),
    };

    /// <summary>Lines as Jupyter writes them: each with its line end, an empty text as an empty list.</summary>
    public static JsonArray Split(string text)
    {
        var lines = new JsonArray();
        for (var start = 0; start < text.Length;)
        {
            var lineEnd = text.IndexOf('\n', start);
            var next = lineEnd < 0 ? text.Length : lineEnd + 1;
            lines.Add((JsonNode)text[start..next]);
            start = next;
        }
        return lines;
    }

    /// <summary>True for the MIME types that Jupyter stores as lines rather than as one string.</summary>
    public static bool IsSplit(string mimeType)
        => mimeType.StartsWith("text/", StringComparison.Ordinal) || mimeType is "application/javascript" or "image/svg+xml";
}
