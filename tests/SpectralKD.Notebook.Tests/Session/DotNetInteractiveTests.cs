namespace SpectralKD.Notebook.Tests.Session;

/// <summary>What C# notebooks of .NET Interactive call, beyond <c>display</c>.</summary>
public sealed class DotNetInteractiveTests
{
    [Theory]
    [InlineData("(LaTeXString)@\"$\\nabla$\"", "$\\nabla$")]
    [InlineData("(MathString)@\"x^2\"", "$$x^2$$")]
    [InlineData("Formatter.ResetToDefault(); new MathString(\"$$x^2$$\")", "$$x^2$$")]
    public async Task TeX_is_shown_as_TeX(string code, string source)
    {
        await using var notebook = new NotebookOfTest();
        var data = Assert.Single((await notebook.RunAsync(code)).Results).Data;
        Assert.Equal(source, data["text/latex"].GetValue<string>());
        Assert.Equal(source, data["text/plain"].GetValue<string>());
    }

    [Fact]
    public async Task A_sequence_is_displayed_as_a_table()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync(
            "record Person(string Name, int Age);\nnew[] { new Person(\"Ada\", 36), new Person(\"Bob\", 7) }.DisplayTable(); int[] none = null; none.DisplayTable();");
        var html = output.Displays[0].Data.Data["text/html"].GetValue<string>();
        Assert.Contains("<table", html, StringComparison.Ordinal);
        Assert.Matches("Name.*Age.*Ada.*36.*Bob.*7", html.ReplaceLineEndings(""));
        Assert.Equal(["Name  Age", "Ada    36", "Bob     7"], RecordedOutput.Text(output.Displays[0].Data).Split(Environment.NewLine));
        Assert.Equal("<null>", RecordedOutput.Text(output.Displays[1].Data));
    }

    [Fact]
    public async Task A_list_that_holds_itself_ends_nothing_however_it_is_displayed()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync(
            """
            var list = new List<object>(); list.Add(list);
            object any = list;
            list.Display(); any.Display(); any.Display("text/plain"); display(any);
            var shown = display(1);
            shown.Update(any);
            """);
        const string Words = "List<object>, nested too deep to be shown (does it hold itself?)";
        Assert.Equal([Words, Words, Words, Words, "1"], output.Displays.Select(shown => RecordedOutput.Text(shown.Data)));
        Assert.Equal(Words, RecordedOutput.Text(Assert.Single(output.Updates).Data));
    }

    [Fact]
    public async Task A_text_displayed_as_a_mime_type_is_replaced_in_its_place()
    {
        await using var notebook = new NotebookOfTest();
        var first = await notebook.RunAsync("var text = \"<b>1</b>\".DisplayAs(\"text/html\");");
        var second = await notebook.RunAsync("text.Update(2);");
        Assert.Equal(first.Displays[0].Id, Assert.Single(first.Updates.Concat(second.Updates)).Id);
        Assert.Empty(second.Displays);
    }

    [Fact]
    public async Task The_kernels_functions_are_found_by_their_full_name()
    {
        await using var notebook = new NotebookOfTest(new() { Input = (request, _) => Task.FromResult<string?>($"{request.Prompt}{request.IsPassword}") });
        var output = await notebook.RunAsync(
            """
            using Microsoft.DotNet.Interactive;
            using static Microsoft.DotNet.Interactive.Kernel;
            Kernel.display(1);
            Microsoft.DotNet.Interactive.Kernel.HTML("<b>2</b>").Display();
            KernelInvocationContext.Current.Display(3, "text/plain");
            KernelInvocationContext.Current.DisplayAs("4", "text/markdown");
            Kernel.Javascript("5");
            PasswordString secret = await Kernel.GetPasswordAsync("p");
            display($"{secret} {secret.GetClearTextPassword()} {await GetInputAsync("q", "file")} {KernelInvocationContext.Current.CancellationToken.CanBeCanceled}");
            """);
        Assert.Equal(
            ["1", "<b>2</b>", "3", "4", "<script type=\"text/javascript\">5</script>", "************ pTrue qFalse False"],
            output.Displays.Select(shown => RecordedOutput.Text(shown.Data)));
        Assert.Contains("text/markdown", output.Displays[3].Data.Data);
    }

    [Theory]
    [InlineData("#!set --name x --value hello", "hello")]
    [InlineData("#!set --name=x --value=hello", "hello")]
    [InlineData("#!set --value \"one two\" --name x", "one two")]
    [InlineData("#!set --name x --value { \"a\": 1 }", "{ \"a\": 1 }")]
    [InlineData("var y = \"of y\";\n#!set --name x --value @y", "of y")]
    [InlineData("var y = \"of y\";\n#!set --name x --value @csharp:y --byref", "of y")]
    [InlineData("#!set --name x --value @input:\"Who are you?\"", "answer to Who are you?")]
    [InlineData("#!set --name x --value @input:{\"prompt\": \"Which file?\", \"type\": \"file\"}", "answer to Which file?")]
    [InlineData("#!share --from csharp x\nvar x = \"all cells see it\";", "all cells see it")]
    public async Task A_magic_line_sets_a_variable(string code, string expected)
    {
        await using var notebook = new NotebookOfTest(new()
        {
            Input = (request, _) => Task.FromResult<string?>((request.IsPassword ? "secret " : "") + $"answer to {request.Prompt}"),
        });
        await notebook.RunAsync(code);
        Assert.Equal(expected, (await notebook.RunAsync("x")).Result);
    }

    [Theory]
    [InlineData("#!set --value 3", "#!set needs --name and --value")]
    [InlineData("#!set --name x", "#!set needs --name and --value")]
    [InlineData("#!set --name x --value 3 --name y", "#!set takes --name once")]
    [InlineData("#!set --name 1x --value 3", "'1x' cannot be the name of a C# variable")]
    [InlineData("var words = 1;\n#!set --name x --value @wrods", "there is no variable wrods; did you mean words?")]
    [InlineData("#!set --name x --value @fsharp:y", "has one kernel, csharp, and none named fsharp")]
    [InlineData("#!set --name x --value @input:\"q\"", "nobody can answer here")]
    [InlineData("#!set --name x --value @input:{prompt}", "are no JSON")]
    [InlineData("#!share --from value x", "leave out #!share --from value x")]
    public async Task What_it_cannot_set_it_says_in_one_line(string code, string said)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains(said, Assert.Single((await notebook.FailAsync(code)).Traceback), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commands_parameter_may_be_asked_for()
    {
        await using var notebook = new NotebookOfTest(new() { Input = (_, _) => Task.FromResult<string?>("device") });
        var output = await notebook.RunAsync("#!spectral-help @input:\"Which command?\"");
        Assert.Contains("--use", RecordedOutput.Text(output.Displays[0].Data), StringComparison.Ordinal);
    }

    [Fact]
    public async Task About_says_what_runs_here()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains("SpectralKD.Interactive", (await notebook.RunAsync("#!about")).Out, StringComparison.Ordinal);
    }
}
