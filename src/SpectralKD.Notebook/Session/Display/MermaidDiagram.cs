using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// A diagram in Mermaid's language (https://mermaid.js.org) as HTML that needs no network: its source, and a script that draws it in the page's colours with
/// mermaid.js, which one diagram of the page carries.
/// </summary>
internal static class MermaidDiagram
{
    private const string Resource = "mermaid.min.js.gz";
    private static readonly Lazy<string> Library = new(ReadLibrary);

    /// <summary>
    /// Finds mermaid.js: run already, or carried by this or another diagram of the page, now or later; until then, and where it cannot draw, the source is shown.
    /// A page's own <c>window.mermaid</c> is left as it was. Draws again when the page's theme changes.
    /// </summary>
    private const string Script = PageGround.IsDark + """
        var drawn,count=0;
        function draw(mermaid){
          var element=document.getElementById(id),dark=element&&isDark(element);
          if(!element||dark===drawn)return;
          drawn=dark;
          window.__spectralkdDiagrams=(window.__spectralkdDiagrams||Promise.resolve()).then(function(){
            mermaid.initialize({startOnLoad:false,securityLevel:'strict',suppressErrorRendering:true,theme:dark?'dark':'default'});
            return mermaid.render(id+'-svg'+(++count),source);
          }).then(function(result){element.innerHTML=result.svg;}).catch(failed);
        }
        function failed(error){
          var element=document.getElementById(id);
          if(!element)return;
          var words=document.createElement('div');
          words.style.fontWeight='bold';
          words.textContent='The diagram could not be drawn: '+(error&&error.message||error);
          var text=document.createElement('pre');
          text.textContent=source;
          element.replaceChildren(words,text);
        }
        function load(){
          var carried=document.querySelector('script.spectralkd-mermaid');
          if(!window.__spectralkdMermaid&&carried){
            var packed=Uint8Array.from(atob(carried.textContent),function(c){return c.charCodeAt(0);});
            window.__spectralkdMermaid=new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).text().then(function(text){
              var before=window.mermaid,script=document.createElement('script');
              script.text=text;
              document.head.appendChild(script);
              var own=window.mermaid;
              window.mermaid=before;
              own.initialize({startOnLoad:false});
              window.dispatchEvent(new Event('spectralkd-mermaid'));
              return own;
            });
          }
          if(window.__spectralkdMermaid)window.__spectralkdMermaid.then(draw).catch(failed);
        }
        window.addEventListener('spectralkd-mermaid',function(){setTimeout(load,0);});
        var themes=new MutationObserver(function(){
          if(!document.getElementById(id)){themes.disconnect();return;}
          load();
          setTimeout(load,400);
        });
        [document.documentElement,document.body].forEach(function(e){
          if(e)themes.observe(e,{attributes:true,attributeFilter:['class','style','data-vscode-theme-kind','data-vscode-theme-id','data-jp-theme-light','data-jp-theme-name']});
        });
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change',load);
        load();
        setTimeout(load,1500);
        setTimeout(function(){
          var element=document.getElementById(id);
          if(element&&drawn===undefined)element.appendChild(document.createElement('div')).textContent='This is the source of a diagram. To have it drawn, run its cell again.';
        },6000);
        """;

    /// <summary>The diagram as HTML with a place for mermaid.js (see <see cref="ChartScriptOutput"/>), and its source as text.</summary>
    public static MimeBundle From(string source) => new(new Dictionary<string, JsonNode>
    {
        ["text/html"] = JsonValue.Create(ChartScript.InEveryChart ? With(Html(source.Trim())) : Html(source.Trim())),
        ["text/plain"] = JsonValue.Create(source.Trim()),
    });

    /// <summary>Whether HTML has a place for mermaid.js.</summary>
    public static bool HasPlace(string html) => html.Contains(Place, StringComparison.Ordinal);

    /// <summary>The HTML with mermaid.js, compressed, in the first place for it.</summary>
    public static string With(string html)
    {
        var at = html.IndexOf(Place, StringComparison.Ordinal);
        return at < 0 ? html : $"{html[..at]}<script type=\"text/plain\" class=\"spectralkd-mermaid\">{Library.Value}</script>{html[(at + Place.Length)..]}";
    }

    private const string Place = "<!--mermaid.js-->";

    private static string Html(string source)
    {
        var id = $"spectralkd-diagram-{Guid.NewGuid():N}";
        return $"""
            <div id="{id}" class="spectralkd-diagram"><pre>{WebUtility.HtmlEncode(source)}</pre></div>
            {Place}
            <script>(function(){"{"}
            var id='{id}',source={JsonSerializer.Serialize(source)};
            {Script}
            {"}"})();</script>
            """;
    }

    private static string ReadLibrary()
    {
        using var stream = typeof(MermaidDiagram).Assembly.GetManifestResourceStream(Resource)!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return Convert.ToBase64String(copy.GetBuffer(), 0, (int)copy.Length);
    }
}
