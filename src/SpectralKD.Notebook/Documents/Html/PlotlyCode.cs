using SpectralKD.Interactive.Charting;

namespace SpectralKD.Notebook.Documents.Html;

/// <summary>The JavaScript that draws Plotly figures in a page: plotly.js once, and what calls it.</summary>
internal static class PlotlyCode
{
    /// <summary>plotly.js itself.</summary>
    public static string Library => PlotlyScript.Source;

    /// <summary>Draws every figure, in the colours of the reader's setting unless the figure has its own, and again when that changes.</summary>
    public const string DrawAll = """
        (() => {
          const dark = matchMedia('(prefers-color-scheme: dark)');
          const printing = matchMedia('print');
          const isLight = colour => !colour || /^(white|#fff(fff)?|rgb\(255, ?255, ?255\))$/i.test(colour);
          const axis = { gridcolor: '#3a3f4a', linecolor: '#6b7280', zerolinecolor: '#5a6070', tickcolor: '#6b7280' };
          const polar = { gridcolor: '#3a3f4a', linecolor: '#6b7280' };
          const darkened = layout => {
            const base = (layout.template || {}).layout || {};
            const result = { ...layout, paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)' };
            result.font = { ...(layout.font || {}), color: '#d7dae0' };
            result.modebar = { bgcolor: 'rgba(0,0,0,0)', color: '#6b7280', activecolor: '#d7dae0' };
            for (const name of Object.keys(layout)) if (/^[xy]axis\d*$/.test(name)) result[name] = { ...layout[name], ...axis };
            result.template = { ...layout.template, layout: { ...base,
              xaxis: { ...base.xaxis, ...axis }, yaxis: { ...base.yaxis, ...axis },
              polar: { ...base.polar, bgcolor: 'rgba(0,0,0,0)', angularaxis: polar, radialaxis: polar } } };
            return result;
          };
          const themed = layout => {
            const isOwn = !isLight(layout.paper_bgcolor) || !isLight(layout.plot_bgcolor);
            const result = dark.matches && !printing.matches && !isOwn ? darkened(layout) : { ...layout };
            result.autosize = true;
            delete result.width;
            return result;
          };
          const charts = [...document.querySelectorAll('.chart')].map(holder => {
            const figure = JSON.parse(holder.querySelector('script').textContent);
            const target = document.createElement('div');
            target.style.height = ((figure.layout && figure.layout.height) || 450) + 'px';
            holder.append(target);
            if (figure.layout && figure.layout.width && figure.layout.width > 300) target.style.maxWidth = Math.max(figure.layout.width, 640) + 'px';
            return { target, figure };
          });
          const config = figure => ({ ...(figure.config || {}), responsive: true, displaylogo: false });
          const draw = () => charts.forEach(({ target, figure }) => {
            Plotly.react(target, figure.data || [], themed(figure.layout || {}), config(figure)).then(() => {
              if (figure.frames && figure.frames.length && !target.dataset.frames) {
                target.dataset.frames = 'added';
                Plotly.addFrames(target, figure.frames);
              }
            });
          });
          draw();
          dark.addEventListener('change', draw);
          printing.addEventListener('change', draw);
        })();
        """;
}
