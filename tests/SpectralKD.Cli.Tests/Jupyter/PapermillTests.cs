using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SpectralKD.Notebook.Runner;
using SpectralKD.Notebook.Session;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests.Jupyter;

/// <summary>
/// Papermill's <c>-p</c> writes parameters as code, by a translator that it looks up by the kernel's name, then by the language's: that for C# goes by
/// <c>.net-csharp</c> (its <c>translators.py</c>). docs/hosts.md says how our notebooks get it.
/// </summary>
public sealed partial class PapermillTests : IDisposable
{
    private static readonly string[] s_translators =
        ["python", "R", "scala", "julia", "matlab", ".net-csharp", ".net-fsharp", ".net-powershell", "pysparkkernel", "sparkkernel", "sparkrkernel", "bash"];

    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-papermill-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_documented_command_finds_papermills_translator_for_every_notebook()
    {
        foreach (var notebook in Directory.GetFiles(Path.Combine(SharedData.RepositoryRoot, "notebooks"), "*.ipynb"))
        {
            var metadata = JsonNode.Parse(File.ReadAllText(notebook))!["metadata"]!;
            Assert.Equal(".net-csharp", Translator((string)metadata["kernelspec"]!["name"]!, DocumentedLanguage()));
        }
    }

    [Theory]
    [InlineData("var text = \"a\\\"b\";\nvar n = 5;\nvar big = 3000000000L;\nvar rate = 0.25;\nvar flag = true;", "$\"{text} {n} {big} {rate} {flag}\"", "a\"b 5 3000000000 0.25 True")]
    [InlineData("var list = new [] { 1, 2 };", "list.Sum()", "3")]
    [InlineData("var map = new Dictionary<string,Object>{ { \"a\" , 1 } };", "map[\"a\"]", "1")]
    public async Task What_papermill_writes_replaces_the_declared_values(string injected, string expression, string shown)
    {
        var cells = new[] { "string text = \"\"; int n = 1; long big = 1; double rate = 1; bool flag = false;", $"// Parameters\n{injected}\n", $"Console.Write({expression})" };
        var notebook = Path.Combine(_folder, "n.ipynb");
        File.WriteAllText(notebook, Notebook(cells).ToJsonString());
        await RunAsync(notebook, _folder);
        Assert.Contains(shown, await ShownAsync(Path.Combine(_folder, "executed", "n.ipynb")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Papermill_itself_sets_the_parameters_of_a_notebook()
    {
        if ((await ProgramRun.RunAsync(ProgramRun.Python, ["-c", "import papermill"])).Code != 0)
        {
            Assert.Skip("skipped: no python3 with papermill");
        }
        var jupyter = ("JUPYTER_DATA_DIR", _folder);
        await ProgramRun.SucceedAsync(ProgramRun.Dotnet, [ProgramRun.CommandLine, "jupyter", "install"], null, jupyter);
        File.WriteAllText(Path.Combine(_folder, "n.ipynb"), Notebook("string model = \"x\"; double rate = 1;", "Console.Write($\"{model} {rate}\")").ToJsonString());
        await ProgramRun.SucceedAsync(ProgramRun.Python, ["-m", "papermill", "-l", DocumentedLanguage(), "n.ipynb", "out.ipynb", "-p", "model", "deit", "-p", "rate", "0.25"], _folder, jupyter);
        Assert.Contains("deit 0.25", await ShownAsync(Path.Combine(_folder, "out.ipynb")), StringComparison.Ordinal);
    }

    private static string? Translator(string kernel, string language)
        => s_translators.Contains(kernel) ? kernel : s_translators.Contains(language) ? language : null;

    private static string DocumentedLanguage()
        => PapermillCommand().Match(File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "docs", "hosts.md"))).Groups["language"].Value;

    private static JsonObject Notebook(params string[] cells) => new()
    {
        ["cells"] = new JsonArray([.. cells.Select((source, index) => (JsonNode)new JsonObject
        {
            ["cell_type"] = "code",
            ["execution_count"] = null,
            ["id"] = $"c{index}",
            ["metadata"] = index == 0 ? new JsonObject { ["tags"] = new JsonArray("parameters") } : [],
            ["outputs"] = new JsonArray(),
            ["source"] = source,
        })]),
        ["metadata"] = new JsonObject
        {
            ["kernelspec"] = new JsonObject { ["display_name"] = "C# (SpectralKD)", ["language"] = "C#", ["name"] = "spectralkd" },
            ["language_info"] = new JsonObject { ["name"] = "C#" },
        },
        ["nbformat"] = 4,
        ["nbformat_minor"] = 5,
    };

    private static async Task RunAsync(string notebook, string folder)
    {
        var result = await NotebookRunner.RunAsync(notebook, () => new CSharpSession(), new() { OutputFolder = Path.Combine(folder, "executed"), WriteHtml = false });
        Assert.True(result.Succeeded, result.Failure?.Error.Message);
    }

    private static async Task<string> ShownAsync(string notebook) => string.Concat(
        JsonNode.Parse(await File.ReadAllTextAsync(notebook))!["cells"]!.AsArray().SelectMany(cell => cell!["outputs"]!.AsArray())
            .Where(output => (string?)output!["output_type"] == "stream")
            .Select(output => output!["text"] is JsonArray lines ? string.Concat(lines.Select(line => (string)line!)) : (string)output["text"]!));

    [GeneratedRegex("papermill -l (?<language>[^ ]+) ")]
    private static partial Regex PapermillCommand();
}
