using Microsoft.DotNet.Interactive;
using SpectralKD.Interactive;

namespace SpectralKD.DotNetInteractive.Tests;

/// <summary>Plotly.NET.Interactive, which registers HTML that needs a CDN, beside our extension.</summary>
[Collection(nameof(OneKernelAtATime))]
public sealed class PlotlyExtensionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Charts_draw_without_a_network_whether_it_is_loaded_before_or_after_ours(bool before)
    {
        using var kernel = before ? await WithPlotlyFirst() : await KernelInProcess.StartAsync();
        await LoadPlotly(kernel.Root);
        List<bool> carried = [];
        foreach (var cell in await Charts(kernel))
        {
            var events = await kernel.RunAsync(cell);
            var html = Assert.Single(KernelInProcess.Shown(events, "text/html"), ChartHtml.IsIn);
            Assert.DoesNotContain("://", html, StringComparison.Ordinal);
            carried.Add(html.Contains("-library\">", StringComparison.Ordinal));
            Assert.Single(KernelInProcess.Shown(events, "application/vnd.plotly.v1+json"));
        }

        Assert.Equal([true, false, false], carried);
    }

    [Fact]
    public async Task One_chart_of_a_notebook_carries_plotly_again_when_its_cell_runs_again()
    {
        using var kernel = await KernelInProcess.StartAsync();
        var cells = await Charts(kernel);
        List<bool> carried = [];
        foreach (var cell in (string[])[.. cells, "display(mine); display(mine);", cells[0], "mine"])
        {
            carried.AddRange(KernelInProcess.Shown(await kernel.RunAsync(cell), "text/html").Where(ChartHtml.IsIn).Select(ChartScript.IsIn));
        }

        Assert.Equal([true, false, false, false, false, true, false], carried);
    }

    [Fact]
    public async Task In_a_browser_without_a_network_a_chart_of_the_user_and_one_of_ours_are_drawn_side_by_side()
    {
        try
        {
            Browser.Find();
        }
        catch (SpectralKDException)
        {
            Assert.Skip("skipped: no browser of the Chromium family");
        }

        using var kernel = await KernelInProcess.StartAsync();
        await LoadPlotly(kernel.Root);
        var page = "<!DOCTYPE html><meta charset=utf-8><body>";
        foreach (var cell in await Charts(kernel))
        {
            page += string.Concat(KernelInProcess.Shown(await kernel.RunAsync(cell), "text/html"));
        }

        var drawn = HeadlessBrowser.Dom(page);
        Assert.Equal(3, System.Text.RegularExpressions.Regex.Count(drawn, "class=\"plot-container"));
    }

    private static async Task<string[]> Charts(KernelInProcess kernel)
    {
        await kernel.RunAsync("#!spectral-model deit_nano_patch8_64");
        await kernel.RunAsync("#!spectral-images textures --count 2");
        return ["#!spectral-analyze", "#!spectral-ucurve spectrum", "using Plotly.NET;\nGenericChart mine = SpectralKD.Interactive.Charts.UCurve(spectrum);\nmine"];
    }

    private static async Task<KernelInProcess> WithPlotlyFirst()
    {
        var kernel = await KernelInProcess.StartAsync();
        await LoadPlotly(kernel.Root);
        SpectralKD.Interactive.NotebookExtension.Install();
        return kernel;
    }

    private static Task LoadPlotly(Kernel root) => ((IKernelExtension)new Plotly.NET.Interactive.FormatterKernelExtension()).OnLoadAsync(root);
}
