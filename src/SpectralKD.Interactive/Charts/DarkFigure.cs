namespace SpectralKD.Interactive.Charting;

/// <summary>
/// How a figure in the common look is drawn on a dark page: no ground of its own, light text, quiet grid, and brighter series colours, since those made
/// for white paper have too little contrast there. One function for every page.
/// </summary>
public static class DarkFigure
{
    /// <summary>
    /// JavaScript <c>function darkFigure(figure)</c>: a copy in dark colours. A figure whose ground is not white has colours of its own and is returned
    /// as it is. Before it stands <c>function brighterColours(text)</c>: JSON or markup in the common look's colours, in dark ones.
    /// </summary>
    public const string Function = """
        function brighterColours(text){
          var brighter={'#0072b2':'#5ab4e8','#d55e00':'#f58e45','#009e73':'#35c79b','#000000':'#d7dae0','#8c6d1f':'#cba64e','#1f2933':'#d7dae0','#6b7280':'#a3abb7'};
          return text.replace(/"#[0-9a-f]{6}"|color:#[0-9a-f]{6}/gi,function(found){
            var at=found.indexOf('#'),to=brighter[found.substr(at,7).toLowerCase()];
            return to?found.substr(0,at)+to+found.substr(at+7):found;
          });
        }
        function darkFigure(figure){
          function white(c){return !c||/^(white|#fff(fff)?|rgb\(255, ?255, ?255\))$/i.test(c);}
          var own=figure.layout||{};
          if(!white(own.paper_bgcolor)||!white(own.plot_bgcolor))return figure;
          var copy=JSON.parse(brighterColours(JSON.stringify(figure)));
          var layout=copy.layout=copy.layout||{},lines={gridcolor:'#3a3f4a',linecolor:'#6b7280',zerolinecolor:'#5a6070',tickcolor:'#6b7280'};
          layout.paper_bgcolor=layout.plot_bgcolor='rgba(0,0,0,0)';
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
