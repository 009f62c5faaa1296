using SpectralKD.Interactive;
using SpectralKD.Notebook.Documents;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests.Jupyter;

/// <summary>A notebook with a cell of each kind, unattended and in the kernel.</summary>
public sealed class PolyglotNotebookTests : IDisposable
{
    private static readonly string s_notebook = Path.Combine(SharedData.RepositoryRoot, "tests", "SpectralKD.Cli.Tests", "Jupyter", "polyglot.dib");
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-polyglot-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_dib_with_cells_of_every_kind_runs_unattended_and_those_of_other_kernels_are_passed_over_with_a_note()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "skipped: no sh on Windows");
        var said = await RunAsync(s_notebook, "--skip-unknown");
        Assert.Contains("warning: cell [10]: skipped: F# does not run in this notebook host", said, StringComparison.Ordinal);
        var executed = NotebookDocument.Load(Path.Combine(_folder, "polyglot.ipynb"));
        var outputs = executed.Cells.Where(cell => cell.Kind == CellKind.Code).Select(cell => cell.Outputs.ToJsonString()).ToArray();
        Assert.Contains("using is left out", outputs[0], StringComparison.Ordinal);
        Assert.Contains("3 bytes, 1,5", outputs[1], StringComparison.Ordinal);
        Assert.Contains("warning CS4014", outputs[1], StringComparison.Ordinal);
        Assert.Contains("graph LR", outputs[2], StringComparison.Ordinal);
        Assert.Contains("Ada,36", outputs[4], StringComparison.Ordinal);
        Assert.Contains("\"2\"", outputs[5], StringComparison.Ordinal);
        Assert.Contains("2\\n", outputs[6], StringComparison.Ordinal);
        Assert.Contains("skipped: F#", outputs[9], StringComparison.Ordinal);
        Assert.Contains("skipped: kernel sql-sales", outputs[10], StringComparison.Ordinal);
        Assert.All((string[])["text/latex", "text/markdown", "text/html"], mimeType => Assert.Contains(mimeType, outputs[11], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_that_option_the_first_such_cell_ends_the_run_in_one_line()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "skipped: no sh on Windows");
        var (code, said) = await ProgramRun.RunAsync(ProgramRun.Dotnet, [ProgramRun.CommandLine, "run", s_notebook, "--out", _folder]);
        Assert.Equal(1, code);
        Assert.Contains("spectralkd: cell [10] failed: this notebook host runs C#, and no F#: write the cell in C#, open the notebook in a host that has F#, "
            + "or pass over such cells with --skip-unknown", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#fff", "black")]
    [InlineData("#1e1e1e", "#ddd")]
    public async Task Its_diagrams_are_drawn_without_a_network_in_light_and_dark(string ground, string text)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "skipped: no sh on Windows");
        SkipWithoutBrowser();
        await RunAsync(s_notebook, "--skip-unknown");
        var page = await File.ReadAllTextAsync(Path.Combine(_folder, "polyglot.html"));
        Assert.Equal(1, page.Split("class=\"spectralkd-mermaid\"").Length - 1);
        var dom = HeadlessBrowser.Dom(page.Replace("</head>", $"<style>html,body{{background:{ground}!important;color:{text}!important}}</style></head>", StringComparison.Ordinal));
        Assert.Equal(2, dom.Split("aria-roledescription=").Length - 1);
        Assert.Contains("Teacher &amp; spectrum", dom, StringComparison.Ordinal);
        Assert.DoesNotContain("could not be drawn", dom[..dom.IndexOf("<footer", StringComparison.Ordinal)].Split("<script", 2)[0], StringComparison.Ordinal);
        Assert.Contains("class=\"mark\">changed<", dom, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_kernel_gives_for_it_what_the_runner_gives()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "skipped: no sh on Windows");
        if ((await ProgramRun.RunAsync(ProgramRun.Python, ["-c", "import nbclient"])).Code != 0)
        {
            Assert.Skip("skipped: no python3 with nbclient (Debian: apt-get install python3-nbclient)");
        }

        // A front end of Jupyter sends a cell's text, whose first line says the language.
        var dib = NotebookDocument.Load(s_notebook);
        var notebook = NotebookDocument.Create();
        foreach (var cell in dib.Cells.Where(cell => cell.Kind == CellKind.Code && CellLanguage.Of(cell, dib) != "sql-sales"))
        {
            notebook.Insert(notebook.Cells.Count, NotebookCell.Code(CellLanguage.Submission(cell, dib)));
        }

        var source = Path.Combine(_folder, "source", "polyglot.ipynb");
        Directory.CreateDirectory(Path.GetDirectoryName(source)!);
        notebook.Save(source);
        await RunAsync(source, "--skip-unknown");
        await CliAsync("jupyter", "install", "--skip-unknown");
        var said = await ProgramRun.SucceedAsync(
            ProgramRun.Python,
            [
                Path.Combine(SharedData.RepositoryRoot, "tests", "SpectralKD.Cli.Tests", "Jupyter", "run_through_jupyter.py"),
                "spectralkd", source, Path.Combine(_folder, "polyglot.ipynb"), Path.Combine(_folder, "through-jupyter.ipynb"),
            ],
            null,
            ("JUPYTER_DATA_DIR", _folder));
        Assert.Contains("the same outputs through Jupyter", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parameter_answers_a_question_of_its_name_and_a_password_is_nowhere_in_what_is_written()
    {
        var source = Path.Combine(_folder, "secret.dib");
        await File.WriteAllTextAsync(
            source,
            "#!csharp\n\n#!set --name token --value @password:\"Token?\"\n#!set --name who --value @input:\"Who?\"\n\n"
            + "#!sh\n\n#!set --name asked --value @input:\"Asked?\"\necho \"it is $asked\"\n\n"
            + "#!value --name address --from-value @password:\"Address?\"\n\n"
            + "#!csharp\n\nConsole.WriteLine(token.GetClearTextPassword().Length);\nwho\n\n#!csharp\n\ntoken\n\n#!csharp\n\n#!whos\n");
        var said = await RunAsync(source, "--parameter", "token=hunter2", "--parameter", "who=Ada", "--parameter", "n=3", "--parameter", "asked=yes", "--parameter", "address=hunter2/x");
        Assert.DoesNotContain("declares no parameter token", said, StringComparison.Ordinal);
        var written = await File.ReadAllTextAsync(Path.Combine(_folder, "secret.ipynb")) + await File.ReadAllTextAsync(Path.Combine(_folder, "secret.html"));
        Assert.DoesNotContain("hunter2", said + written, StringComparison.Ordinal);
        Assert.Contains("\"token\": \"************\"", written, StringComparison.Ordinal);
        Assert.Contains("it is yes", written, StringComparison.Ordinal);
        Assert.Contains("var n = 3;", written, StringComparison.Ordinal);
        Assert.Contains("Ada", written, StringComparison.Ordinal);
        var (code, refused) = await ProgramRun.RunAsync("sh", ["-c", $"\"{ProgramRun.Dotnet}\" \"{ProgramRun.CommandLine}\" run \"{source}\" --out \"{_folder}\" </dev/null"]);
        Assert.SkipWhen(code == 127, "skipped: no sh");
        Assert.Contains("give the value as a parameter: --parameter token=…", refused, StringComparison.Ordinal);
    }

    private Task<string> RunAsync(string notebook, params string[] more) => CliAsync(["run", notebook, "--out", _folder, .. more]);

    private Task<string> CliAsync(params string[] arguments) => ProgramRun.SucceedAsync(
        ProgramRun.Dotnet, [ProgramRun.CommandLine, .. arguments], null, ("JUPYTER_DATA_DIR", _folder));

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
