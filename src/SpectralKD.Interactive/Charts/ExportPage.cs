using System.Globalization;

namespace SpectralKD.Interactive.Charting;

/// <summary>Pages for a browser without a window.</summary>
internal static class ExportPage
{
    /// <summary>A page that writes the chart's picture, as a data address, into an element <c>result</c>.</summary>
    internal static string Image(string figureJson, string format, (int Width, int Height) size, double scale)
    {
        var options = string.Create(
            CultureInfo.InvariantCulture, $"{{format:'{format}',width:{size.Width},height:{size.Height},scale:{scale}}}");
        return Page("", $$"""
            <pre id="result"></pre><div id="chart"></div>
            <script>
            var figure={{ChartHtml.InScript(figureJson)}};
            function tell(text){document.getElementById('result').textContent=text;}
            try{Plotly.toImage(figure,{{options}}).then(tell,function(e){tell('error: '+e);});}catch(e){tell('error: '+e);}
            </script>
            """);
    }

    /// <summary>A page of exactly the chart's size, to be printed.</summary>
    internal static string Print(string figureJson, (int Width, int Height) size)
    {
        // A line box of its own would spill onto a second page.
        var style = string.Create(
            CultureInfo.InvariantCulture,
            $"@page{{size:{size.Width}px {size.Height}px;margin:0}}html,body{{margin:0;padding:0;overflow:hidden;height:{size.Height - 1}px}}#chart svg{{display:block}}");
        return Page(style, $$"""
            <div id="chart" style="width:{{size.Width}}px;height:{{size.Height - 1}}px"></div>
            <script>
            var figure={{ChartHtml.InScript(figureJson)}};
            figure.layout.width={{size.Width}};figure.layout.height={{size.Height - 1}};
            Plotly.newPlot('chart',figure.data,figure.layout,{staticPlot:true});
            </script>
            """);
    }

    private static string Page(string style, string body) => $"""
        <!DOCTYPE html>
        <html><head><meta charset="utf-8"><style>{style}</style><script>{PlotlyScript.Source}</script></head>
        <body>{body}</body></html>
        """;
}
