namespace SpectralKD.Interactive.Charting;

/// <summary>How a figure is drawn in a narrow place: plotly.js breaks no lines, so that titles and names in the legend would be cut. One function for every page.</summary>
public static class NarrowFigure
{
    /// <summary>
    /// JavaScript <c>function narrowFigure(figure, width)</c>: a copy whose title, axis titles and legend have lines that fit the width in pixels, with
    /// more height for them; the figure itself where they fit as they are.
    /// </summary>
    public const string Function = """
        function narrowFigure(figure,width){
          var own=figure.layout;
          if(!width||!own)return figure;
          function wrap(text,letters){
            var count=0,since=0,space=-1,added=0,tokens=String(text).match(/<[^>]*>|&[^;\s]+;|[\s\S]/g)||[];
            tokens.forEach(function(token,i){
              if(/^<br/.test(token)){count=0;space=-1;return;}
              if(token.length>1&&token[0]==='<')return;
              count++;since++;
              if(token===' '){space=i;since=0;}
              if(count>letters&&space>=0){tokens[space]='<br>';space=-1;count=since;added++;}
            });
            return {text:tokens.join(''),added:added};
          }
          function textOf(title){return title&&typeof title==='object'?title.text:title;}
          function withText(title,text){return title&&typeof title==='object'?Object.assign({},title,{text:text}):{text:text};}
          var layout=Object.assign({},own),data=figure.data||[],more=0,title=textOf(own.title);
          if(title){
            var parts=String(title).split(/<br ?\/?>([\s\S]*)/),head=wrap(parts[0],(width-30)/10),rest=parts[1]?wrap(parts[1],(width-30)/7):{text:'',added:0};
            var lines=head.added+rest.added;
            if(lines){
              layout.title=withText(own.title,head.text+(parts[1]?'<br>'+rest.text:''));
              if(own.margin&&own.margin.t)layout.margin=Object.assign({},own.margin,{t:own.margin.t+20*lines});
              more+=20*lines;
            }
          }
          var under=0;
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
            var rows=Math.ceil(named.length/Math.max(1,Math.floor(width/longest))),usual=own.legend&&own.legend.orientation==='h'?Math.ceil(named.length/Math.max(1,Math.floor(900/longest))):rows;
            more+=19*(rows-usual+lines);
            if(under&&own.legend&&own.legend.y<0)layout.legend=Object.assign({},own.legend,{y:own.legend.y-0.13*under});
          }
          if(!more)return figure;
          if(own.height)layout.height=own.height+more;
          return Object.assign({},figure,{data:data,layout:layout});
        }
        """;
}
