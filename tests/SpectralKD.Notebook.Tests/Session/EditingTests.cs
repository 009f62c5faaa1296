using System.Text.RegularExpressions;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

public sealed class EditingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("editing-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Members_of_a_variable_of_an_earlier_cell_are_completed()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var words = new List<string>(); while (words.Count < 2) words.Add(\"x\");");
        var found = await CompleteAsync(notebook, "var a = 1;\nwords.Ad|");
        Assert.Equal((17, 19), (found.Start, found.End));
        Assert.Equal(["Add", "AddRange"], found.Items.Select(item => item.Text).Take(2));
        Assert.Equal("function", found.Items[0].Kind);
        Assert.Contains("void List<string>.Add(string item)", found.Items[0].Signature, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_of_earlier_cells_usings_and_the_notebooks_functions_are_completed()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("using System.Diagnostics;\nvar myVariable = 1; int MyFunction() => 2; class MyClass { }");
        var names = (await CompleteAsync(notebook, "my|")).Items.Select(item => item.Text).ToArray();
        Assert.Equal("myVariable", names[0]);
        Assert.Contains("MyFunction", names);
        Assert.Contains("MyClass", names);
        Assert.Contains("mine", (await CompleteAsync(notebook, "int mine = 1; await |")).Items.Select(item => item.Text));
        Assert.Contains("prompt:", (await CompleteAsync(notebook, "Kernel.GetInputAsync(pro|")).Items.Select(item => item.Text));
        foreach (var code in new[] { "var made = new |", "Console.Write(new |)", "Console.Write(new St|", "new\n  |" })
        {
            var made = (await CompleteAsync(notebook, code)).Items;
            Assert.NotEmpty(made);
            Assert.All(made, item => Assert.Contains(item.Kind, new[] { "class", "module" }));
        }

        Assert.Equal("--value", Assert.Single((await CompleteAsync(notebook, "#!set --name x --v|")).Items).Text);
        Assert.Contains("Stopwatch", (await CompleteAsync(notebook, "Stopw|")).Items.Select(item => item.Text));
        Assert.Contains("display", (await CompleteAsync(notebook, "dis|")).Items.Select(item => item.Text));
    }

    [Fact]
    public async Task The_newest_meaning_of_a_name_is_completed()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var thing = 1; int Count(int a) => a; class Item { public int Old; } enum Kind { First }");
        await notebook.RunAsync("var kept = new Item(); var list = new List<Item[]>(); (Item Item, int Number) pair = (kept, 1); const Kind kind = Kind.First;");
        await notebook.RunAsync("string thing = \"\"; int Count(string a) => 1; class Item { public int Newer; }");
        await notebook.RunAsync("var both = new { Was = kept, Is = new Item() }; var made = new Item();");
        Assert.Equal(["Newer"], await MembersAsync(notebook, "new Item().|", "Old", "Newer"));
        Assert.Equal(["Newer"], await MembersAsync(notebook, "made.|", "Old", "Newer"));
        Assert.Equal(["Old"], await MembersAsync(notebook, "kept.|", "Old", "Newer"));
        Assert.Equal(["Old"], await MembersAsync(notebook, "list[0][0].|", "Old", "Newer"));
        Assert.Equal(["Old"], await MembersAsync(notebook, "pair.Item.|", "Old", "Newer"));
        Assert.Equal(["Old"], await MembersAsync(notebook, "both.Was.|", "Old", "Newer"));
        Assert.Equal(["Newer"], await MembersAsync(notebook, "both.Is.|", "Old", "Newer"));
        Assert.Equal(["Length"], await MembersAsync(notebook, "thing.|", "Length"));
        Assert.Equal(["HasFlag"], await MembersAsync(notebook, "kind.|", "HasFlag"));
        var text = await InspectAsync(notebook, "Count(|");
        Assert.Contains("int Count(int a)", text, StringComparison.Ordinal);
        Assert.Contains("int Count(string a)", text, StringComparison.Ordinal);
        Assert.DoesNotContain("spectralkd", await InspectAsync(notebook, "bo|th"), StringComparison.Ordinal);
        Assert.DoesNotContain((await CompleteAsync(notebook, "__|")).Items, item => item.Text.Contains("spectralkd", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Variables_of_types_without_a_name_are_completed()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("""
            var rows = new[] { 1, 2 }.Select(number => new { Number = number, Text = $"{number}", Inner = new { Deep = 1.5 } }).ToList();
            var groups = rows.GroupBy(row => row.Text);
            var (left, right) = (new { Side = 1 }, 2);
            dynamic any = 1;
            int[,][] table = null;
            (int Width, string Name)[] sizes = [];
            int? maybe = 3;
            """);
        await notebook.RunAsync("event Action Happened; int Twice { get; set; } delegate int Maker(string text); record Point(int X, int Y); unsafe int* pointer;");
        Assert.Equal(["Inner", "Number", "Text"], await MembersAsync(notebook, "rows[0].|", "Inner", "Number", "Text"));
        Assert.Equal(["Deep"], await MembersAsync(notebook, "rows[0].Inner.|", "Deep"));
        Assert.Equal(["Number"], await MembersAsync(notebook, "groups.First().First().|", "Number"));
        Assert.Equal(["Side"], await MembersAsync(notebook, "left.|", "Side"));
        Assert.Equal(["Width"], await MembersAsync(notebook, "sizes[0].|", "Width"));
        Assert.Equal(["HasValue"], await MembersAsync(notebook, "maybe.|", "HasValue"));
        Assert.Equal(["Length"], await MembersAsync(notebook, "table[0, 0].|", "Length"));
        Assert.Equal(["X", "Y"], await MembersAsync(notebook, "new Point(1, 2).|", "X", "Y"));
        Assert.Equal(["Happened", "Maker", "Twice", "pointer"], await MembersAsync(notebook, "|", "Happened", "Maker", "Twice", "pointer"));
    }

    [Fact]
    public async Task Documentation_aliases_and_constants_of_earlier_cells_are_known()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("using Numbers = System.Collections.Generic.List<int>;\nusing static System.Math;");
        await notebook.RunAsync("""
            /// <summary>How many there are.</summary>
            var number = 3;
            /// <summary>A pair of things.</summary>
            class Pair
            {
                /// <summary>The first of them.</summary>
                public int First;
            }
            const double Ratio = 1.5;
            static readonly Numbers all = [];
            """);
        await notebook.RunAsync("using Numbers = System.Collections.Generic.List<string>;");
        Assert.Contains("How many there are.", await InspectAsync(notebook, "num|ber"), StringComparison.Ordinal);
        Assert.Contains("A pair of things.", await InspectAsync(notebook, "typeof(Pa|ir)"), StringComparison.Ordinal);
        Assert.Contains("The first of them.", await InspectAsync(notebook, "new Pair().Fi|rst"), StringComparison.Ordinal);
        Assert.Contains("double Ratio = 1.5", await InspectAsync(notebook, "Rat|io"), StringComparison.Ordinal);
        Assert.Equal(["Cos"], await MembersAsync(notebook, "Co|", "Cos"));
        Assert.Contains("List<string>", await InspectAsync(notebook, "new Numb|ers()"), StringComparison.Ordinal);
        Assert.Contains("List<int>", await InspectAsync(notebook, "al|l"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_earlier_cells_are_one_script_however_often_they_declare_a_name()
    {
        await using var notebook = new NotebookOfTest();
        for (var i = 0; i < 12; i++)
        {
            await notebook.RunAsync($"using System.Diagnostics;\nvar variable{i} = {i}; var again = new Again(); int Twice(int number) {{ return 2 * number; }} class Again {{ public int Of{i}; }}");
        }

        await notebook.RunAsync("var again = new Again();");
        var script = Assert.Single(new MergedSubmissions().Scripts(notebook.Session.Compiler.Last!));
        Assert.Single(Regex.Matches(script, "using System.Diagnostics;"));
        Assert.Single(Regex.Matches(script, "Twice"));
        Assert.Single(Regex.Matches(script, "class Again"));
        Assert.Single(Regex.Matches(script, " @again;"));
        Assert.Equal(12, Regex.Count(script, "@variable"));
        Assert.DoesNotContain("return", script, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_and_execution_may_run_at_the_same_time()
    {
        await using var notebook = new NotebookOfTest();
        var running = RunAllAsync();
        while (!running.IsCompleted)
        {
            Assert.NotEmpty((await CompleteAsync(notebook, "variable|")).Items.Append(new("", "")));
            Assert.NotEmpty((await CompleteAsync(notebook, "#!set --name x --value @|")).Items.Append(new("", "")));
        }

        await running;
        Assert.Equal(["variable0", "variable29"], await MembersAsync(notebook, "variable|", "variable0", "variable29"));

        async Task RunAllAsync()
        {
            for (var i = 0; i < 30; i++)
            {
                await notebook.RunAsync($"var variable{i} = {i};");
            }
        }
    }

    [Fact]
    public async Task Completion_works_below_a_magic_line_and_beside_errors()
    {
        await using var notebook = new NotebookOfTest();
        var found = await CompleteAsync(notebook, "#!time\nvar broken = (;\nConsole.WriteL|");
        Assert.Contains("WriteLine", found.Items.Select(item => item.Text));
    }

    [Fact]
    public async Task Magic_names_parameters_and_variables_are_completed()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains("#!spectral-help", (await CompleteAsync(notebook, "1+1\n#!spec|")).Items.Select(item => item.Text));
        Assert.Contains("#!time", (await CompleteAsync(notebook, "#!|")).Items.Select(item => item.Text));
        var parameters = await CompleteAsync(notebook, "#!spectral-device --u|");
        Assert.Equal("--use", Assert.Single(parameters.Items).Text);
        Assert.Equal((18, 21), (parameters.Start, parameters.End));
    }

    [Fact]
    public async Task Files_are_completed_from_the_notebooks_folder()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "scripts"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "scripts", "setup.csx"), "");
        await File.WriteAllTextAsync(Path.Combine(_folder, "scripts", "notes.txt"), "");
        await using var notebook = new NotebookOfTest(new() { WorkingDirectory = _folder });
        Assert.Equal("scripts/", Assert.Single((await CompleteAsync(notebook, "#load \"sc|")).Items).Text);
        Assert.Equal("scripts/", Assert.Single((await CompleteAsync(notebook, "#!value --name x --from-file sc|")).Items).Text);
        Directory.CreateDirectory(Path.Combine(_folder, "two words"));
        var quoted = await CompleteAsync(notebook, "#!import \"two w|");
        Assert.Equal(("two words/", "#!import \"".Length), (Assert.Single(quoted.Items).Text, quoted.Start));
        Assert.Equal("scripts/setup.csx", Assert.Single((await CompleteAsync(notebook, "#load \"scripts/|")).Items).Text);
    }

    [Fact]
    public async Task Inspection_shows_signature_and_documentation()
    {
        await using var notebook = new NotebookOfTest();
        var text = await InspectAsync(notebook, "throw new SpectralKDExcep|tion(\"\");");
        Assert.Contains("SpectralKDException.SpectralKDException(string message", text, StringComparison.Ordinal);
        await notebook.RunAsync("/// <summary>Doubles a number.</summary>\nint Twice(int number) => 2 * number;");
        var own = await InspectAsync(notebook, "Twice(|");
        Assert.Contains("int Twice(int number)", own, StringComparison.Ordinal);
        Assert.Contains("Doubles a number.", own, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspection_within_a_call_lists_the_overloads()
    {
        await using var notebook = new NotebookOfTest();
        var text = await InspectAsync(notebook, "int.Parse(|");
        Assert.Contains("int.Parse(string s)", text, StringComparison.Ordinal);
        Assert.Contains("IFormatProvider", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Math.Max(12, 3|4)", "int Math.Max(int val1, int val2)")]
    [InlineData("Console.WriteLine(\"te|xt\")", "void Console.WriteLine(string")]
    [InlineData("new List<int>(1|0)", ".List(int capacity)")]
    [InlineData("new List<in|t>()", "struct System.Int32")]
    [InlineData("new Lis|t<int>()", ".List(IEnumerable<int> collection)")]
    [InlineData("List<int> list = new(|)", ".List(IEnumerable<int> collection)")]
    [InlineData("new System.Text.StringBuilder(|", ".StringBuilder(int capacity, int maxCapacity)")]
    [InlineData("var x = 12|3;", "struct System.Int32")]
    public async Task Within_the_brackets_of_a_call_the_call_is_explained(string code, string expected)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains(expected, await InspectAsync(notebook, code), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_argument_is_explained_by_itself()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var number = 3;");
        foreach (var code in (string[])["Math.Max(|number, 2)", "Math.Max(number|, 2)"])
        {
            var text = await InspectAsync(notebook, code);
            Assert.Contains("number", text, StringComparison.Ordinal);
            Assert.DoesNotContain("Max", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("#!html\n<p>Cons|</p>")]
    [InlineData("#!markdown\nCons|")]
    [InlineData("var a = 1;\n#!js\nCons\n|")]
    public async Task Within_another_language_nothing_of_CSharp_is_proposed_or_explained(string code)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Empty((await CompleteAsync(notebook, code)).Items);
        Assert.Empty(await InspectAsync(notebook, code));
        Assert.NotEmpty((await CompleteAsync(notebook, code.Replace("|", "\n#!csharp\nCons|", StringComparison.Ordinal))).Items);
    }

    [Fact]
    public async Task Only_names_that_compile_as_they_stand_are_proposed()
    {
        await using var notebook = new NotebookOfTest();
        Assert.DoesNotContain("Stopwatch", (await CompleteAsync(notebook, "Stopw|")).Items.Select(item => item.Text));
        Assert.Contains("StringBuilder", (await CompleteAsync(notebook, "StringB|")).Items.Select(item => item.Text));
    }

    [Fact]
    public async Task Our_own_documentation_is_shown()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains("nearest of some names", await InspectAsync(notebook, "NearestName.O|f(\"a\", [])"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_said_about_nothing()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Null(await notebook.Session.InspectAsync("   ", 1));
        Assert.Null(await notebook.Session.InspectAsync("", 0));
    }

    [Fact]
    public async Task Inspecting_a_magic_line_explains_the_command()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains("--use", await InspectAsync(notebook, "#!spectral-dev|ice"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1 + 1", "complete", "")]
    [InlineData("for (var i = 0; i < 3; i++)\n{", "incomplete", "    ")]
    [InlineData("var x = (1 +", "incomplete", "")]
    [InlineData("var x = \"\"\"\n    text", "incomplete", "    ")]
    [InlineData("var x = @\"text", "incomplete", "")]
    [InlineData("/* text", "incomplete", "")]
    [InlineData("if (x", "incomplete", "")]
    [InlineData("if (true) { } else", "incomplete", "")]
    [InlineData("Action a = () => {", "incomplete", "    ")]
    [InlineData("Call(1,\n    Other(2", "incomplete", "    ")]
    [InlineData("class A\n{\n    int b;", "incomplete", "    ")]
    [InlineData("switch (1)\n{\n    case 1:", "incomplete", "    ")]
    [InlineData("var x = new[] { 1,", "incomplete", "")]
    [InlineData("do\n{\n}", "incomplete", "")]
    [InlineData("try\n{\n}", "incomplete", "")]
    [InlineData("[Obsolete", "incomplete", "")]
    [InlineData("var q = from x in new int[0]", "incomplete", "")]
    [InlineData("int 7q = ;;)", "invalid", "")]
    [InlineData("foo bar baz qux {", "invalid", "")]
    [InlineData("var x = 1 1;", "invalid", "")]
    [InlineData("var x = \"text", "invalid", "")]
    [InlineData("#!time\n1 + 1", "complete", "")]
    public async Task Enter_runs_what_is_complete(string code, string status, string indent)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal(new CodeCompleteness(status, indent), notebook.Session.IsComplete(code));
    }

    /// <summary>Those of some names that are proposed, in alphabetical order.</summary>
    private static async Task<string[]> MembersAsync(NotebookOfTest notebook, string code, params string[] asked)
        => [.. (await CompleteAsync(notebook, code)).Items.Select(item => item.Text).Intersect(asked).Order(StringComparer.Ordinal)];

    private static async Task<Completions> CompleteAsync(NotebookOfTest notebook, string code)
    {
        var position = code.IndexOf('|', StringComparison.Ordinal);
        return await notebook.Session.CompleteAsync(code.Remove(position, 1), position);
    }

    private static async Task<string> InspectAsync(NotebookOfTest notebook, string code)
    {
        var position = code.IndexOf('|', StringComparison.Ordinal);
        var bundle = await notebook.Session.InspectAsync(code.Remove(position, 1), position);
        return bundle is null ? "" : RecordedOutput.Text(bundle);
    }
}
