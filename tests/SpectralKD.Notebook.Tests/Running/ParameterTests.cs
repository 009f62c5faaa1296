using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Runner;

namespace SpectralKD.Notebook.Tests.Running;

public sealed class ParameterTests
{
    [Theory]
    [InlineData("5", "var x = 5;")]
    [InlineData("-5000000000", "var x = -5000000000L;")]
    [InlineData("0.5", "var x = 0.5;")]
    [InlineData("1e3", "var x = 1000.0;")]
    [InlineData("True", "var x = true;")]
    [InlineData("None", "object x = null;")]
    [InlineData("nan", "var x = \"nan\";")]
    [InlineData("", "var x = \"\";")]
    [InlineData("a=b", "var x = \"a=b\";")]
    [InlineData("C:\\new \"dir\"\n", "var x = \"C:\\\\new \\\"dir\\\"\\n\";")]
    public void Values_get_the_type_that_papermill_gives_them(string text, string line)
        => Assert.Equal("// Parameters\n" + line, ParameterCell.Source([NotebookParameter.Parse("x=" + text)], new Dictionary<string, string>()));

    [Theory]
    [InlineData("double x = 0.1;", "1", "double x = 1d;")]
    [InlineData("var x = 0.1;", "1", "double x = 1d;")]
    [InlineData("float? x = null;", "None", "float? x = null;")]
    [InlineData("string x = \"a\";", "10", "string x = \"10\";")]
    [InlineData("var x = \"a\";", "True", "string x = \"True\";")]
    [InlineData("var x = -1;", "7", "int x = 7;")]
    [InlineData("var y = 0; bool x = false;", "true", "bool x = true;")]
    public void Values_keep_the_type_that_the_notebook_declares(string declaration, string text, string line)
        => Assert.Equal("// Parameters\n" + line, ParameterCell.Source([NotebookParameter.Parse("x=" + text)], DeclaredParameters.In(declaration)));

    [Fact]
    public void A_value_of_the_wrong_type_says_what_is_declared()
    {
        var error = Assert.Throws<SpectralKDException>(
            () => ParameterCell.Source([NotebookParameter.Parse("count=many")], DeclaredParameters.In("int count = 5;")));
        Assert.Equal("--parameter count=many: the notebook declares count as int, a whole number is needed", error.Message);
    }

    [Theory]
    [InlineData("count")]
    [InlineData("1x=2")]
    [InlineData("a b=2")]
    [InlineData("class=2")]
    public void An_unusable_assignment_is_refused(string assignment) => Assert.Throws<SpectralKDException>(() => NotebookParameter.Parse(assignment));

    [Fact]
    public void The_injected_cell_follows_the_declaring_one_and_replaces_an_earlier_one()
    {
        var notebook = Notebook(NotebookCell.Code("first"), NotebookCell.Code("int x = 1;", "parameters"), NotebookCell.Code("last"));
        ParameterInjection.Apply(notebook, [NotebookParameter.Parse("x=2")]);
        var warnings = ParameterInjection.Apply(notebook, [NotebookParameter.Parse("x=3"), NotebookParameter.Parse("x=4")]);
        Assert.Empty(warnings);
        Assert.Equal(["first", "int x = 1;", "// Parameters\nint x = 4;", "last"], notebook.Cells.Select(cell => cell.Source));
        Assert.Equal(["injected-parameters"], notebook.Cells[2].Tags);
    }

    [Fact]
    public void Without_a_declaring_cell_the_values_go_to_the_top_with_a_warning()
    {
        var notebook = Notebook(NotebookCell.Code("first"));
        var warning = Assert.Single(ParameterInjection.Apply(notebook, [NotebookParameter.Parse("x=2")]));
        Assert.Contains("no cell tagged \"parameters\"", warning);
        Assert.Equal("// Parameters\nvar x = 2;", notebook.Cells[0].Source);
    }

    [Fact]
    public void An_unknown_name_is_warned_about_with_the_declared_ones()
    {
        var notebook = Notebook(NotebookCell.Code("var model = \"a\";\nint count = 3;", "parameters"));
        var warning = Assert.Single(ParameterInjection.Apply(notebook, [NotebookParameter.Parse("modell=b")]));
        Assert.Equal("the notebook declares no parameter modell; it declares model, count", warning);
    }

    private static NotebookDocument Notebook(params NotebookCell[] cells)
    {
        var notebook = NotebookDocument.Create();
        foreach (var cell in cells)
        {
            notebook.Insert(notebook.Cells.Count, cell);
        }
        return notebook;
    }
}
