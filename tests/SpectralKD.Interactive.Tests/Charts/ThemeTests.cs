namespace SpectralKD.Interactive.Tests.Charting;

/// <summary>What a chart looks like on the grounds that notebooks have, in a real browser.</summary>
public class ThemeTests
{
    private const string Dark = "rgb(215, 218, 224)";

    [Theory]
    [InlineData("<html style='background:transparent'><body style='background:transparent;color:#ccc'>", true)] // VS Code, dark
    [InlineData("<html style='background:transparent'><body style='background:transparent;color:#fff'>", true)] // VS Code, high contrast
    [InlineData("<html style='background:transparent'><body style='background:transparent;color:#333'>", false)] // VS Code, light
    [InlineData("<html><body style='background:#111'>", true)]
    [InlineData("<html><body style='background:#fff;color:#ccc'>", false)]
    [InlineData("<html><body>", false)]
    public void A_chart_is_dark_where_its_page_is(string page, bool dark) => Assert.Equal(dark, IsDark(page + Chart()));

    [Fact]
    public void A_change_of_the_theme_draws_it_again()
    {
        var page = "<html><body class='light'><style>.dark{background:#111}.light{background:#fff}</style>" + Chart();
        Assert.True(IsDark(page + "<script>setTimeout(function(){document.body.className='dark';},3000);</script>"));
        Assert.False(IsDark(page.Replace("class='light'", "class='dark'", StringComparison.Ordinal)
            + "<script>setTimeout(function(){document.body.className='light';},3000);</script>"));
    }

    private static string Chart() => ChartHtml.WithLibrary(Charts.UCurve(SampleSpectra.U()));

    private static bool IsDark(string page)
    {
        try
        {
            Browser.Find();
        }
        catch (SpectralKDException)
        {
            Assert.Skip("skipped: no Chromium, Chrome or Edge is installed");
        }

        var dom = HeadlessBrowser.Dom("<!DOCTYPE html>" + page);
        Assert.Contains("class=\"main-svg\"", dom, StringComparison.Ordinal);
        return dom.Contains($"fill: {Dark}", StringComparison.Ordinal);
    }
}
