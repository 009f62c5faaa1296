using SpectralKD.Interactive;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

/// <summary>Which of a notebook's outputs carry plotly.js.</summary>
public class ChartOutputTests
{
    private const string Chart = "Plotly.NET.GenericChart.ofTraceObject(true, new Plotly.NET.Trace(\"scatter\"))";

    [Fact]
    public async Task Ten_charts_carry_plotly_once_as_values_displays_and_updates()
    {
        await using var notebook = new NotebookOfTest();
        List<string> shown = [];
        for (var i = 0; i < 10; i++)
        {
            shown.Add(Html((await notebook.RunAsync($"{Chart} // {i}")).Results[0]));
        }

        var later = await notebook.RunAsync($"var d = {Chart}.Display(); d.Update({Chart});");

        Assert.Equal([true, .. Enumerable.Repeat(false, 9)], shown.Select(ChartScript.IsIn));
        Assert.False(ChartScript.IsIn(Html(later.Displays[0].Data)));
        Assert.False(ChartScript.IsIn(Html(later.Updates[0].Data)));
    }

    [Fact]
    public async Task What_replaces_the_chart_that_carries_plotly_carries_it_too()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync($"var d = {Chart}.Display(); d.Update({Chart}); {Chart}.Display();");

        Assert.Equal([true, false], output.Displays.Select(display => ChartScript.IsIn(Html(display.Data))));
        Assert.True(ChartScript.IsIn(Html(output.Updates[0].Data)));
    }

    [Fact]
    public async Task A_cell_that_is_run_again_and_one_that_clears_its_output_carry_plotly_again()
    {
        await using var notebook = new NotebookOfTest();
        Assert.True(ChartScript.IsIn(Html((await notebook.RunAsync(Chart)).Results[0])));
        Assert.True(ChartScript.IsIn(Html((await notebook.RunAsync(Chart)).Results[0])));

        await using var other = new NotebookOfTest();
        var cleared = await other.RunAsync($"{Chart}.Display(); Kernel.ClearOutput(); {Chart}.Display(); {Chart}.Display();");
        Assert.Equal([true, true, false], cleared.Displays.Select(display => ChartScript.IsIn(Html(display.Data))));
    }

    [Fact]
    public async Task What_a_cell_writes_to_a_file_stands_by_itself()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync(Chart);

        var length = (await notebook.RunAsync($"using Microsoft.DotNet.Interactive.Formatting;\n(({Chart}).ToDisplayString(\"text/html\")).Length")).Result;
        Assert.True(int.Parse(length, null) > 1_000_000);
    }

    private static string Html(MimeBundle bundle) => bundle.Data["text/html"].GetValue<string>();
}
