using System.Text.RegularExpressions;

namespace SpectralKD.Interactive.Tests.Charting;

/// <summary>One copy of plotly.js in a notebook, and what its charts look like wherever that copy went, in a real browser.</summary>
public partial class ChartScriptTests
{
    private const string Drawn = "class=\"plot-container";
    private const string Picture = "<svg role=\"img\" xmlns";

    [Fact]
    public void Of_ten_charts_one_carries_plotly_and_all_are_drawn()
    {
        var outputs = Notebook(10);

        Assert.Equal([true, .. Enumerable.Repeat(false, 9)], outputs.Select(ChartScript.IsIn));
        Assert.All(outputs.Skip(1), output => Assert.InRange(output.Length, 1_000, 100_000));
        Assert.Equal(10, Regex.Count(Dom(outputs), Drawn));
    }

    [Fact]
    public void Charts_are_drawn_whichever_of_them_carries_plotly()
    {
        var outputs = Notebook(3);

        Assert.Equal(3, Regex.Count(Dom([outputs[1], outputs[2], outputs[0]]), Drawn));
    }

    [Fact]
    public void Where_the_chart_that_carries_plotly_was_deleted_the_others_stay_pictures_and_say_so()
    {
        var page = Dom([.. Notebook(3).Skip(1)]);

        Assert.Equal(2, Regex.Count(page, Picture));
        Assert.Equal(2, Regex.Count(page, "class=\"spectralkd-note\" style=\"font-size: ?85%;?\\s*\""));
        Assert.Equal(0, Regex.Count(page, Drawn));
        Assert.Contains("Spectral intensity over depth</text>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_become_charts_when_plotly_comes_later()
    {
        var outputs = Notebook(2);
        var later = $"<template id='later'>{outputs[0]}</template><div id='place'></div>" + """
            <script>setTimeout(function(){
              var place=document.getElementById('place');
              place.appendChild(document.getElementById('later').content.cloneNode(true));
              place.querySelectorAll('script').forEach(function(old){
                var fresh=document.createElement('script');
                [].forEach.call(old.attributes,function(a){fresh.setAttribute(a.name,a.value);});
                fresh.text=old.text;old.replaceWith(fresh);
              });
            },8000);</script>
            """;

        Assert.Equal(2, Regex.Count(Dom([outputs[1], later]), Drawn));
    }

    [Theory]
    [InlineData("#1e1e1e;color:#ccc", "#4b8ff5")]
    [InlineData("#ffffff;color:#333", "#0072B2")]
    public void A_picture_has_the_colours_of_its_page(string page, string line)
    {
        var picture = Dom(Notebook(2).Skip(1).Prepend($"<style>body{{background:{page}}}</style>"));

        Assert.Contains($"stroke=\"{line}\"", picture, StringComparison.Ordinal);
        Assert.Matches("<svg role=\"img\"[^>]*fill=\"currentColor\"", picture);
    }

    [Fact]
    public void Without_scripts_there_is_an_image_and_the_line()
    {
        var output = ScriptElement().Replace(Notebook(2)[1], "");

        Assert.Contains("<img alt=\"[chart] Spectral intensity over depth", output, StringComparison.Ordinal);
        Assert.Contains("src=\"data:image/svg+xml;base64,", output, StringComparison.Ordinal);
        Assert.Contains("Interactive: trust the notebook, or run its cell again.", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ChartKindsTests.All), MemberType = typeof(ChartKindsTests))]
    public void Every_kind_of_chart_has_a_picture_with_its_title_and_axes(string name, Plotly.NET.GenericChart chart)
    {
        var figure = ChartHtml.FigureJson(chart);
        var picture = StillPicture.TryDraw(figure);

        Assert.NotNull(picture);
        Assert.InRange(picture.Length, 2_000, 75_000);
        Assert.DoesNotContain("NaN", picture, StringComparison.Ordinal);
        using var json = System.Text.Json.JsonDocument.Parse(figure);
        var layout = json.RootElement.GetProperty("layout");
        var title = layout.GetProperty("title").GetProperty("text").GetString()!;
        Assert.Contains(">" + title[3..title.IndexOf("</b>", StringComparison.Ordinal)].Replace("'", "&#39;", StringComparison.Ordinal) + "</text>", picture, StringComparison.Ordinal);
        Assert.True(Regex.Count(picture, "text-anchor=\"(middle|end)\"") > 6, name);
        _ = System.Xml.Linq.XDocument.Parse(picture);
    }

    [Fact]
    public void A_chart_that_has_no_picture_carries_plotly_itself()
    {
        var pie = Plotly.NET.GenericChart.ofTraceObject(true, new Plotly.NET.Trace("pie"));
        using var sharing = ChartScript.Share();

        Assert.True(ChartScript.IsIn(ChartHtml.InNotebook(pie)));
    }

    [Fact]
    public void A_front_end_with_a_page_for_each_output_can_have_plotly_in_every_chart()
    {
        ChartScript.InEveryChart = true;
        try
        {
            using var sharing = ChartScript.Share();
            Assert.True(ChartScript.IsIn(ChartHtml.InNotebook(Charts.UCurve(SampleSpectra.U()))));
        }
        finally
        {
            ChartScript.InEveryChart = false;
        }
    }

    [Fact]
    public void Outside_of_a_notebook_a_charts_html_stands_by_itself()
        => Assert.True(ChartScript.IsIn(ChartHtml.InNotebook(Charts.UCurve(SampleSpectra.U()))));

    private static string[] Notebook(int charts)
    {
        using var sharing = ChartScript.Share();
        return [.. Enumerable.Range(0, charts).Select(i => ChartHtml.InNotebook(Charts.UCurve(SampleSpectra.U()))).Select((html, i) => i == 0 ? ChartScript.With(html) : html)];
    }

    private static string Dom(IEnumerable<string> outputs)
    {
        try
        {
            Browser.Find();
        }
        catch (SpectralKDException)
        {
            Assert.Skip("skipped: no Chromium, Chrome or Edge is installed");
        }

        return HeadlessBrowser.Dom("<!DOCTYPE html><meta charset=utf-8><body>" + string.Join("\n", outputs));
    }

    [GeneratedRegex("<script.*?</script>", RegexOptions.Singleline)]
    private static partial Regex ScriptElement();
}

/// <summary>Which output of a notebook carries plotly.js, as its cells run, run again, and go.</summary>
public class CarriedScriptTests
{
    private readonly CarriedScript _script = new();

    [Fact]
    public void The_first_chart_carries_it_and_again_when_its_cell_runs_again()
    {
        Assert.Equal([true, false, false], [Run("a", "one"), Run("b", "two"), Run("c", "three")]);
        Assert.Equal([true, false, false], [Run("a", "one, edited"), Run("b", "two, edited"), Run("c", "three, edited")]);
        Assert.Equal([true, false, false], [Run("a", "one"), Run("b", "two"), Run("c", "three")]);
    }

    [Fact]
    public void When_its_cell_shows_no_chart_any_more_the_next_chart_carries_it()
    {
        Run("a", "one");
        _script.Begin("a", "1 + 1");

        Assert.True(Run("b", "two"));
        Assert.False(Run("a", "one"));
    }

    [Fact]
    public void When_its_cell_was_deleted_the_next_chart_carries_it()
    {
        Run("a", "one");
        _script.Begin("b", "two", "x", "a");

        Assert.True(_script.Show(new object(), "b", "two", null, isChart: true));
    }

    [Fact]
    public void A_chart_that_stayed_a_picture_becomes_live_when_its_cell_is_run_again_as_it_is()
    {
        Run("a", "one");
        Assert.False(Run("b", "two"));

        Assert.True(Run("b", "two"));
    }

    [Fact]
    public void Without_names_of_cells_a_cell_is_known_by_its_code()
    {
        Assert.Equal([true, false, true], [Run(null, "Charts.UCurve(a)"), Run(null, "Charts.UCurve(b)"), Run(null, "Charts.UCurve(a)")]);
    }

    [Fact]
    public void Only_the_first_chart_of_a_run_carries_it_until_the_output_is_cleared_or_replaced()
    {
        var run = new object();
        _script.Begin("a", "code");
        Assert.Equal([true, false], [Show("1", true), Show("2", true)]);
        Assert.Equal([true, false, true], [Show("1", true), Show("2", true), Show("1", true)]);

        _script.Clear(run);
        Assert.Equal([true, false], [Show("3", true), Show("4", true)]);
        Assert.Equal([false, true], [Show("3", false), Show("4", true)]);

        bool Show(string display, bool isChart) => _script.Show(run, "a", "code", display, isChart);
    }

    private bool Run(string? cell, string code)
    {
        _script.Begin(cell, code);
        return _script.Show(new object(), cell, code, null, isChart: true);
    }
}
