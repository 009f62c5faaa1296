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
          const themed = figure => {
            const result = dark.matches && !printing.matches ? darkFigure(figure) : figure;
            const layout = { ...result.layout, autosize: true };
            delete layout.width;
            return { data: result.data || [], layout };
          };
          const charts = [...document.querySelectorAll('.chart')].map(holder => {
            const figure = JSON.parse(holder.querySelector('script').textContent);
            const target = document.createElement('div');
            target.style.minHeight = ((figure.layout && figure.layout.height) || 450) + 'px';
            holder.append(target);
            if (figure.layout && figure.layout.width && figure.layout.width > 300) target.style.maxWidth = Math.max(figure.layout.width, 640) + 'px';
            return { target, figure };
          });
          const config = figure => ({ ...(figure.config || {}), responsive: true, displaylogo: false });
          const draw = () => charts.forEach(({ target, figure }) => {
            const { data, layout } = narrowFigure(themed(figure), target.clientWidth);
            Plotly.react(target, data, layout, config(figure)).then(() => {
              if (figure.frames && figure.frames.length && !target.dataset.frames) {
                target.dataset.frames = 'added';
                Plotly.addFrames(target, figure.frames);
              }
            });
          });
          draw();
          dark.addEventListener('change', draw);
          printing.addEventListener('change', draw);
          let width = innerWidth;
          addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
        })();

        """ + DarkFigure.Function + "\n" + NarrowFigure.Function;
}
