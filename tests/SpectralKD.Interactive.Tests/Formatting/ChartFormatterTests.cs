using Microsoft.DotNet.Interactive.Formatting;
using SpectralKD.Interactive.Tests.Charting;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Formatting;

[Collection("formatters")]
public class ChartFormatterTests
{
    [Fact]
    public void A_chart_is_given_as_figure_html_and_text()
    {
        NotebookExtension.Install(plotlyMime: true);
        NotebookExtension.Install(plotlyMime: true);
        var chart = Charts.UCurve(SampleSpectra.U());

        Assert.Equal(
            [ChartFormatter.PlotlyMime, "text/html", "text/plain"],
            Formatter.GetPreferredMimeTypesFor(chart.GetType()));
        Assert.StartsWith("{\"data\":", chart.ToDisplayString(ChartFormatter.PlotlyMime), StringComparison.Ordinal);
        Assert.Contains("-library\">", chart.ToDisplayString("text/html"), StringComparison.Ordinal);
        Assert.StartsWith("[chart] Spectral intensity over depth", chart.ToDisplayString("text/plain"), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_plotly_type_a_chart_is_html_and_text()
    {
        NotebookExtension.Install(plotlyMime: false);

        Assert.Equal(["text/html", "text/plain"], Formatter.GetPreferredMimeTypesFor(Charts.UCurve(SampleSpectra.U()).GetType()));
    }
}
