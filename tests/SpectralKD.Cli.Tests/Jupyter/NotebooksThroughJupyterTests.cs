using System.Text.Json.Nodes;
using SpectralKD.Interactive;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests.Jupyter;

/// <summary>The first notebook by both ways: CI does the same with all of them (<c>.ci/run</c>).</summary>
public sealed class NotebooksThroughJupyterTests : IDisposable
{
    private static readonly string s_notebook = Path.Combine(SharedData.RepositoryRoot, "notebooks", "01-first-spectrum.ipynb");
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-jupyter-").FullName;

    [Fact]
    public async Task A_notebook_gives_Jupyter_what_it_gives_the_runner_and_its_charts_are_drawn_offline()
    {
        await SkipWithoutPythonAsync("nbclient", "python3-nbclient");
        Assert.Contains("installed spectralkd", await CliAsync("jupyter", "install"));
        Assert.Contains(_folder, await CliAsync("jupyter", "list"));
        await CliAsync("run", s_notebook, "--out", _folder);

        var executed = Path.Combine(_folder, "through-jupyter.ipynb");
        var said = await ProgramRun.SucceedAsync(
            ProgramRun.Python, [Script("run_through_jupyter.py"), "spectralkd", s_notebook, Path.Combine(_folder, Path.GetFileName(s_notebook)), executed], null, JupyterFolder);
        Assert.Contains("the same outputs through Jupyter", said);

        SkipWithoutBrowser();
        Assert.True(Plots(await File.ReadAllTextAsync(Path.Combine(_folder, "01-first-spectrum.html"))) >= 2);
        string[] charts = [.. ChartsOf(executed)];
        Assert.Equal(charts.Length, Plots($"<!DOCTYPE html><html><body>{string.Join('\n', charts)}</body></html>"));
        Assert.Single(charts, SpectralKD.Interactive.ChartScript.IsIn);
        Assert.All(charts, chart => Assert.Contains("class=\"spectralkd-picture\"", chart));
    }

    [Fact]
    public async Task A_reader_of_classic_Notebook_sees_the_charts_without_a_network()
    {
        await SkipWithoutPythonAsync("notebook.notebookapp", "python3-notebook");
        SkipWithoutBrowser();
        await CliAsync("jupyter", "install");
        var copy = Path.Combine(_folder, "first.ipynb");
        File.Copy(s_notebook, copy);
        var said = await ProgramRun.SucceedAsync(
            ProgramRun.Python, [Script("run_in_classic_notebook.py"), "spectralkd", copy, Browser.Find(), Path.Combine(_folder, "seen.png")], null, JupyterFolder);
        var seen = JsonNode.Parse(said[said.IndexOf('{')..said.IndexOf('\n', said.IndexOf('{'))])!;
        Assert.Equal((int)seen["cells"]!, (int)seen["executed"]!);
        Assert.Empty(seen["errors"]!.AsArray());
        Assert.Equal(2, (int)seen["plots"]!);
    }

    [Fact]
    public async Task An_installed_kernel_can_be_removed_again()
    {
        await CliAsync("jupyter", "install", "--name", "mine");
        Assert.True(File.Exists(Path.Combine(_folder, "kernels", "mine", "kernel.json")));
        await CliAsync("jupyter", "uninstall", "--name", "mine");
        Assert.False(Directory.Exists(Path.Combine(_folder, "kernels", "mine")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private (string Name, string Value) JupyterFolder => ("JUPYTER_DATA_DIR", _folder);

    private Task<string> CliAsync(params string[] arguments) => ProgramRun.SucceedAsync(
        ProgramRun.Dotnet, [ProgramRun.CommandLine, .. arguments], null, JupyterFolder);

    // Every drawn plot has its layers of SVG; the element of the plot itself has this class, the tool bar another.
    private static int Plots(string page) => HeadlessBrowser.Dom(page).Split("class=\"plot-container plotly\"").Length - 1;

    private static List<string> ChartsOf(string notebook)
    {
        var charts = JsonNode.Parse(File.ReadAllText(notebook))!["cells"]!.AsArray()
            .SelectMany(cell => cell!["outputs"]?.AsArray() ?? [])
            .Where(output => output!["data"]?["application/vnd.plotly.v1+json"] is not null)
            .Select(output => TextOf(output!["data"]!["text/html"]!))
            .ToList();
        Assert.NotEmpty(charts);
        return charts;
    }

    private static string TextOf(JsonNode value) => value is JsonArray lines ? string.Concat(lines.Select(line => (string)line!)) : (string)value!;

    private static string Script(string name) => Path.Combine(SharedData.RepositoryRoot, "tests", "SpectralKD.Cli.Tests", "Jupyter", name);

    private static async Task SkipWithoutPythonAsync(string module, string package)
    {
        if ((await ProgramRun.RunAsync(ProgramRun.Python, ["-c", $"import {module}"])).Code != 0)
        {
            Assert.Skip($"skipped: no python3 with {module} (Debian: apt-get install {package})");
        }
    }

    private static void SkipWithoutBrowser()
    {
        try
        {
            Browser.Find();
        }
        catch (SpectralKDException e)
        {
            Assert.Skip($"skipped: {e.Message}");
        }
    }
}
