using SpectralKD.Notebook.Documents;

namespace SpectralKD.Notebook.Tests.Documents;

public sealed class NotebookDocumentTests
{
    // As Jupyter writes it: sorted keys, indent 1, no ASCII escapes, a line end at the end.
    private const string AsJupyterWrites = """
        {
         "cells": [
          {
           "cell_type": "markdown",
           "id": "intro",
           "metadata": {
            "custom": {
             "pi": 3.140,
             "big": 12345678901234567890123,
             "small": 1E-7
            }
           },
           "source": [
            "# Größe → λ 🎓\n",
            "a \"quoted\" \\ / <b> & 'x' + \u001b"
           ]
          },
          {
           "cell_type": "code",
           "execution_count": null,
           "id": "code-1",
           "metadata": {},
           "outputs": [],
           "source": []
          }
         ],
         "metadata": {
          "unknown": [
           null,
           true,
           {}
          ]
         },
         "nbformat": 4,
         "nbformat_minor": 5
        }

        """;

    [Fact]
    public void Reading_and_writing_changes_no_byte() => Assert.Equal(AsJupyterWrites, NotebookDocument.Parse(AsJupyterWrites).ToJson());

    [Fact]
    public void A_lone_surrogate_survives()
    {
        var json = AsJupyterWrites.Replace("3.140", "\"\\ud83d\"", StringComparison.Ordinal);
        Assert.Equal(json, NotebookDocument.Parse(json).ToJson());
    }

    [Fact]
    public void Setting_a_source_writes_lines()
    {
        var notebook = NotebookDocument.Parse(AsJupyterWrites);
        notebook.Cells[1].Source = "var a = 1;\na";
        Assert.Contains("""
               "source": [
                "var a = 1;\n",
                "a"
               ]
            """, notebook.ToJson());
    }

    [Fact]
    public void Old_minor_versions_get_ids_that_do_not_change()
    {
        const string old = """{"cells":[{"cell_type":"code","metadata":{},"source":"a","outputs":[],"execution_count":null},{"cell_type":"raw","id":"x y","metadata":{},"source":"b"},{"cell_type":"raw","id":"x","metadata":{},"source":"b"},{"cell_type":"raw","id":"x","metadata":{},"source":"b"}],"metadata":{},"nbformat":4,"nbformat_minor":2}""";
        var notebook = NotebookDocument.Parse(old);
        var ids = notebook.Cells.Select(cell => cell.Id).ToArray();
        Assert.All(ids, id => Assert.Matches("^[a-zA-Z0-9_-]{1,64}$", id));
        Assert.Equal(4, ids.Distinct().Count());
        Assert.Equal("x", ids[2]);
        Assert.Equal(ids, NotebookDocument.Parse(old).Cells.Select(cell => cell.Id));
        Assert.Contains("\"nbformat_minor\": 5", notebook.ToJson());
    }

    [Theory]
    [InlineData("", "is not a notebook: the file is empty")]
    [InlineData("hello there\nyou", "it is not JSON, it begins with \"hello there\"")]
    [InlineData("{\"cells\": [", "breaks off or is wrong at line 1")]
    [InlineData("[1]", "found JSON with a list at the top")]
    [InlineData("{\"a\": 1, \"b\": 2}", "its JSON has no nbformat version, found a, b")]
    [InlineData("{\"nbformat\": 3, \"worksheets\": []}", "is an nbformat 3 notebook, 4 is needed; convert it: jupyter nbconvert")]
    [InlineData("{\"nbformat\": 5}", "is an nbformat 5 notebook")]
    [InlineData("{\"nbformat\": 4}", "it has no list of cells")]
    [InlineData("{\"nbformat\": 4, \"cells\": [1]}", "cell 1 is a number instead of an object")]
    [InlineData("{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"video\"}]}", "cell 1: cell_type is \"video\"; code, markdown and raw are known")]
    [InlineData("{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"raw\", \"source\": [1]}]}", "cell 1: its source is a list instead of text")]
    [InlineData("{\"nbformat\": 4, \"nbformat\": 5, \"cells\": []}", "is an nbformat 5 notebook")]
    public void What_is_no_notebook_is_refused_in_one_line(string text, string message)
    {
        var error = Assert.Throws<SpectralKDException>(() => NotebookDocument.Parse(text));
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_told_apart()
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        Assert.Contains("there is no notebook", Assert.Throws<SpectralKDException>(() => NotebookDocument.Load(Path.Combine(folder, "a.ipynb"))).Message);
        Assert.Contains("is a folder", Assert.Throws<SpectralKDException>(() => NotebookDocument.Load(folder)).Message);
        Directory.Delete(folder);
    }

    [Fact]
    public void A_notebook_that_cannot_be_written_leaves_no_temporary_file()
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        Directory.CreateDirectory(Path.Combine(folder, "a.ipynb"));
        Assert.Throws<SpectralKDException>(() => NotebookDocument.Create().Save(Path.Combine(folder, "a.ipynb")));
        Assert.Empty(Directory.GetFiles(folder));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Random_text_never_throws_anything_else() => CsCheck.Check.Sample(CsCheck.Gen.String, text =>
    {
        try
        {
            NotebookDocument.Parse(text);
        }
        catch (SpectralKDException)
        {
            // The one answer to what is no notebook.
        }
    });

    [Fact]
    public void A_dib_file_becomes_cells_by_its_magic_lines()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "a.dib");
        File.WriteAllText(path, "#!meta\n\n{\"kernelInfo\":{\"defaultKernelName\":\"csharp\",\"items\":[{\"name\":\"mine\",\"aliases\":[\"m\"]}]}}\n\n"
            + "#!markdown\n\n# Title\n\n#!csharp\n\n#!spectral-help\nvar a = 1;\n\n#!fsharp\nlet b = 2\n#!m\nc");
        var notebook = NotebookDocument.Load(path);
        Assert.Equal(["# Title", "#!spectral-help\nvar a = 1;", "let b = 2", "c"], notebook.Cells.Select(cell => cell.Source));
        Assert.Equal(CellKind.Markdown, notebook.Cells[0].Kind);
        Assert.Equal(["csharp", "fsharp", "m"], notebook.Cells.Skip(1).Select(cell => CellLanguage.Of(cell, notebook)));
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }
}
