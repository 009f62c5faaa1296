using SpectralKD.Interactive.Magic;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

public sealed class MagicLinesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("notebook-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_magic_command_runs_between_the_cells_code()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("Console.Write(\"a\");\n#!spectral-help\nConsole.Write(\"b\");");
        Assert.Equal("stdout:a", output.Order[0]);
        Assert.Contains("spectral-help", output.Order[1], StringComparison.Ordinal);
        Assert.Equal("stdout:b", output.Order[^1]);
    }

    [Fact]
    public async Task An_unknown_magic_command_names_the_nearest_in_one_line()
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("#!spectral-hlep");
        Assert.Equal("SpectralKDError", error.Name);
        Assert.Equal("there is no magic command #!spectral-hlep; did you mean #!spectral-help? (#!lsmagic lists them)", Assert.Single(error.Traceback));
        Assert.Contains("did you mean #!time?", (await notebook.FailAsync("#!tim")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#!fsharp\nlet x = 1", "F#")]
    [InlineData("#!sql\nselect 1", "SQL")]
    [InlineData("#!python\nimport os\n#r \"x\"", "Python")]
    public async Task A_cell_in_a_language_that_is_not_here_says_so(string code, string language)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains($"runs C#, and no {language}", (await notebook.FailAsync(code)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cell_may_switch_to_markup_and_back()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("#!markdown\n# Title\n#r is text here\n#!html\n<b>x</b>\n#!js\nalert(1)\n#!csharp\n3 * 7");
        Assert.Equal("# Title\n#r is text here\n", output.Displays[0].Data.Data["text/markdown"].GetValue<string>());
        Assert.Equal("<b>x</b>\n", output.Displays[1].Data.Data["text/html"].GetValue<string>());
        Assert.Contains("<script", output.Displays[2].Data.Data["text/html"].GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("21", output.Result);
    }

    [Fact]
    public async Task Lines_within_a_string_or_a_comment_are_not_magic()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("/*\n#!nothing\n*/\nvar s = \"\"\"\n#!time\n#r \"nuget: X\"\n\"\"\";\ns");
        Assert.Equal("#!time\n#r \"nuget: X\"", output.Result.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Lines_below_magic_keep_their_numbers()
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("#!who\n\n#!who\nvar a = 1;\nthrow new FormatException();");
        Assert.Equal("   at cell [1], line 5", error.Traceback[1]);
        Assert.StartsWith("(3,1): error", (await notebook.FailAsync("#!who\n\nnothing;")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_lists_names_and_whos_types_and_values()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var n = 3; var list = new Dictionary<string, int[]>();");
        await notebook.RunAsync("var n = \"three\";");
        Assert.Equal(["list", "n"], (await notebook.RunAsync("#!who")).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        var shown = (await notebook.RunAsync("#!whos")).Displays[0].Data;
        Assert.Matches("<td[^>]*>n</td><td[^>]*>string</td><td[^>]*>three</td>", shown.Data["text/html"].GetValue<string>());
        Assert.Contains("Dictionary<string, int[]>", RecordedOutput.Text(shown), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Time_says_how_long_the_cell_took_also_when_it_fails()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Matches(@"^Wall time: \d+\.\d+ ms$", RecordedOutput.Text((await notebook.RunAsync("#!time\nawait Task.Delay(3);")).Displays[0].Data));
        await notebook.FailAsync("#!time\nthrow new FormatException();");
        Assert.Single(notebook.Output.Displays);
    }

    [Fact]
    public async Task Load_runs_a_script_whose_own_paths_start_from_its_folder()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "inner"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "inner", "a.csx"), "#load \"b.csx\"\nint FromA() => FromB() + 1;");
        await File.WriteAllTextAsync(Path.Combine(_folder, "inner", "b.csx"), "int FromB() => 41;");
        await using var notebook = new NotebookOfTest(new() { WorkingDirectory = _folder });
        Assert.Equal("42", (await notebook.RunAsync("#load \"inner/a.csx\"\nFromA()")).Result);
    }

    [Fact]
    public async Task A_script_that_is_wrong_or_missing_is_named()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "bad.csx"), "var a = 1;\nvar b = missing;");
        await File.WriteAllTextAsync(Path.Combine(_folder, "loop.csx"), "#load \"loop.csx\"");
        await using var notebook = new NotebookOfTest(new() { WorkingDirectory = _folder });
        Assert.StartsWith("bad.csx(2,9): error CS0103", (await notebook.FailAsync("#load \"bad.csx\"")).Message, StringComparison.Ordinal);
        Assert.Contains("nowhere.csx cannot be read", (await notebook.FailAsync("#load \"nowhere.csx\"")).Message, StringComparison.Ordinal);
        Assert.Contains("loads itself", (await notebook.FailAsync("#load \"loop.csx\"")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_runs_the_code_cells_of_another_notebook()
    {
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "setup.dib"), "#!csharp\n\nvar fromSetup = 5;\n\n#!markdown\n\n# text\n\n#!csharp\n\nint Add(int x) => fromSetup + x;\n");
        await using var notebook = new NotebookOfTest(new() { WorkingDirectory = _folder });
        Assert.Equal("7", (await notebook.RunAsync("#!import setup.dib\nAdd(2)")).Result);
        Assert.Contains("takes .ipynb", (await notebook.FailAsync("#!import setup.txt")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_magic_command_reads_and_sets_variables_with_their_real_types()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var text = \"old\"; class Mine { public int V = 3; } var mine = new Mine(); var anonymous = new { A = 1 };");
        await SetAsync(notebook.Session, "text", new List<(int, string)[]> { new[] { (1, "x") } }, typeof(List<(int, string)[]>));
        Assert.Equal("x", (await notebook.RunAsync("text[0][0].Item2")).Result);
        await SetAsync(notebook.Session, "grid", new int[2, 3], typeof(int[,]));
        await SetAsync(notebook.Session, "jagged", new[] { new int[1, 1] }, typeof(int[][,]));
        await SetAsync(notebook.Session, "nested", new Dictionary<string, int>().GetEnumerator(), typeof(Dictionary<string, int>.Enumerator));
        Assert.Equal("3 1", (await notebook.RunAsync("$\"{grid.GetLength(1)} {jagged[0].Length}\"")).Result);
        Assert.True(notebook.Session.Variables.TryGet("mine", out var mine));
        await SetAsync(notebook.Session, "again", mine!, mine!.GetType());
        Assert.Equal("3", (await notebook.RunAsync("again.V")).Result);
        await notebook.RunAsync("class Mine { }");
        await SetAsync(notebook.Session, "hidden", mine!, mine!.GetType());
        Assert.Equal(("hidden", typeof(object)), notebook.Session.Variables.All.Select(variable => (variable.Name, variable.Type)).First());
    }

    [Fact]
    public async Task A_variable_cannot_have_a_name_that_C_sharp_does_not_allow()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("1");
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => SetAsync(notebook.Session, "a b", 1, typeof(int)));
        Assert.Contains("'a b' cannot be the name", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_magic_line_of_a_cell_has_help_completion_and_an_example_that_parses()
    {
        await using var notebook = new NotebookOfTest();
        foreach (var command in SessionCommands.All)
        {
            var isDirective = !command.Name.StartsWith("#!", StringComparison.Ordinal);
            var line = isDirective ? command.Name + " \"x\"" : command.Name;
            var shown = RecordedOutput.Text((await notebook.RunAsync(line + " --help")).Displays[0].Data);
            Assert.StartsWith($"{command.Name}: {command.Description}", shown, StringComparison.Ordinal);
            Assert.All(command.Parameters, parameter => Assert.Contains(parameter.Description, shown, StringComparison.Ordinal));
            Assert.Same(command, MagicLine.Parse(command.Example, SessionCommands.All).Command);
            Assert.Equal(shown, RecordedOutput.Text((await notebook.Session.InspectAsync(line, command.Name.Length, CancellationToken.None))!));
            var items = isDirective ? [] : (await notebook.Session.CompleteAsync(line, line.Length, CancellationToken.None)).Items;
            Assert.True(isDirective || items.Any(item => item.Text == command.Name && item.Signature == command.Description), command.Name);
        }
    }

    [Theory]
    [InlineData("#!spectral-help time", "#!time: measures")]
    [InlineData("#!spectral-help #!set", "#!set: sets a variable")]
    public async Task The_help_command_explains_the_sessions_own_lines_too(string line, string said)
    {
        await using var notebook = new NotebookOfTest();
        Assert.StartsWith(said, RecordedOutput.Text((await notebook.RunAsync(line)).Displays[0].Data), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#!spectral-device x", "#!spectral-device has no place for \"x\"")]
    [InlineData("#!who x", "#!who stands on a line of its own; found \"x\" after it")]
    [InlineData("#!share --from csharp", "#!share needs --name and --from (the variable); for example #!share --from csharp x")]
    [InlineData("#!import", "#!import needs --file (notebook or script); for example #!import setup.ipynb")]
    [InlineData("#!share x --form csharp", "#!share has no --form; did you mean --from?")]
    [InlineData("#!spectral-model --wieghts seeded", "#!spectral-model has no --wieghts; did you mean --weights?")]
    [InlineData("#!spectral-images --as a --as b", "#!spectral-images takes --as once; found \"--as a --as b\"")]
    [InlineData("#!spectral-images textures --count @fsharp:n", "#!spectral-images --count @fsharp:n: a magic line has one kernel, csharp, and none named fsharp")]
    [InlineData("#!spectral-images textures --count @n", "#!spectral-images --count @n: there is no variable n")]
    public async Task Both_kinds_of_magic_lines_say_alike_what_is_wrong(string line, string said)
    {
        await using var notebook = new NotebookOfTest();
        Assert.StartsWith(said, Assert.Single((await notebook.FailAsync(line)).Traceback), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_with_quotes_or_a_password_can_be_a_commands_value()
    {
        await using var notebook = new NotebookOfTest(new() { Input = (request, _) => Task.FromResult<string?>(request.IsPassword ? "hunter2" : "a \"b\"") });
        Assert.Contains("there is no magic command a \"b\"", (await notebook.FailAsync("#!spectral-help @input:\"Which one?\"")).Message, StringComparison.Ordinal);
        await notebook.RunAsync("#!set --name secret --value @password");
        var error = await notebook.FailAsync("#!spectral-help --command @secret");
        Assert.Contains("there is no magic command ************", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reference_may_have_a_comment_behind_it()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "two.csx"), "var two = 2;");
        await using var notebook = new NotebookOfTest(new() { WorkingDirectory = _folder });
        Assert.Equal("2", (await notebook.RunAsync("#load \"two.csx\" // of the \"first\" lesson\ntwo")).Result);
    }

    [Fact]
    public async Task Names_and_messages_survive_in_lsmagic()
    {
        await using var notebook = new NotebookOfTest();
        var text = (await notebook.RunAsync("#!lsmagic")).Out;
        Assert.All(["#r", "#!time", "#!html", "#!spectral-help"], name => Assert.Contains(name, text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("#r \"no/such.dll\"", "there is no such assembly")]
    [InlineData("#r \"nuget: \"", "names no package")]
    [InlineData("#r \"nuget: X, abc\"", "abc is no version")]
    [InlineData("#!time 1 + 1", "#!time stands on a line of its own; found \"1 + 1\" after it")]
    [InlineData("#i \"folder\"", "takes \"nuget:\"")]
    [InlineData("#r \"nuget: X", "a quote is not closed")]
    public async Task A_wrong_reference_is_one_line(string code, string message)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains(message, Assert.Single((await notebook.FailAsync(code)).Traceback), StringComparison.Ordinal);
    }

    private static async Task SetAsync(CSharpSession session, string name, object value, Type type)
    {
        using var run = new CellExecution(new SessionState(session.Options), 0, new RecordedOutput(), CancellationToken.None);
        await session.Variables.SetAsync(name, value, type, run);
    }
}
