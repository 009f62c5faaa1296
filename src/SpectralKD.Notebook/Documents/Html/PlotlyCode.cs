namespace SpectralKD.Notebook.Documents.Html;

/// <summary>The JavaScript that draws Plotly figures in a page: plotly.js once, and what calls it.</summary>
internal static class PlotlyCode
{
    /// <summary>plotly.js as Plotly.NET carries it (MIT licence).</summary>
    public static string Library => FromAssembly.Value;

    /// <summary>Draws every figure, in the colours of the reader's setting unless the figure has its own, and again when that changes.</summary>
    public const string DrawAll = """
        (() => {
          const dark = matchMedia('(prefers-color-scheme: dark)');
          const printing = matchMedia('print');
          const colours = () => dark.matches && !printing.matches
            ? { text: '#d7dae0', grid: '#3a3f4a', line: '#5a6070' }
            : { text: '#24292f', grid: '#e4e7eb', line: '#b6bcc6' };
          const axis = c => ({ gridcolor: c.grid, linecolor: c.line, zerolinecolor: c.line, tickcolor: c.line, automargin: true });
          const polarAxis = c => ({ gridcolor: c.grid, linecolor: c.line });
          const themed = layout => {
            const own = layout.paper_bgcolor || layout.plot_bgcolor;
            const result = { ...layout, autosize: true };
            delete result.width;
            if (own) return result;
            const c = colours(), template = layout.template || {}, base = template.layout || {};
            const axes = {};
            for (const name of ['xaxis', 'yaxis']) axes[name] = { ...(base[name] || {}), ...axis(c) };
            result.template = { ...template, layout: { ...base, ...axes,
              paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', font: { ...(base.font || {}), color: c.text },
              polar: { ...(base.polar || {}), bgcolor: 'rgba(0,0,0,0)', angularaxis: polarAxis(c), radialaxis: polarAxis(c) },
              hoverlabel: { ...(base.hoverlabel || {}) } } };
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

    private static readonly Lazy<string> FromAssembly = new(() =>
    {
        var assembly = typeof(Plotly.NET.GenericChart).Assembly;
        var name = assembly.GetManifestResourceNames().First(resource => resource.EndsWith(".min.js", StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    });
}
