using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Plotly.NET;

namespace SpectralKD.Interactive;

/// <summary>Charts as HTML that needs no network.</summary>
public static class ChartHtml
{
    /// <summary>plotly.js's settings: buttons only while hovering, and no more than one uses.</summary>
    internal const string Config = """{"responsive":true,"displaylogo":false,"displayModeBar":"hover","modeBarButtonsToRemove":["select2d","lasso2d","autoScale2d"],"toImageButtonOptions":{"format":"svg"}}""";

    /// <summary>
    /// Draws into a page that is dark in dark colours, and keeps the figure's own otherwise; again when the page's theme changes. A theme's colours may come after
    /// the attribute that names it, so that a change is looked at twice. Lines are broken for the chart's width, anew when that changes.
    /// </summary>
    private const string DrawScript = PageGround.IsDark + """
        var drawn;
        function draw(){
          var element=document.getElementById(id);
          if(!element)return;
          var dark=isDark(element),width=element.clientWidth,now=(window.Plotly?'live ':'still ')+dark+(window.Plotly?' '+(width>899?900:Math.ceil(width/20)*20):'');
          if(now===drawn)return;
          if(!window.Plotly){drawn=now;still(element,dark);return;}
          if(!/^live/.test(drawn))element.textContent='';
          drawn=now;
          var shown=narrowFigure(dark?darkFigure(figure):figure,width);
          Plotly.newPlot(element,shown.data,shown.layout,config);
        }
        var svg;
        function still(element,dark){
          var picture=element.querySelector('.spectralkd-picture'),image=picture&&picture.querySelector('img');
          if(image)svg=new TextDecoder().decode(Uint8Array.from(atob(image.src.split(',')[1]),function(c){return c.charCodeAt(0);})).replace(/^<svg color="[^"]*"/,'<svg role="img"');
          if(svg)picture.innerHTML=dark?darkPicture(svg):svg;
        }
        function watch(){
          var themes=new MutationObserver(function(){
            if(!document.getElementById(id)){themes.disconnect();return;}
            draw();
            setTimeout(draw,400);
          });
          var element=document.getElementById(id),width=element?element.clientWidth:0;
          if(element&&window.ResizeObserver)new ResizeObserver(function(){
            if(element.clientWidth===width||!element.isConnected)return;
            width=element.clientWidth;
            draw();
            if(window.Plotly&&/^live/.test(drawn))Plotly.Plots.resize(element);
          }).observe(element);
          [document.documentElement,document.body].forEach(function(e){
            if(e)themes.observe(e,{attributes:true,attributeFilter:['class','style','data-vscode-theme-kind','data-vscode-theme-id','data-jp-theme-light','data-jp-theme-name']});
          });
        }

        """ + DarkFigure.Function + "\n" + NarrowFigure.Function;

    /// <summary>
    /// Finds plotly.js: run already, or carried by this or another chart of the page, now or later. What is carried is decompressed once for the page and run where
    /// <c>define</c>, <c>module</c> and <c>exports</c> are hidden: in a page with RequireJS plotly.js would else not set <c>window.Plotly</c>. Until then the
    /// picture stays, with the line below it once there was some time for the script to come.
    /// </summary>
    private const string LoadScript = """
        function note(shown){
          var element=document.getElementById(id),line=element&&element.querySelector('.spectralkd-note');
          if(line)line.style.display=shown?'':'none';
        }
        function failed(error){
          var element=document.getElementById(id);
          if(!element)return;
          note(true);
          element.appendChild(document.createElement('div')).textContent='The chart could not be drawn: '+error;
        }
        function load(){
          var carried=document.querySelector('script.spectralkd-plotly');
          if(!window.Plotly&&!window.__spectralkdPlotly&&carried){
            var packed=Uint8Array.from(atob(carried.textContent),function(c){return c.charCodeAt(0);});
            window.__spectralkdPlotly=new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).text().then(function(text){
              if(!window.Plotly){
                var script=document.createElement('script');
                script.text='(function(define,module,exports){'+text+'\n}).call(window);';
                document.head.appendChild(script);
              }
              window.dispatchEvent(new Event('spectralkd-plotly'));
            });
          }
          if(window.__spectralkdPlotly)window.__spectralkdPlotly.then(draw).catch(failed);
        }
        window.addEventListener('spectralkd-plotly',draw);
        note(false);
        draw();
        load();
        setTimeout(function(){load();draw();},1500);
        setTimeout(function(){if(!window.Plotly)note(true);},6000);
        """;

    /// <summary>A piece of HTML that stands by itself: the figure, a picture of it, and plotly.js, compressed, which is used only where the page has none.</summary>
    public static string WithLibrary(GenericChart chart) => WithLibrary(FigureJson(chart));

    /// <summary>As <see cref="WithLibrary(GenericChart)"/>, from the figure's JSON (<c>application/vnd.plotly.v1+json</c>).</summary>
    public static string WithLibrary(string figureJson)
    {
        var id = NewId();
        return Whole(id, figureJson, StillPicture.TryDraw(figureJson), ChartScript.Element(id));
    }

    /// <summary>
    /// A piece of HTML for a notebook: as <see cref="WithLibrary(GenericChart)"/>, or without plotly.js where <see cref="ChartScript"/> says that another chart carries
    /// it. A chart of which there is no picture always carries it.
    /// </summary>
    public static string InNotebook(GenericChart chart)
    {
        var (id, figure) = (NewId(), FigureJson(chart));
        var picture = StillPicture.TryDraw(figure);
        return Whole(id, figure, picture, picture is null ? ChartScript.Element(id) : ChartScript.For(id), ChartText.Of(chart));
    }

    private static string Whole(string id, string figureJson, string? picture, string library, string words = "chart") => $"""
        {Element(id, figureJson, picture is null ? "" : Picture(picture, words))}
        {library}
        {Script(id, figureJson, LoadScript)}
        """;

    private static string Picture(string svg, string words) => $"""
        <div class="spectralkd-picture" style="max-width:900px"><img alt="{System.Net.WebUtility.HtmlEncode(words)}" style="width:100%" src="data:image/svg+xml;base64,{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(svg))}"></div><div class="spectralkd-note" style="font-size:85%">This is a picture of the chart. Interactive: trust the notebook, or run its cell again.</div>
        """;

    /// <summary>A piece of HTML for a page that has run plotly.js already (see <see cref="PlotlyScript.Source"/>).</summary>
    /// <param name="figureJson">The figure's JSON (<c>application/vnd.plotly.v1+json</c>).</param>
    public static string FigureOnly(string figureJson)
    {
        var id = NewId();
        return $"""
            {Element(id, figureJson)}
            {Script(id, figureJson, "draw();")}
            """;
    }

    /// <summary>A whole page with charts one below the other; plotly.js is in it once.</summary>
    /// <param name="title">The page's title, plain text.</param>
    /// <param name="charts">The charts.</param>
    public static string Page(string title, params IReadOnlyList<GenericChart> charts) => Page(title, "", charts);

    /// <summary>The same with something above the charts.</summary>
    internal static string Page(string title, string above, IReadOnlyList<GenericChart> charts) => $$"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{System.Net.WebUtility.HtmlEncode(title)}}</title>
        <style>body{margin:0 auto;padding:16px;max-width:1000px;background:#fff}</style>
        <script>{{PlotlyScript.Source}}</script>
        </head>
        <body>
        {{above}}{{string.Join('\n', charts.Select(chart => FigureOnly(FigureJson(chart))))}}
        </body>
        </html>
        """;

    /// <summary>Whether HTML holds a chart.</summary>
    public static bool IsIn(string html) => html.Contains("class=\"spectralkd-chart\"", StringComparison.Ordinal);

    /// <summary>The figure as JSON: <c>data</c>, <c>layout</c> and <c>frames</c>, as the MIME type <c>application/vnd.plotly.v1+json</c> takes it.</summary>
    public static string FigureJson(GenericChart chart) => GenericChart.toFigureJson(chart);

    private static string NewId() => $"spectralkd-chart-{Guid.NewGuid():N}";

    private static string Element(string id, string figureJson, string content = "")
        => $"""<div id="{id}" class="spectralkd-chart" style="width:100%;min-height:{FigureHeight.Of(figureJson)}px">{content}</div>""";

    private static string Script(string id, string figureJson, string start) => $$"""
        <script>(function(){
        var id='{{id}}',config={{Config}},figure={{InScript(figureJson)}};
        {{DrawScript}}
        watch();
        {{start}}
        })();</script>
        """;

    /// <summary>JSON inside a script element: a less-than sign stands only in strings, where it can be written as an escape.</summary>
    internal static string InScript(string json) => json.Replace("<", "\\u003c", StringComparison.Ordinal)
        .Replace("\u2028", "\\u2028", StringComparison.Ordinal).Replace("\u2029", "\\u2029", StringComparison.Ordinal);
}

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
