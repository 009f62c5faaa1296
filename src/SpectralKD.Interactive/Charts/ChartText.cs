using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

/// <summary>What a chart says, in a line of plain text.</summary>
internal static partial class ChartText
{
    internal static string Of(GenericChart chart)
    {
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(chart));
        var title = "chart";
        if (figure.RootElement.GetProperty("layout").TryGetProperty("title", out var node))
        {
            var text = node.ValueKind == JsonValueKind.Object && node.TryGetProperty("text", out var inner) ? inner.ToString() : node.ToString();
            title = WebUtility.HtmlDecode(Tag().Replace(text.Replace("<br>", ": ", StringComparison.Ordinal), ""));
        }

        return $"[chart] {title}";
    }

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();
}
