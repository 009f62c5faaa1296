using System.Text;
using System.Text.Json.Nodes;
using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Tests.Running;

namespace SpectralKD.Notebook.Tests.Documents;

/// <summary>Files that Python's json and nbformat read although they are no strict JSON, and files that nobody can read.</summary>
public sealed class OddNotebookTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-odd-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void NaN_and_Infinity_are_numbers_and_are_written_again()
    {
        var json = Notebook("\"y\": [1, NaN, Infinity, -Infinity, 1e400, -1.50], \"text\": \"NaN, Infinity\"");
        var notebook = NotebookDocument.Parse(json);
        Assert.Empty(notebook.Notes);
        Assert.Equal(double.NaN, notebook.Metadata["y"]![1]!.GetValue<double>());
        var written = notebook.ToJson();
        Assert.Contains("1, NaN, Infinity, -Infinity, 1e400, -1.50", written.Replace("\n   ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(written, NotebookDocument.Parse(written).ToJson());
    }

    [Theory]
    [InlineData("\"y\": -NaN")]
    [InlineData("\"y\": NaN5")]
    [InlineData("\"y\": 1 NaN")]
    [InlineData("NaN: 1")]
    [InlineData("\"y\": nan")]
    public void What_is_no_number_in_Python_either_is_refused_in_one_line(string metadata)
        => Assert.Contains("its JSON breaks off or is wrong at line 1", Refusal(Notebook(metadata)), StringComparison.Ordinal);

    [Fact]
    public void A_figure_with_NaN_is_drawn_with_a_gap()
    {
        var notebook = NotebookDocument.Parse(Notebook("", """
            {"output_type": "display_data", "metadata": {}, "data": {"application/vnd.plotly.v1+json": {"data": [{"y": [1, NaN, 3]}]}}},
            {"output_type": "display_data", "metadata": {}, "data": {"application/json": {"y": Infinity}}},
            {"output_type": "stream", "name": "stdout", "text": "x"}
            """));
        var page = HtmlPage.Render(notebook);
        Assert.Contains("\"y\":[1,null,3]", page, StringComparison.Ordinal);
        Assert.Contains("Infinity", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_of_two_equal_names_counts_and_the_reader_says_so()
    {
        var notebook = NotebookDocument.Parse("""{"cells": [], "metadata": {"a": 1, "a": 2, "b\u001b": 1, "b\u001b": 3}, "nbformat": 3, "nbformat": 4, "nbformat_minor": 5}""");
        Assert.Equal(2, notebook.Metadata["a"]!.GetValue<int>());
        var note = Assert.Single(notebook.Notes);
        Assert.Equal("3 names stand more than once in an object (a, b\\u001B, nbformat): the last value counts, as in Jupyter", note);
    }

    [Fact]
    public void Half_a_character_is_read_and_the_reader_says_so()
    {
        const string half = """
            {"cells": [{"cell_type": "markdown", "metadata": {"k\ud83d": "\ud83d\ude00 \\ud83d \uDE00"}, "source": "# half \ud83d\n\"q\""},
             {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null, "source": "var s = \"\ud83d\";"}],
             "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
            """;
        var notebook = NotebookDocument.Parse(half);
        Assert.Equal("half a character (a lone surrogate, the first in line 1) is shown as \uFFFD", Assert.Single(notebook.Notes));
        Assert.Equal("# half \ud83d\n\"q\"", notebook.Cells[0].Source);
        Assert.Equal("😀 \\ud83d \uDE00", notebook.Cells[0].Metadata["k\ud83d"]!.GetValue<string>());
        Assert.Equal("var s = \"\ud83d\";", notebook.Cells[1].Source);
        Assert.Contains("\"k\\ud83d\": \"😀 \\\\ud83d \\ude00\"", notebook.ToJson(), StringComparison.Ordinal);
        Assert.Equal(notebook.ToJson(), NotebookDocument.Parse(notebook.ToJson()).ToJson());
        Assert.Contains("half \uFFFD", Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(HtmlPage.Render(notebook))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n.ipynb")]
    [InlineData("n.dib")]
    public void Bytes_that_are_no_UTF8_are_replaced_and_the_reader_says_so(string name)
    {
        var text = name.EndsWith(".dib", StringComparison.Ordinal)
            ? "#!markdown\n\nGr\uFFFD?e, a real \uFFFD\n"
            : Notebook("", source: "Gr\uFFFD?e, a real \uFFFD");
        var bytes = Encoding.UTF8.GetBytes(text).ToList();
        var place = Encoding.UTF8.GetByteCount(text[..text.IndexOf('\uFFFD', StringComparison.Ordinal)]);
        bytes.RemoveRange(place, 4);
        bytes.InsertRange(place, [0xFC, 0xDF]);
        var notebook = NotebookDocument.Load(Write(name, [.. bytes]));
        Assert.Equal("Gr\uFFFD\uFFFDe, a real \uFFFD", notebook.Cells[0].Source);
        Assert.Contains("2 places that are no UTF-8, the first in line", Assert.Single(notebook.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n.ipynb")]
    [InlineData("n.dib")]
    public void UTF16_is_named_as_such(string name)
    {
        var path = Write(name, [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Notebook(""))]);
        Assert.Contains("is text in UTF-16", Assert.Throws<SpectralKDException>(() => NotebookDocument.Load(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"output_type\": 5}", "cell 1: output_type of an output is a number instead of text")]
    [InlineData("{\"output_type\": \"stream\", \"name\": [], \"text\": \"x\"}", "name of an output is a list instead of text")]
    [InlineData("{\"output_type\": \"stream\", \"name\": \"stdout\", \"text\": {}}", "text of an output is an object instead of text")]
    [InlineData("{\"output_type\": \"stream\", \"name\": \"stdout\", \"text\": [\"a\", null]}", "text of an output is a list instead of text")]
    [InlineData("{\"output_type\": \"display_data\", \"data\": \"x\"}", "data of an output is text instead of an object")]
    [InlineData("{\"output_type\": \"error\", \"ename\": true, \"evalue\": \"\", \"traceback\": []}", "ename of an output is a boolean instead of text")]
    [InlineData("{\"output_type\": \"error\", \"ename\": \"\", \"evalue\": \"\", \"traceback\": 1}", "traceback of an output is a number")]
    [InlineData("null", "one of its outputs is not an object")]
    public void Outputs_of_wrong_types_are_refused_in_one_line(string output, string message)
        => Assert.Contains(message, Refusal(Notebook("", output)), StringComparison.Ordinal);

    [Theory]
    [InlineData("4.0")]
    [InlineData("\"4\"")]
    [InlineData("NaN")]
    public void A_version_of_a_wrong_type_is_named(string version)
        => Assert.Contains($"its nbformat version is {version} instead of a whole number", Refusal($$"""{"cells": [], "nbformat": {{version}}}"""), StringComparison.Ordinal);

    [Fact]
    public void A_meta_block_that_is_no_JSON_is_refused_in_one_line_and_a_lax_one_is_read()
    {
        var wrong = Write("a.dib", "#!meta\n{\"kernelInfo\": \n"u8.ToArray());
        Assert.Contains("its #!meta block is not JSON", Assert.Throws<SpectralKDException>(() => NotebookDocument.Load(wrong)).Message, StringComparison.Ordinal);
        var lax = Write("b.dib", "#!meta\n{\"a\": NaN, \"a\": \"\\ud83d\", \"kernelInfo\": {\"items\": [{\"name\": \"\\ud83d\"}]}}\n#!csharp\n1\n"u8.ToArray());
        Assert.Equal("1", Assert.Single(NotebookDocument.Load(lax).Cells).Source);
        foreach (var meta in (string[])["{\"kernelInfo\": 5}", "{\"kernelInfo\": {\"items\": [5]}}", "[]", "5"])
        {
            var path = Write("c.dib", Encoding.UTF8.GetBytes($"#!meta\n{meta}\n#!csharp\n1\n"));
            Assert.DoesNotContain('\n', Record.Exception(() => NotebookDocument.Load(path)) is { } error ? Assert.IsType<SpectralKDException>(error).Message : "");
        }
    }

    [Fact]
    public async Task A_run_warns_of_what_was_read_otherwise()
    {
        using var run = new RunFolder().WithCode("print x");
        var text = await File.ReadAllTextAsync(run.Notebook, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(run.Notebook, text.Replace("\"nbformat\": 4,", "\"nbformat\": 3, \"nbformat\": 4,", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Contains("1 name stands more than once", Assert.Single((await run.RunAsync(TestContext.Current.CancellationToken)).Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Metadata_of_other_tools_never_breaks_the_page()
    {
        foreach (var papermill in (string[])["{\"end_time\": 5, \"duration\": 1}", "{\"end_time\": \"x\", \"duration\": \"soon\"}", "{\"end_time\": \"x\", \"duration\": NaN}", "5"])
        {
            var notebook = NotebookDocument.Parse(Notebook($"\"papermill\": {papermill}"));
            notebook.Cells[0].Metadata["papermill"] = new JsonObject { ["duration"] = double.PositiveInfinity };
            Assert.Contains("<html", HtmlPage.Render(notebook), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_collected_mutants_are_read_or_refused_in_one_line()
    {
        foreach (var file in Directory.GetFiles(SpectralKD.Tests.SharedData.OrSkip("inputs", "mutants"), "*.ipynb"))
        {
            var error = Record.Exception(() => HtmlPage.Render(NotebookDocument.Load(file)));
            Assert.True(error is null or SpectralKDException, $"{file}: {error}");
        }
    }

    private static string Refusal(string json)
    {
        var message = Assert.Throws<SpectralKDException>(() => NotebookDocument.Parse(json)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private static string Notebook(string metadata, string outputs = "", string source = "1")
        => $$"""{"cells": [{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [{{outputs}}], "source": "{{source}}"}], "metadata": {{{metadata}}}, "nbformat": 4, "nbformat_minor": 5}""";

    private string Write(string name, byte[] content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
