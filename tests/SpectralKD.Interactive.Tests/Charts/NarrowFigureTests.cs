using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SpectralKD.Interactive.Tests.Charting;

/// <summary>Charts in narrow places, in a real browser.</summary>
public partial class NarrowFigureTests
{
    [Fact]
    public void In_a_narrow_place_title_and_legend_have_lines_that_fit_and_the_chart_is_higher()
    {
        var chart = Charts.UCurve([SampleSpectra.U(), SampleSpectra.U("cait_s24_224", 24)]);
        using var narrow = JsonDocument.Parse(Drawn(ChartHtml.FigureJson(Charts.UCurve(SampleSpectra.U())), 420));
        using var several = JsonDocument.Parse(Drawn(ChartHtml.FigureJson(chart), 320));
        var layout = narrow.RootElement.GetProperty("layout");

        Assert.All(Lines(layout.GetProperty("title").GetProperty("text")), line => Assert.InRange(line.Length, 1, 60));
        Assert.Equal(480, layout.GetProperty("height").GetInt32());
        Assert.Equal(115, layout.GetProperty("margin").GetProperty("t").GetInt32());
        Assert.All(several.RootElement.GetProperty("data").EnumerateArray(), trace => Assert.All(Lines(trace.GetProperty("name")), line => Assert.InRange(line.Length, 1, 36)));
    }

    [Fact]
    public void The_names_of_the_panels_of_layer_pairs_have_the_verdict_without_its_interval_which_a_narrow_place_would_cut()
    {
        using var model = ModelLoader.Load("deit_nano_patch4_32", new() { Weights = "seeded" });
        var spectrum = SpectralAnalysis.Run(model, Textures.Create(10, 32, 2, seed: 1), cancellation: TestContext.Current.CancellationToken);
        Assert.Contains(", 95 % interval", spectrum.UShape.Words);
        var figure = ChartHtml.FigureJson(Charts.Pairs(spectrum, spectrum, LayerPairs.Select(spectrum, spectrum)));
        Assert.Contains($"\"{spectrum.UShape.Words.Split(", 95 %")[0]})\"", Regex.Unescape(figure));
        Assert.DoesNotContain("95 % interval", Regex.Unescape(figure));
    }

    [Theory]
    [InlineData(SpectralDomain.Both, 3)]
    [InlineData(SpectralDomain.Spatial, 2)]
    public void Panels_that_stand_side_by_side_are_put_one_below_another_with_the_colours_bar_between(SpectralDomain domain, int panels)
    {
        var figure = ChartHtml.FigureJson(Charts.Layer(SampleSpectra.U(domain: domain), 3));
        using var narrow = JsonDocument.Parse(Drawn(figure, 420));
        using var wide = JsonDocument.Parse(Drawn(figure, 1000));
        var layout = narrow.RootElement.GetProperty("layout");
        var rows = Enumerable.Range(1, panels).Select(n => layout.GetProperty(n == 1 ? "yaxis" : $"yaxis{n}").GetProperty("domain")).ToList();
        var bar = layout.GetProperty("coloraxis").GetProperty("colorbar");

        Assert.All(Enumerable.Range(1, panels), n => Assert.Equal("[0,1]", layout.GetProperty(n == 1 ? "xaxis" : $"xaxis{n}").GetProperty("domain").GetRawText()));
        Assert.All(rows.Zip(rows.Skip(1)), pair => Assert.True(pair.First[0].GetDouble() > pair.Second[1].GetDouble() + 0.05));
        Assert.Equal("h", bar.GetProperty("orientation").GetString());
        Assert.InRange(bar.GetProperty("y").GetDouble(), rows[1][1].GetDouble(), rows[0][0].GetDouble());
        Assert.True(layout.GetProperty("height").GetInt32() > wide.RootElement.GetProperty("layout").GetProperty("height").GetInt32());
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(figure).RootElement, wide.RootElement));
    }

    [Fact]
    public void In_a_narrow_place_no_legend_lies_over_a_title_no_words_over_others_and_all_are_large_enough_to_read()
    {
        (string Name, Plotly.NET.GenericChart Chart)[] charts =
        [
            .. ChartKindsTests.All.Select(row => (row.Data.Item1, row.Data.Item2)),
            ("two models", Charts.UCurve([SampleSpectra.U(), SampleSpectra.U("cait_s24_224", 24)])),
            ("two heatmaps", Charts.DepthFrequency([SampleSpectra.U(), SampleSpectra.U("cait_s24_224", 24)])),
        ];
        var faults = WebUtility.HtmlDecode(Result().Match(Dom($$"""
            <!DOCTYPE html><html><meta charset="utf-8"><body style="margin:0"><pre id="result"></pre><script>{{PlotlyScript.Source}}</script><script>{{NarrowFigure.Function}}
            var faults=[];
            [{{string.Join(",\n", charts.Select(chart => $"['{chart.Name}',{ChartHtml.InScript(ChartHtml.FigureJson(chart.Chart))}]"))}}].forEach(function(entry){
              var place=document.createElement('div');
              document.body.append(place);
              // A column of 85 mm in print, two pixels a point, then a page on a telephone, drawn anew in the same place.
              [482,366].forEach(function(width){
              var shown=narrowFigure(entry[1],width);
              Plotly.react(place,shown.data,Object.assign({},shown.layout,{width:width}),{displayModeBar:false});
              var whole=place.querySelector('.main-svg').getBoundingClientRect();
              var words=[...place.querySelectorAll('.gtitle,.xtitle,.x2title,.x3title,.legend,.annotation-text,.xtick text,.x2tick text,.x3tick text')].filter(function(e){return !e.closest('.legend text');})
                .map(function(e){return {name:(e.getAttribute('class')||'tick')+' '+e.textContent.slice(0,30),box:e.getBoundingClientRect(),tick:!!e.closest('.xtick,.x2tick,.x3tick')};});
              words.forEach(function(one,i){
                var a=one.box;
                if(a.left<whole.left-1||a.right>whole.right+1||a.top<whole.top-1||a.bottom>whole.bottom+1)faults.push(entry[0]+': cut: '+one.name);
                words.slice(i+1).forEach(function(other){
                  var b=other.box;
                  if(one.tick&&other.tick)return;
                  if(Math.min(a.right,b.right)-Math.max(a.left,b.left)>1&&Math.min(a.bottom,b.bottom)-Math.max(a.top,b.top)>3)faults.push(entry[0]+': '+one.name+' over '+other.name);
                });
              });
              [...place.querySelectorAll('text')].filter(function(e){return e.textContent&&parseFloat(getComputedStyle(e).fontSize)<12;}).forEach(function(e){faults.push(entry[0]+': small: '+e.textContent);});
              });
              Plotly.purge(place);
            });
            document.getElementById('result').textContent=faults.join('\n')||'none';</script></body></html>
            """)).Groups[1].Value);
        Assert.True(faults == "none", faults);
    }

    [Fact]
    public void In_a_narrow_place_lines_do_not_end_between_a_number_and_its_unit_or_spread()
    {
        var subtitle = JsonSerializer.Serialize("<b>t</b><br>" + ChartLook.Text(string.Concat(Enumerable.Repeat("mean 10.5 ± 0.5 or 95 % of 8 × 8 · ", 8))));
        var figure = "{\"data\":[],\"layout\":{\"title\":{\"text\":" + subtitle + "}}}";
        foreach (var width in Enumerable.Range(0, 8).Select(step => 200 + (7 * step)))
        {
            using var narrow = JsonDocument.Parse(Drawn(figure, width));
            var lines = Lines(narrow.RootElement.GetProperty("layout").GetProperty("title").GetProperty("text")).Select(line => WebUtility.HtmlDecode(line).Trim()).ToList();
            Assert.True(lines.Count > 8);
            Assert.All(lines, line => Assert.DoesNotMatch("^[±×%·]|[±×]$", line));
        }
    }

    [Fact]
    public void In_a_narrow_place_neighbouring_blocks_of_a_deep_model_have_one_label()
    {
        var (teacher, student) = (SampleSpectra.U("cait_s24_224", 24), SampleSpectra.U());
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(Charts.Pairs(teacher, student, LayerPairs.Select(teacher, student))));
        var layout = figure.RootElement.GetProperty("layout");
        Assert.Equal(["0", "1", "18", "19", "20", "21", "22", "23", "0", "1", "6", "7", "8", "9", "10", "11"], Texts(layout).Skip(2));
        Assert.Equal(["0–1", "18–23", "0", "1", "6", "7", "8", "9", "10", "11"], Texts(layout.GetProperty("meta").GetProperty("narrow")).Skip(2));

        static List<string> Texts(JsonElement layout) => [.. layout.GetProperty("annotations").EnumerateArray().Select(note => note.GetProperty("text").GetString()!)];
    }

    [Fact]
    public void In_a_wide_place_the_figure_is_as_it_was_made()
    {
        var figure = ChartHtml.FigureJson(Charts.UCurve(SampleSpectra.U()));

        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(figure).RootElement, JsonDocument.Parse(Drawn(figure, 1000)).RootElement));
    }

    [Fact]
    public void A_chart_is_as_wide_as_its_place_and_its_buttons_stand_beside_the_title()
    {
        var page = Dom($"<!DOCTYPE html><body style='margin:0;width:420px'>{ChartHtml.WithLibrary(Charts.UCurve(SampleSpectra.U()))}");
        var title = TitlePattern().Match(page).Value;

        Assert.Matches("class=\"main-svg\"[^>]* width=\"420\"", page);
        Assert.Matches("class=\"modebar[^\"]* vertical\"", page);
        Assert.True(Regex.Count(title, "<tspan class=\"line\"") > 2, title);
    }

    private static string[] Lines(JsonElement text) => WebUtility.HtmlDecode(Regex.Replace(text.GetString()!, "<(?!br)[^>]*>", "")).Split("<br>");

    private static string Drawn(string figureJson, int width) => WebUtility.HtmlDecode(Result().Match(Dom($$"""
        <!DOCTYPE html><html><body><pre id="result"></pre><script>{{NarrowFigure.Function}}
        document.getElementById('result').textContent=JSON.stringify(narrowFigure({{ChartHtml.InScript(figureJson)}},{{width}}));</script></body></html>
        """)).Groups[1].Value);

    private static string Dom(string page)
    {
        try
        {
            Browser.Find();
        }
        catch (SpectralKDException)
        {
            Assert.Skip("skipped: no Chromium, Chrome or Edge is installed");
        }

        return HeadlessBrowser.Dom(page);
    }

    [GeneratedRegex("<pre id=\"result\">([^<]*)</pre>")]
    private static partial Regex Result();

    [GeneratedRegex("<text class=\"gtitle\".*?</text>", RegexOptions.Singleline)]
    private static partial Regex TitlePattern();
}
