using System.Text.Json;

namespace SpectralKD.Interactive;

/// <summary>
/// How a figure in the common look is drawn on a dark page: no ground of its own, light text, quiet grid, and brighter series colours, since those made
/// for white paper have too little contrast there. One function for every page.
/// </summary>
internal static class DarkFigure
{
    /// <summary>
    /// JavaScript <c>function darkFigure(figure)</c>: a copy in dark colours. A figure whose ground is not white has colours of its own and is returned
    /// as it is. Before it stands <c>function brighterColours(text)</c>: JSON or markup in the common look's colours, in dark ones;
    /// and <c>function darkPicture(svg)</c>. Markers that are hollow on white paper are hollow.
    /// </summary>
    public const string Function = """
        function brighterColours(text){
          var brighter={'#0072b2':'#4b8ff5','#d55e00':'#f58e45','#009e73':'#35c79b','#000000':'#d7dae0','#8c6d1f':'#cba64e','#1f2933':'#d7dae0','#6b7280':'#a3abb7'};
          return text.replace(/"#[0-9a-f]{6}"|color:#[0-9a-f]{6}/gi,function(found){
            var at=found.indexOf('#'),to=brighter[found.substr(at,7).toLowerCase()];
            return to?found.substr(0,at)+to+found.substr(at+7):found;
          });
        }
        function darkPicture(svg){return brighterColours(svg).replace(/fill="#ffffff" stroke=/gi,'fill="#1b1d22" stroke=');}
        function darkFigure(figure){
          function white(c){return !c||/^(white|#fff(fff)?|rgb\(255, ?255, ?255\))$/i.test(c);}
          var own=figure.layout||{};
          if(!white(own.paper_bgcolor)||!white(own.plot_bgcolor))return figure;
          var copy=JSON.parse(brighterColours(JSON.stringify(figure)));
          var layout=copy.layout=copy.layout||{},lines={gridcolor:'#3a3f4a',linecolor:'#6b7280',zerolinecolor:'#5a6070',tickcolor:'#6b7280'};
          layout.paper_bgcolor=layout.plot_bgcolor='rgba(0,0,0,0)';
          (copy.data||[]).forEach(function(trace){
            var marker=trace.marker;
            if(marker&&marker.line&&Array.isArray(marker.color))marker.color=marker.color.map(function(c){return c&&white(c)?'#1b1d22':c;});
          });
          layout.font=Object.assign({},layout.font,{color:'#d7dae0'});
          layout.modebar=Object.assign({},layout.modebar,{bgcolor:'rgba(0,0,0,0)',color:'#6b7280',activecolor:'#d7dae0'});
          Object.keys(layout).forEach(function(k){if(/^[xy]axis\d*$/.test(k))Object.assign(layout[k],lines);});
          var template=layout.template=Object.assign({},layout.template),base=template.layout=Object.assign({},template.layout);
          base.xaxis=Object.assign({},base.xaxis,lines);
          base.yaxis=Object.assign({},base.yaxis,lines);
          var polar={gridcolor:'#3a3f4a',linecolor:'#6b7280'};
          base.polar=Object.assign({},base.polar,{bgcolor:'rgba(0,0,0,0)',angularaxis:polar,radialaxis:polar});
          return copy;
        }
        """;
}

/// <summary>How a figure is drawn in a narrow place: plotly.js breaks no lines, so that titles and names in the legend would be cut. One function for every page.</summary>
internal static class NarrowFigure
{
    /// <summary>
    /// JavaScript <c>function narrowFigure(figure, width)</c>: a copy whose title, axis titles and legend have lines that fit the width in pixels, with
    /// more height for them, and leave the column of the buttons at the right free; the figure itself where they fit as they are. What a figure's <c>layout.meta.narrow</c> holds takes the place of the layout's
    /// own below 640 pixels: panels that stand side by side are put one below another so.
    /// </summary>
    public const string Function = """
        function narrowFigure(figure,width){
          var own=figure.layout;
          if(!width||!own)return figure;
          function changed(from,by){
            if(!by||typeof by!=='object'||Array.isArray(by))return by;
            var copy=Object.assign({},from);
            Object.keys(by).forEach(function(key){copy[key]=changed(copy[key],by[key]);});
            return copy;
          }
          if(width<640&&own.meta&&own.meta.narrow){
            own=changed(own,own.meta.narrow);
            figure=Object.assign({},figure,{layout:own});
          }
          function wrap(text,letters){
            var count=0,since=0,space=-1,added=0,tokens=String(text).match(/<[^>]*>|&[^;\s]+;|[\s\S]/g)||[];
            tokens.forEach(function(token,i){
              if(/^<br/.test(token)){count=0;space=-1;return;}
              if(token.length>1&&token[0]==='<')return;
              count++;since++;
              if(token===' '&&!/^(%|&#(177|183|215);)/.test(tokens[i+1])&&!/^&#(177|215);/.test(tokens[i-1])){space=i;since=0;} // before % ± · ×
              if(count>letters&&space>=0){tokens[space]='<br>';space=-1;count=since;added++;}
            });
            return {text:tokens.join(''),added:added};
          }
          function textOf(title){return title&&typeof title==='object'?title.text:title;}
          function withText(title,text){return title&&typeof title==='object'?Object.assign({},title,{text:text}):{text:text};}
          var layout=Object.assign({},own),data=figure.data||[],more=0,title=textOf(own.title);
          if(title){
            var parts=String(title).split(/<br ?\/?>([\s\S]*)/),head=wrap(parts[0],(width-62)/10),rest=parts[1]?wrap(parts[1],(width-62)/7):{text:'',added:0};
            var lines=head.added+rest.added;
            if(lines){
              layout.title=withText(own.title,head.text+(parts[1]?'<br>'+rest.text:''));
              if(own.margin&&own.margin.t)layout.margin=Object.assign({},own.margin,{t:own.margin.t+20*lines});
              more+=20*lines;
            }
          }
          var under=0,placed=false;
          Object.keys(own).filter(function(key){return /^xaxis\d*$/.test(key)&&textOf(own[key].title);}).forEach(function(key){
            var axis=own[key],share=axis.domain?axis.domain[1]-axis.domain[0]:1,broken=wrap(textOf(axis.title),(width-95)*share/6.9);
            if(broken.added)layout[key]=Object.assign({},axis,{title:withText(axis.title,broken.text)});
            under=Math.max(under,broken.added);
          });
          more+=17*under;
          var named=data.filter(function(trace){return trace.name&&trace.showlegend!==false;});
          if(own.showlegend!==false&&(named.length>1||own.showlegend)&&width<700){
            var longest=0,lines=0;
            data=data.map(function(trace){
              var name=trace.name?wrap(trace.name,(width-80)/7.2):null;
              if(!name)return trace;
              lines+=name.added;
              longest=Math.max(longest,Math.min(width,55+7*String(trace.name).length));
              return name.added?Object.assign({},trace,{name:name.text}):trace;
            });
            var legend=own.legend||{},rows=legend.orientation==='h'?Math.ceil(named.length/Math.max(1,Math.floor((width-70)/longest))):named.length;
            if(legend.y<0&&own.height&&own.margin){
              // In pixels below the axis' title: plotly.js counts in parts of a height that it changes for the legend.
              var below=56+34*under,room=below+20*(rows+lines)+8;
              layout.legend=Object.assign({},legend,{y:-below/(own.height-own.margin.t-own.margin.b)});
              layout.margin=Object.assign({},layout.margin,{b:room});
              more+=room-own.margin.b-17*under;
              placed=true;
            }
            else more+=19*lines;
          }
          if(!more&&!placed)return figure;
          if(own.height)layout.height=own.height+more;
          return Object.assign({},figure,{data:data,layout:layout});
        }
        """;
}

/// <summary>Reads how high a figure wants to be, so that a page keeps its place before it is drawn.</summary>
internal static class FigureHeight
{
    private const int Default = 450;

    internal static int Of(string figureJson)
    {
        using var figure = JsonDocument.Parse(figureJson);
        return figure.RootElement.TryGetProperty("layout", out var layout)
            && layout.TryGetProperty("height", out var height) && height.TryGetDouble(out var pixels) && pixels is > 0 and < 10_000
            ? (int)pixels
            : Default;
    }
}

/// <summary>How scripts of outputs find out whether they stand on a dark ground.</summary>
internal static class PageGround
{
    /// <summary>
    /// The function <c>isDark(element)</c>. The ground is looked for upwards from the element; where there is none (VS Code paints it outside of the notebook's
    /// page) light text tells of a dark one.
    /// </summary>
    public const string IsDark = """
        function rgb(text){return (text.match(/[\d.]+/g)||[]).map(Number);}
        function light(c){return 0.2126*c[0]+0.7152*c[1]+0.0722*c[2];}
        function isDark(element){
          for(var e=element.parentElement;e;e=e.parentElement){
            var c=rgb(getComputedStyle(e).backgroundColor);
            if(c.length>=3&&c[3]!==0)return light(c)<110;
          }
          return light(rgb(getComputedStyle(element).color))>145;
        }

        """;
}
