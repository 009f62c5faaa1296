using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Interactive;

/// <summary>
/// The U-curve as a way into the blocks: pointing at a block, clicking it or going there by the arrow keys shows its amplitude map, its radial profile and, where the intensities of single
/// images were kept, the images that are strongest in it. All data and the script are in the HTML, so that it works in a saved page and after a notebook is opened again, without a kernel.
/// </summary>
/// <param name="Spectrum">A spectrum of the spatial domain.</param>
/// <param name="Images">The images that were analysed, to show the strongest; null for none.</param>
/// <example><code>
/// using var model = ModelLoader.Load("deit_nano_patch8_64");
/// var images = ImageSources.Open("textures", count: 20);
/// var spectrum = SpectralAnalysis.Run(model, images, new SpectralOptions { PerImage = true });
/// new LinkedBlocks(spectrum, images).Save("blocks.html");
/// </code></example>
public sealed record LinkedBlocks(ModelSpectrum Spectrum, IImageSource? Images = null) : INotebookView
{
    private const int Strongest = 5;
    private const double Width = 460;
    private const double Height = 250;
    private const double Left = 56;
    private const double Bottom = 205;

    /// <summary>Writes it as a page of its own.</summary>
    /// <param name="path">The file, .html.</param>
    /// <exception cref="SpectralKDException">The spatial domain was not analysed, the images are others, or the file cannot be written.</exception>
    public void Save(string path) => AtomicFile.WriteText(path, $$"""
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{WebUtility.HtmlEncode($"Blocks of {Spectrum.Title}")}}</title>
        <style>:root{color-scheme:light dark}body{margin:0 auto;padding:16px;max-width:1000px;font:15px/1.4 system-ui,'Segoe UI','DejaVu Sans',sans-serif}</style></head>
        <body>{{ToHtml()}}</body></html>
        """);

    /// <inheritdoc/>
    public string ToHtml()
    {
        ChartNeeds.Domain(Spectrum, SpectralDomain.Spatial);
        var id = $"spectralkd-linked-{Guid.NewGuid():N}";
        var colour = SeriesLook.OfModels([Spectrum])[0].Colour;
        return $$"""
            <div id="{{id}}" class="spectralkd-linked" style="max-width:900px">
            <div style="font-size:115%"><b>{{WebUtility.HtmlEncode(UCurveAxes.What([Spectrum]))}} over depth, block by block</b></div>
            <div style="font-size:90%;opacity:.8">{{WebUtility.HtmlEncode(UCurveText.Subtitle([Spectrum], CurveBand.None)).Replace("\n", "<br>", StringComparison.Ordinal)}}</div>
            {{Curve(colour)}}
            <div class="skd-hint" style="font-size:90%">The blocks open by a script: trust the notebook, or run its cell again.</div>
            <div class="skd-detail" aria-live="polite" style="display:none"></div>
            </div>
            <script>(function(){
            var data={{ChartHtml.InScript(Data(colour))}},root=document.getElementById('{{id}}');
            {{Script}}
            })();</script>
            """;
    }

    /// <inheritdoc/>
    public string ToPlainText() => new SpectrumView(Spectrum).ToPlainText();

    /// <summary>The curve as a picture whose points are buttons; it stands also where no script runs.</summary>
    private string Curve(string colour)
    {
        var (low, high) = UCurves.Range(0, Spectrum.Intensities.Max(), fromZero: true);
        var last = Math.Max(1, Spectrum.Depth - 1);
        double X(int block) => Left + 12 + ((Width - Left - 30) * block / last);
        double Y(double value) => Bottom - ((Bottom - 12) * (value - low) / (high - low));
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" style=\"width:100%;max-width:640px;display:block\" role=\"group\" aria-label=\"Intensity of each block; arrow keys go from block to block\" font-size=\"12\" fill=\"currentColor\">");
        svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{Left} 12V{Bottom}H{Width - 10}\" fill=\"none\" stroke=\"#888\"/>");
        foreach (var tick in UCurveAxes.Ticks(Spectrum.Blocks.Select(block => block.Index)))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(tick):0.#}\" y=\"{Bottom + 18}\" text-anchor=\"middle\">{tick}</text>");
        }

        var step = new[] { 0.2, 0.5, 1, 2 }.Select(part => part * Math.Pow(10, Math.Floor(Math.Log10(high)))).First(part => high / part <= 5.001);
        foreach (var value in Enumerable.Range(0, (int)(high / step) + 1).Select(number => number * step))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{Y(value) + 4:0.#}\" text-anchor=\"end\">{value:0.###}</text>");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{(Left + Width) / 2}\" y=\"{Height - 6}\" text-anchor=\"middle\">Block (0 is the first)</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" points=\"");
        svg.AppendJoin(' ', Spectrum.Blocks.Select(block => FormattableString.Invariant($"{X(block.Index):0.#},{Y(block.Intensity!.Value):0.#}"))).Append("\"/>");
        for (var i = 0; i < Spectrum.Blocks.Length; i++)
        {
            var block = Spectrum.Blocks[i];
            svg.Append(CultureInfo.InvariantCulture, $"<circle data-block=\"{i}\" cx=\"{X(block.Index):0.#}\" cy=\"{Y(block.Intensity!.Value):0.#}\" r=\"6\" fill=\"{colour}\" role=\"button\" aria-label=\"{WebUtility.HtmlEncode(block.Name)}, intensity {block.Intensity:G4}\"/>");
        }

        return svg.Append("</svg>").ToString();
    }

    private string Data(string colour)
    {
        var thumbnails = new JsonObject();
        var blocks = new JsonArray([.. Spectrum.Blocks.Select((block, i) => (JsonNode)new JsonObject
        {
            ["name"] = block.Name,
            ["words"] = FormattableString.Invariant($"{block.Channels} channels, {block.Height} × {block.Width} · intensity {block.Intensity:G4} ± {UCurveText.HalfWidth(block, CurveBand.Interval):G2} (95 %) · uniformity {block.Uniformity:0.000} · {100 * block.HighFrequencyRatio:0} % of the power at high frequencies"),
            ["height"] = block.Height,
            ["width"] = block.Width,
            ["map"] = Numbers(block.AmplitudeMap!.Value),
            ["profile"] = Numbers(block.RadialAmplitude!.Value),
            ["images"] = new JsonArray([.. StrongestOf(i, thumbnails)]),
        })]);
        return new JsonObject { ["colour"] = colour, ["blocks"] = blocks, ["thumbnails"] = thumbnails }.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    private IEnumerable<JsonNode> StrongestOf(int block, JsonObject thumbnails)
    {
        if (Images is null)
        {
            yield break;
        }

        var table = Spectrum.PerImage ?? throw new SpectralKDException(
            $"{Spectrum.Model} was analysed without keeping the intensities of single images: analyse it again with --per-image (SpectralOptions.PerImage), or leave the images out");
        table.RequireFrom(Images);
        foreach (var row in table.Ordered(block).Take(Strongest))
        {
            var key = table.Places[row].ToString(CultureInfo.InvariantCulture);
            if (!thumbnails.ContainsKey(key))
            {
                thumbnails[key] = Thumbnails.Address(Images, table.Places[row]);
            }

            yield return new JsonObject { ["key"] = key, ["name"] = PlainText.Escape(table.Names[row]), ["words"] = PlainText.Escape(table.Classes[row]) + FormattableString.Invariant($" {table.Intensities[block][row]:G4}") };
        }
    }

    private static JsonArray Numbers(IEnumerable<double> values)
        => new([.. values.Select(value => (JsonNode)JsonValue.Create(double.Parse(value.ToString("G4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)))]);

    /// <summary>Draws the chosen block with <c>data</c> into <c>root</c>.</summary>
    private const string Script = """
        var points=[].slice.call(root.querySelectorAll('circle[data-block]')),detail=root.querySelector('.skd-detail'),pinned=0,shown=-1;
        var stops=[[68,1,84],[71,45,123],[59,82,139],[44,114,142],[33,145,140],[40,174,128],[94,201,98],[173,220,48],[253,231,37]];
        function shade(part){
          var at=Math.max(0,Math.min(1,part))*(stops.length-1),i=Math.min(stops.length-2,Math.floor(at)),rest=at-i;
          return 'rgb('+stops[i].map(function(c,k){return Math.round(c+rest*(stops[i+1][k]-c));}).join(',')+')';
        }
        function element(name,words,style){var e=document.createElement(name);if(words)e.textContent=words;if(style)e.style.cssText=style;return e;}
        function drawing(name,attributes,parent,words){
          var e=document.createElementNS('http://www.w3.org/2000/svg',name);
          Object.keys(attributes).forEach(function(key){e.setAttribute(key,attributes[key]);});
          if(words!==undefined)e.textContent=words;
          if(parent)parent.appendChild(e);
          return e;
        }
        function digits(value){return String(Number(value.toPrecision(3)));}
        function panel(title){var box=element('div','','flex:1 1 260px;min-width:0;max-width:400px');box.appendChild(element('div',title,'font-size:90%'));return box;}
        function map(block){
          var box=panel('amplitude map, frequency 0 in the middle (colours scaled without it)'),canvas=element('canvas','','width:100%;max-width:260px;image-rendering:pixelated;display:block');
          var zero=Math.floor(block.height/2)*block.width+Math.floor(block.width/2);
          var rest=block.map.filter(function(v,i){return v>0&&(i!==zero||block.map.length===1);}).map(Math.log10),low=Math.min.apply(null,rest),high=Math.max.apply(null,rest);
          var size=Math.max(1,Math.round(260/block.width));
          canvas.width=size*block.width;canvas.height=size*block.height;
          var pen=canvas.getContext('2d');
          block.map.forEach(function(v,i){pen.fillStyle=shade(v>0?(Math.log10(v)-low)/((high-low)||1):0);pen.fillRect(i%block.width*size,Math.floor(i/block.width)*size,size,size);});
          canvas.setAttribute('role','img');canvas.setAttribute('aria-label','Amplitude map of '+block.name);
          box.appendChild(canvas);
          box.appendChild(element('div',digits(Math.pow(10,low))+' (dark) to '+digits(Math.pow(10,high))+' (bright)','font-size:85%;opacity:.8'));
          return box;
        }
        function profile(block){
          var box=panel('radial profile: mean |F| over cycles per map (log scale)'),values=block.profile.map(function(v){return Math.log10(Math.max(v,1e-12));});
          var low=Math.min.apply(null,values),high=Math.max.apply(null,values),svg=drawing('svg',{viewBox:'0 0 320 220',style:'width:100%;display:block','font-size':12,fill:'currentColor',role:'img','aria-label':'Radial profile of '+block.name});
          function x(i){return 52+250*i/Math.max(1,values.length-1);}
          function y(v){return 185-170*(v-low)/((high-low)||1);}
          drawing('path',{d:'M44 10V190H310',fill:'none',stroke:'#888'},svg);
          [low,(low+high)/2,high].forEach(function(v){drawing('text',{x:40,y:y(v)+4,'text-anchor':'end'},svg,digits(Math.pow(10,v)));});
          [0,Math.floor((values.length-1)/2),values.length-1].forEach(function(i){drawing('text',{x:x(i),y:207,'text-anchor':'middle'},svg,i);});
          drawing('polyline',{points:values.map(function(v,i){return x(i)+','+y(v);}).join(' '),fill:'none',stroke:data.colour,'stroke-width':2.5},svg);
          values.forEach(function(v,i){drawing('title',{},drawing('circle',{cx:x(i),cy:y(v),r:4,fill:data.colour},svg),i+' cycles per map: '+digits(block.profile[i]));});
          box.appendChild(svg);
          return box;
        }
        function images(block){
          var box=element('div','','flex:1 1 100%'),row=element('div','','display:grid;grid-template-columns:repeat(auto-fill,minmax(100px,128px));gap:8px');
          box.appendChild(element('div','the images with the highest intensity in this block','font-size:90%'));
          block.images.forEach(function(image){
            var figure=element('figure','','margin:0;min-width:0'),source=data.thumbnails[image.key];
            figure.title=image.name;
            if(source){
              var picture=element('img','','display:block;width:100%;aspect-ratio:1;border-radius:4px;image-rendering:'+(/^data:image\/png/.test(source)?'pixelated':'auto'));
              picture.alt=image.words+': '+image.name;picture.src=source;
              figure.appendChild(picture);
            }
            figure.appendChild(element('figcaption',image.words,'font-size:85%;text-align:center;overflow-wrap:anywhere'));
            row.appendChild(figure);
          });
          box.appendChild(row);
          return box;
        }
        function show(i){
          if(i===shown)return;
          shown=i;
          points.forEach(function(point,k){
            point.setAttribute('r',k===i?9:6);
            point.setAttribute('stroke',k===i?'currentColor':'none');
            point.setAttribute('stroke-width',2);
            point.setAttribute('tabindex',k===i?0:-1);
            point.setAttribute('aria-pressed',k===i);
          });
          var block=data.blocks[i];
          detail.textContent='';
          detail.appendChild(element('b',block.name));
          detail.appendChild(element('span',' '+block.words,'font-size:90%'));
          var row=element('div','','display:flex;flex-wrap:wrap;gap:16px;margin-top:6px');
          row.appendChild(map(block));row.appendChild(profile(block));
          if(block.images.length)row.appendChild(images(block));
          detail.appendChild(row);
        }
        function pin(i){pinned=Math.max(0,Math.min(points.length-1,i));show(pinned);points[pinned].focus();}
        points.forEach(function(point,i){
          point.style.cursor='pointer';
          point.addEventListener('mouseenter',function(){show(i);});
          point.addEventListener('mouseleave',function(){show(pinned);});
          point.addEventListener('click',function(){pin(i);});
          point.addEventListener('focus',function(){pinned=i;show(i);});
          point.addEventListener('keydown',function(event){
            var to={ArrowLeft:pinned-1,ArrowDown:pinned-1,ArrowRight:pinned+1,ArrowUp:pinned+1,Home:0,End:points.length-1,Enter:i,' ':i}[event.key];
            if(to===undefined)return;
            event.preventDefault();event.stopPropagation();
            pin(to);
          });
        });
        root.querySelector('.skd-hint').textContent='Point at a block, click it, or use the arrow keys.';
        detail.style.display='';
        pinned=data.blocks.length-1;
        show(pinned);
        """;
}
