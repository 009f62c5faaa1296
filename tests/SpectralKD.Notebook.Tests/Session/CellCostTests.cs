using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Microsoft.CodeAnalysis.CSharp;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

/// <summary>What a small cell is spared, and that nobody sees it.</summary>
public sealed class CellCostTests
{
    [Theory]
    [InlineData("1 + 1", true, 1)]
    [InlineData("\n\nConsole.WriteLine(1); 2", true, 3)]
    [InlineData("Console.WriteLine(1);\n2", true, null)]
    [InlineData("foreach (var i in new[] { 1 }) { var twice = 2 * i; }", true, 1)]
    [InlineData("try { int.Parse(\"x\"); } catch (Exception e) { Console.WriteLine(e); }", true, null)]
    [InlineData("new[] { 1 }.Select(x => x + 1)", true, null)]
    [InlineData("Environment.StackTrace", true, null)]
    [InlineData("#line 7\n1 + 1", true, null)]
    [InlineData("var a = 1;", false, null)]
    [InlineData("int.TryParse(\"1\", out var n)", false, null)]
    [InlineData("1 is int one", false, null)]
    [InlineData("(var a, var b) = (1, 2);", false, null)]
    [InlineData("int F() => 1;", false, null)]
    [InlineData("class C;", false, null)]
    [InlineData("using System.Text;\n1", false, null)]
    [InlineData("again: 1.ToString();", false, null)]
    [InlineData("// nothing", false, null)]
    public void The_text_of_a_cell_tells_what_it_needs(string code, bool declaresNothing, int? onlyLine)
        => Assert.Equal(new CellShape(declaresNothing, onlyLine), CellShape.Of(CSharpSyntaxTree.ParseText(code, CellCompiler.ParseOptions, cancellationToken: TestContext.Current.CancellationToken)));

    [Fact]
    public async Task Cells_that_declare_nothing_share_what_the_compiler_has_bound_and_not_their_names()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var three = 3;");
        var compiler = notebook.Session.Compiler;
        CompiledCell[] cells = [.. ((string[])["1 + 1", "three", "var four = 4;"]).Select(code => compiler.Compile(code, "cell", TestContext.Current.CancellationToken))];
        Assert.Equal(cells[0].Compilation.AssemblyName, cells[1].Compilation.AssemblyName);
        Assert.NotEqual(cells[0].Compilation.AssemblyName, cells[2].Compilation.AssemblyName);
        Assert.Equal(3, cells.Select(cell => NameOf(cell.Assembly)).Distinct().Count());
        Assert.Equal([true, true, false], cells.Select(cell => cell.Symbols is null));
    }

    [Fact]
    public async Task Every_cell_sees_the_newest_of_what_others_have_declared_whatever_ran_between()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("1 + 1");
        await notebook.RunAsync("class Box { public int Held = 1; }\nvar box = new Box();");
        Assert.Equal("1", (await notebook.RunAsync("box.Held")).Result);
        await notebook.RunAsync("box.Held = 5;");
        await notebook.RunAsync("int Twice(Box held) => 2 * held.Held;");
        Assert.Equal("10", (await notebook.RunAsync("Twice(box)")).Result);
        await notebook.RunAsync("var box = \"another\";");
        Assert.Equal("7", (await notebook.RunAsync("box.Length")).Result);
        await notebook.RunAsync("using System.Numerics;");
        Assert.Equal("System.Numerics.Vector2", (await notebook.RunAsync("typeof(Vector2).FullName")).Result);
        await notebook.RunAsync("#r \"System.Xml.Linq\"");
        Assert.Equal("<a />", (await notebook.RunAsync("new System.Xml.Linq.XElement(\"a\").ToString()")).Result);
        await notebook.RunAsync("int.TryParse(\"12\", out var dozen)");
        Assert.Equal("12", (await notebook.RunAsync("dozen")).Result);
    }

    [Fact]
    public async Task An_error_in_a_cell_of_one_line_names_the_line()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal("   at cell [1], line 1", (await notebook.FailAsync("int.Parse(\"x\")")).Traceback[^1]);
        Assert.Equal("   at cell [2], line 3", (await notebook.FailAsync("\n\nint.Parse(\"x\")")).Traceback[^1]);
        await notebook.RunAsync("int Half(string text)\n{\n    return int.Parse(text) / 2;\n}");
        Assert.Equal(["   at Half in cell [3], line 3", "   at cell [4], line 1"], (await notebook.FailAsync("Half(\"x\")")).Traceback.TakeLast(2));
    }

    [Fact]
    public async Task A_cell_that_prints_what_it_caught_sees_its_own_line_there()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("try { int.Parse(\"x\"); } catch (Exception e) { Console.WriteLine(e); }");
        Assert.Contains("cell [1]:line 1", output.Out, StringComparison.Ordinal);
        Assert.Contains("cell [2]:line 1", (await notebook.RunAsync("Environment.StackTrace")).Result, StringComparison.Ordinal);
    }

    private static string NameOf(MemoryStream assembly)
    {
        using var image = new PEReader(new MemoryStream(assembly.ToArray()));
        var reader = image.GetMetadataReader();
        return reader.GetString(reader.GetAssemblyDefinition().Name);
    }
}
