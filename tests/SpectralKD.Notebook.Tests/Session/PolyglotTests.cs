using System.Net;
using System.Net.Sockets;
using System.Text;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

/// <summary>Cells and parts of cells that are not C#.</summary>
public sealed class PolyglotTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("notebook-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_mermaid_diagram_is_HTML_that_carries_what_draws_it_and_its_source_as_text()
    {
        await using var notebook = new NotebookOfTest();
        var data = (await notebook.RunAsync("#!mermaid\ngraph TD\n  A[\"</script>\"] --> B\n")).Displays[0].Data.Data;
        Assert.Equal("graph TD\n  A[\"</script>\"] --> B", data["text/plain"].GetValue<string>());
        var html = data["text/html"].GetValue<string>();
        Assert.Contains("A[&quot;&lt;/script&gt;&quot;]", html, StringComparison.Ordinal);
        Assert.Contains("class=\"spectralkd-mermaid\"", html, StringComparison.Ordinal);
        Assert.DoesNotContain("http://", html.Replace("http://www.w3.org", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("src=", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_diagram_of_a_notebook_carries_what_draws_them_all_and_again_where_its_cell_runs_again()
    {
        await using var notebook = new NotebookOfTest();
        Assert.True(await CarriesAsync("#!mermaid\ngraph TD\n  A --> B"));
        Assert.False(await CarriesAsync("#!mermaid\nsequenceDiagram\n  Notebook->>Kernel: execute_request"));
        Assert.True(await CarriesAsync("#!mermaid\ngraph TD\n  A --> B"));

        async Task<bool> CarriesAsync(string code)
            => (await notebook.RunAsync(code)).Displays[0].Data.Data["text/html"].GetValue<string>().Contains("class=\"spectralkd-mermaid\"", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#!value --name x\n\n  one\n  two\n\n", "one\n  two")]
    [InlineData("#!value --name x --from-file data.txt", "1,2,3")]
    [InlineData("#!value --name \"x\" --from-file \"data.txt\"\n", "1,2,3")]
    [InlineData("#!value --name x --from-value \"some text\"", "some text")]
    [InlineData("var y = \"of y\";\n#!value --name x --from-value @y", "of y")]
    [InlineData("#!value --name y --from-value \"of y\"\n#!value --name x --from-value @value:y", "of y")]
    [InlineData("#!value --name y --from-value \"of y\"\n#!csharp\n#!share --from value y --as x", "of y")]
    [InlineData("#!value --name y\nof y\n#!csharp\n#!set --name x --value @value:y", "of y")]
    [InlineData("#!value --name x --from-value @input:\"Which one?\"", "answer to Which one?")]
    [InlineData("#!value --name x", "")]
    public async Task A_value_becomes_a_variable(string code, string expected)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "data.txt"), "1,2,3");
        await using var notebook = new NotebookOfTest(new()
        {
            WorkingDirectory = _folder,
            Input = (request, _) => Task.FromResult<string?>($"answer to {request.Prompt}"),
        });
        await notebook.RunAsync(code);
        Assert.Equal(expected, (await notebook.RunAsync("x.ToString()")).Result);
    }

    [Fact]
    public async Task A_value_with_a_MIME_type_is_shown()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("#!value --name x --mime-type text/markdown\n**bold**");
        Assert.Equal("**bold**", output.Displays[0].Data.Data["text/markdown"].GetValue<string>());
    }

    [Fact]
    public async Task A_value_is_read_from_an_address()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var answering = AnswerAsync(server, "200 OK", "name,age\nAda,36\n");
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync($"#!value --name x --from-url http://127.0.0.1:{((IPEndPoint)server.LocalEndpoint).Port}/data.csv");
        await answering;
        Assert.Equal("name,age\nAda,36\n", (await notebook.RunAsync("x")).Result);
    }

    [Theory]
    [InlineData("#!value\ntext", "#!value needs --name")]
    [InlineData("#!value", "#!value needs --name")]
    [InlineData("#!value --name x --from-file nowhere.txt", "#!value --from-file nowhere.txt: the file cannot be read")]
    [InlineData("#!value --name x --from-file binary.dat", "is no text in UTF-8")]
    [InlineData("#!value --name x --from-url http://127.0.0.1:9/data.csv", "#!value --from-url http://127.0.0.1:9/data.csv: nothing could be read there")]
    [InlineData("#!value --name x --from-url data.csv", "an address begins with https:// or http://")]
    [InlineData("#!value --name x --from-file data.txt\nand text", "takes --from-file or a text below it, not both")]
    [InlineData("#!value --name x --from-file a --from-url b", "takes one of --from-file and --from-url")]
    [InlineData("#!value --name x --from-fiel a", "#!value has no --from-fiel; did you mean --from-file?")]
    [InlineData("#!value --name 1x\ntext", "'1x' cannot be the name of a C# variable")]
    [InlineData("#!html --name x\n<b>b</b>", "#!html stands on a line of its own; found \"--name x\" after it")]
    public async Task What_is_no_value_is_refused_in_one_line(string code, string said)
    {
        await File.WriteAllBytesAsync(Path.Combine(_folder, "binary.dat"), [0x89, 0x50, 0xc3, 0x28]);
        await using var notebook = new NotebookOfTest(new() { WorkingDirectory = _folder });
        Assert.Contains(said, Assert.Single((await notebook.FailAsync(code)).Traceback), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shell_runs_a_cell_with_its_output_as_it_comes_and_nothing_to_read()
    {
        RequireShell();
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("#!sh\necho \"out\"\necho err >&2\nread line || echo \"nothing to read\"\npwd\n#!csharp\n6 * 7");
        Assert.Equal($"out\nnothing to read\n{Environment.CurrentDirectory}\n", output.Out);
        Assert.Equal("err\n", output.Error);
        Assert.Equal("42", output.Result);
    }

    [Fact]
    public async Task A_shell_gets_the_variables_that_its_cell_names()
    {
        RequireShell();
        await using var notebook = new NotebookOfTest(new() { Input = (_, _) => Task.FromResult<string?>("hunter2") });
        await notebook.RunAsync("var who = \"Ada\"; var rate = 0.5;\n#!set --name token --value @password:Token");
        var output = await notebook.RunAsync("#!sh\n#!share --from csharp who\n#!share --from csharp token --as TOKEN\n#!set --name RATE --value @csharp:rate\necho \"$who $RATE ${#TOKEN}\"");
        Assert.Equal("Ada 0.5 7\n", output.Out);
        Assert.Equal("there is no variable nobody: set it by #!value --name nobody, or leave out #!share --from csharp nobody", (await notebook.FailAsync("#!sh\n#!share --from csharp nobody\necho x")).Message);
    }

    [Fact]
    public async Task A_shell_that_fails_ends_the_cell_with_its_code_in_one_line()
    {
        RequireShell();
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("#!sh\necho before\nnosuchprogram\nexit 3");
        Assert.Matches(@"^sh ended with exit code 3: cell \[1\]: .*nosuchprogram.*not found$", Assert.Single(error.Traceback));
        Assert.Equal("before\n", notebook.Output.Out);
        Assert.StartsWith("cell [1]: ", notebook.Output.Error, StringComparison.Ordinal);
        Assert.Equal("sh ended with exit code 4", (await notebook.FailAsync("#!sh\nexit 4")).Message);
        Assert.Equal(
            "sh ended with exit code 1: bad", (await notebook.FailAsync("#!sh\nprintf '\\033[31;1mLine |\\n     | \\033[31;1mbad\\033[0m\\n\\n' >&2\nexit 1")).Message);
    }

    [Fact]
    public async Task A_shell_counts_the_lines_of_the_cell()
    {
        if (!File.Exists("/bin/bash"))
        {
            Assert.Skip("skipped: no bash here");
        }

        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("1 + 1\n#!bash\necho fine\nnosuchprogram");
        Assert.Equal("bash ended with exit code 127: cell [1]: line 4: nosuchprogram: command not found", error.Message);
    }

    [Fact]
    public async Task What_a_shell_leaves_running_does_not_hold_up_the_notebook()
    {
        RequireShell();
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("#!sh\nsleep 60 &\necho $!");
        await notebook.RunAsync($"System.Diagnostics.Process.GetProcessById({output.Out.Trim()}).Kill();");
    }

    [Fact]
    public async Task An_interrupt_ends_a_shell_and_all_that_it_started()
    {
        RequireShell();
        await using var notebook = new NotebookOfTest();
        using var interrupt = new CancellationTokenSource();
        var running = notebook.TryAsync("#!sh\nsh -c 'echo $$; sleep 1000' &\nwait", interrupt.Token);
        while (!notebook.Output.Out.EndsWith('\n'))
        {
            await Task.Delay(20);
        }

        await interrupt.CancelAsync();
        Assert.Equal("Interrupted", (await running).Error!.Name);
        var inner = int.Parse(notebook.Output.Out, System.Globalization.CultureInfo.InvariantCulture);
        while (IsRunning(inner))
        {
            await Task.Delay(20);
        }

        Assert.Equal("1", (await notebook.RunAsync("1")).Result);
    }

    [Fact]
    public async Task PowerShell_runs_a_cell_or_what_to_install_is_said_in_one_line()
    {
        RequireShell();
        var program = Path.Combine(_folder, "pwsh");
        await File.WriteAllTextAsync(program, "#!/bin/sh\nfor last; do :; done\necho \"$1 ${last##*.}\"\ncat \"$last\"\n");
        await using var notebook = new NotebookOfTest();
        var path = Environment.GetEnvironmentVariable("PATH");
        try
        {
            Environment.SetEnvironmentVariable("PATH", _folder);
            File.Move(program, program + ".off");
            Assert.Equal(
                "#!pwsh needs pwsh, which is not on the path (PATH): install PowerShell (https://aka.ms/powershell)", (await notebook.FailAsync("#!pwsh\nGet-Date")).Message);
            Assert.Equal(
                "#!cmd needs cmd, which is a part of Windows and not on the path (PATH) here: write the cell for #!bash or #!pwsh", (await notebook.FailAsync("#!cmd\ndir")).Message);
            File.Move(program + ".off", program);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            }

            Environment.SetEnvironmentVariable("PATH", $"{_folder}:{path}");
            var output = await notebook.RunAsync("#!powershell\nGet-Date");
            Assert.Equal(["-NoLogo ps1", "", "Get-Date"], output.Out.Replace("\uFEFF", "", StringComparison.Ordinal).TrimEnd().Split('\n').Select(line => line.Trim()));
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", path);
        }
    }

    [Theory]
    [InlineData("!ls", "Is it for the shell? Put it below a line #!bash")]
    [InlineData("!ls -la", "Is it for the shell? Put it below a line #!bash")]
    [InlineData("%%bash\nls", "begins with its name, #!bash or #!html")]
    [InlineData("ls -l", "Is it for the shell? Put it below a line #!bash")]
    [InlineData("\nls", "Is it for the shell? Put it below a line #!bash")]
    [InlineData("cd ..\nls -l /tmp | head", "Is it for the shell? Put it below a line #!bash")]
    [InlineData("echo \"hello\"", "Is it for the shell? Put it below a line #!bash")]
    [InlineData("dotnet --info", "Is it for the shell? Put it below a line #!bash")]
    public async Task What_IPython_would_take_for_the_shell_is_told_what_it_is_here(string code, string said)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains(said, (await notebook.FailAsync(code)).Message, StringComparison.Ordinal);
        Assert.Equal("True", (await notebook.RunAsync("var flag = false;\n!flag")).Result);
    }

    [Theory]
    [InlineData("#!/bin/bash\nls", "a cell for bash begins with #!bash: write that in place of #!/bin/bash")]
    [InlineData("#!/usr/bin/env sh\nls", "a cell for sh begins with #!sh: write that in place of #!/usr/bin/env sh")]
    [InlineData("#!/usr/bin/python3 -u\nprint(1)", "#!/usr/bin/python3 -u begins a script for python3, which cells are not for here: run it from a cell that begins with #!bash")]
    public async Task A_script_that_names_its_program_is_told_how_a_cell_names_it(string code, string said)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal(said, (await notebook.FailAsync(code)).Message);
    }

    [Fact]
    public async Task Magic_lines_in_a_cell_of_a_shell_are_carried_out()
    {
        RequireShell();
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var who = 1;");
        var output = await notebook.RunAsync("#!sh\n#!/bin/sh\n#!time\n#!who\n#! a comment\n#!nobody\necho \"in $(pwd | wc -l) line\"");
        Assert.Equal("who\nin 1 line\n", output.Out);
        Assert.StartsWith("Wall time: ", RecordedOutput.Text(Assert.Single(output.Displays).Data), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("var x = 1;\nls -l")]
    [InlineData("ls.Count")]
    [InlineData("ls(1);")]
    [InlineData("ls = 1;")]
    [InlineData("string x = 1;")]
    [InlineData("nobodyHasSuchAProgram -l")]
    public async Task What_is_no_command_of_a_shell_is_not_taken_for_one(string code)
    {
        await using var notebook = new NotebookOfTest();
        Assert.DoesNotContain("shell", (await notebook.FailAsync(code)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#!fsharp\nlet x = 1\n#!csharp\n1 + 1", "skipped: F# does not run in this notebook host\n")]
    [InlineData("#!share --from fsharp x\n1 + 1", "skipped: #!share --from fsharp x does not run in this notebook host\n")]
    [InlineData("#!set --name x --value @fsharp:x\n1 + 1", "skipped: #!set @fsharp:x does not run in this notebook host\n")]
    [InlineData("#!value --name x --from-value @sql:x\n#!csharp\n1 + 1", "skipped: #!value @sql:x does not run in this notebook host\n")]
    [InlineData("#!bash\n#!share --from fsharp x\nrm -rf /nowhere/$x\n#!csharp\n1 + 1", "skipped: #!share --from fsharp, and so what follows it in bash, does not run in this notebook host\n")]
    [InlineData("#!bash\n#!set --name x --value @fsharp:x\nrm -rf /nowhere/$x\n#!csharp\n1 + 1", "skipped: #!set @fsharp:x, and so what follows it in bash, does not run in this notebook host\n")]
    [InlineData("#!connect mssql --kernel-name sales \"Server=x;Password=y\"\n1 + 1", "skipped: #!connect mssql does not run in this notebook host\n")]
    [InlineData("#!connect --help\n1 + 1", "skipped: #!connect does not run in this notebook host\n")]
    [InlineData("#!sql-sales\nSELECT 1\n#!csharp\n1 + 1", "skipped: SQL does not run in this notebook host\n")]
    public async Task A_part_in_another_language_is_passed_over_with_a_note_where_that_is_wanted(string code, string note)
    {
        await using var notebook = new NotebookOfTest(new() { SkipUnknown = true });
        var output = await notebook.RunAsync(code);
        Assert.Equal(note, output.Error);
        Assert.Equal("2", output.Result);
    }

    [Fact]
    public async Task A_line_that_connects_another_kernel_is_refused_without_its_secrets_where_none_is_passed_over()
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("#!connect mssql --kernel-name sales \"Server=x;Password=y\"");
        Assert.StartsWith("#!connect mssql: this notebook host runs C#, and no other kernels", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("--skip-unknown", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LaTeX(@\"x^2\")", "text/latex", "$$x^2$$")]
    [InlineData("LaTeX(@\"where $x^2$ is\")", "text/latex", "where $x^2$ is")]
    [InlineData("LaTeX(@\"\\begin{matrix}1\\end{matrix}\")", "text/latex", "\\begin{matrix}1\\end{matrix}")]
    [InlineData("Markdown(\"**bold**\")", "text/markdown", "**bold**")]
    [InlineData("HTML(\"<b>bold</b>\")", "text/html", "<b>bold</b>")]
    [InlineData("Formatter.ResetToDefault(); Markdown(\"*x*\")", "text/markdown", "*x*")]
    public async Task Markup_from_code_is_shown_as_what_it_is_and_as_its_source(string code, string mimeType, string source)
    {
        await using var notebook = new NotebookOfTest();
        var data = Assert.Single((await notebook.RunAsync(code)).Results).Data;
        Assert.Equal(source, data[mimeType].GetValue<string>());
        Assert.Equal(source, data["text/plain"].GetValue<string>());
        Assert.Contains("<h1", (await notebook.RunAsync("using Markdig;\nMarkdown.ToHtml(\"# x\")")).Result, StringComparison.Ordinal);
        Assert.Contains("<h1", (await notebook.RunAsync("Markdown.ToHtml(\"# x\")")).Result, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CultureInfo.CurrentCulture = new CultureInfo(\"de-DE\");")]
    [InlineData("CultureInfo.CurrentCulture = new(\"de-DE\")")]
    [InlineData("await Task.Delay(1);\nCultureInfo.CurrentCulture = new CultureInfo(\"de-DE\");\nawait Task.Delay(1);")]
    [InlineData("System.Threading.Thread.CurrentThread.CurrentCulture = CultureInfo.GetCultureInfo(\"de-DE\");")]
    [InlineData("void German() { CultureInfo.CurrentCulture = new CultureInfo(\"de-DE\"); }\nGerman();")]
    [InlineData("CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = new CultureInfo(\"de-DE\");")]
    public async Task A_culture_that_a_cell_sets_reaches_those_after_it(string code)
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("using System.Globalization;\nvar before = CultureInfo.CurrentCulture;");
        await notebook.RunAsync(code);
        Assert.Equal("1,5 1,5", (await notebook.RunAsync("var one = $\"{1.5}\"; await Task.Yield(); await Task.Run(() => { }); $\"{one} {1.5}\"")).Result);
        Assert.Equal("1,5", (await notebook.RunAsync("class Late { public override string ToString() => $\"{1.5}\"; }\nnew Late()")).Result);
        await notebook.RunAsync("CultureInfo.CurrentCulture = before;");
        Assert.Equal("True", (await notebook.RunAsync("CultureInfo.CurrentCulture.Equals(before)")).Result);
    }

    [Fact]
    public async Task A_culture_of_a_task_of_its_own_stays_there_and_sessions_have_their_own()
    {
        await using var notebook = new NotebookOfTest();
        await using var other = new NotebookOfTest();
        await notebook.RunAsync("using System.Globalization;\nawait Task.Run(() => { CultureInfo.CurrentCulture = new CultureInfo(\"de-DE\"); });");
        Assert.Equal("1.5", (await notebook.RunAsync("$\"{1.5}\"")).Result);
        await notebook.RunAsync("CultureInfo.CurrentCulture = new CultureInfo(\"fr-FR\");\nclass Own { public string CurrentCulture; }\nvar own = new Own { CurrentCulture = \"mine\" };\nown.CurrentCulture = \"x\";");
        Assert.Equal("1.5", (await other.RunAsync("$\"{1.5}\"")).Result);
        Assert.Equal("fr-FR", (await notebook.RunAsync("CultureInfo.CurrentCulture.Name")).Result);
    }

    [Fact]
    public async Task A_password_is_masked_wherever_it_is_shown()
    {
        await using var notebook = new NotebookOfTest(new() { Input = (request, _) => Task.FromResult<string?>(request.IsPassword ? "hunter2 \"quoted\"" : "open") });
        await notebook.RunAsync("#!set --name token --value @password:Token\n#!value --name other --from-value @password:\"Other token\"");
        foreach (var code in (string[])["token", "other", "new { token }", "new[] { token }", "$\"{token}\"", "display(token); 1", "token.Display(\"text/html\"); 1", "display(token, \"application/json\"); 1"])
        {
            var output = await notebook.RunAsync(code);
            Assert.All(
                output.Results.Concat(output.Displays.Select(shown => shown.Data)).SelectMany(bundle => bundle.Data.Values),
                shown => Assert.DoesNotContain("hunter2", shown.ToJsonString(), StringComparison.Ordinal));
        }

        Assert.Equal("************", (await notebook.RunAsync("token")).Result);
        Assert.Contains("************", RecordedOutput.Text((await notebook.RunAsync("#!whos")).Displays[0].Data), StringComparison.Ordinal);
        Assert.Equal("hunter2 \"quoted\"", (await notebook.RunAsync("token.GetClearTextPassword()")).Result);
    }

    [Fact]
    public async Task A_password_that_was_typed_is_in_no_error_of_a_later_cell_and_in_nothing_that_a_shell_says()
    {
        RequireShell();
        await using var notebook = new NotebookOfTest(new() { Input = (_, _) => Task.FromResult<string?>("hunter2") });
        await notebook.RunAsync("#!set --name token --value @password:Token");
        foreach (var code in (string[])["throw new Exception(\"x \" + token.GetClearTextPassword());", "int.Parse(token.GetClearTextPassword())"])
        {
            var error = await notebook.FailAsync(code);
            Assert.All(error.Traceback.Append(error.Message), line => Assert.DoesNotContain("hunter2", line, StringComparison.Ordinal));
        }

        var output = await notebook.RunAsync("#!sh\n#!share --from csharp token\necho \"is $token\"\n$token || true");
        Assert.Equal("is ************\n", output.Out);
        Assert.DoesNotContain("hunter2", output.Error, StringComparison.Ordinal);
        output = await notebook.RunAsync("#!sh\nfor part in \"is hun\" ter 2 \" or hun\" t \"er2, or hunt\"; do printf %s \"$part\"; sleep 0.2; done");
        Assert.Equal("is ************ or ************, or hunt", output.Out);
    }

    [Fact]
    public void What_may_go_on_as_something_hidden_waits_for_what_follows()
    {
        var hidden = new HiddenTexts();
        hidden.Add("hunter2");
        hidden.Add("2aa");
        int[] waiting = [.. ((string[])["", "hunting", "a hun", "hunter2", "hunter2aa", "x2", "in /tmp/"]).Select(text => hidden.BegunAtEndOf(text, "/tmp/x"))];
        Assert.Equal([0, 0, 3, 7, 3, 1, 5], waiting);
    }

    [Theory]
    [InlineData("new[] { 1.5, 2.25 }", "[ 1.5, 2.25 ]")]
    [InlineData("new List<float> { 1.5f }", "[ 1.5 ]")]
    [InlineData("new decimal?[] { 1.5m, null }", "[ 1.5, <null> ]")]
    [InlineData("new[] { -1L }.Select(n => n * 2)", "[ -2 ]")]
    [InlineData("new[] { new DateTime(2026, 1, 31) }", "[ 2026-01-31 00:00:00Z ]")]
    public async Task A_list_has_the_same_numbers_in_HTML_as_in_text_in_every_culture(string code, string text)
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("System.Globalization.CultureInfo.CurrentCulture = new(\"fr-FR\");");
        var data = Assert.Single((await notebook.RunAsync(code)).Results).Data;
        Assert.Equal(text, data["text/plain"].GetValue<string>());
        Assert.Contains($"<pre>{WebUtility.HtmlEncode(text)}</pre>", data["text/html"].GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("1.5", (await notebook.RunAsync("1.5m")).Result);
    }

    [Fact]
    public async Task What_stands_behind_a_password_is_read_and_its_errors_mask_it()
    {
        var path = Path.Combine(Path.GetTempPath(), $"spectralkd-{Guid.NewGuid():N}.txt");
        await File.WriteAllTextAsync(path, "inside");
        try
        {
            await using var notebook = new NotebookOfTest(new() { Input = (request, _) => Task.FromResult<string?>(request.Prompt == "File" ? path : "ftp://host/hunter2") });
            Assert.Equal("inside", (await notebook.RunAsync("#!value --name a --from-file @password:File\n#!csharp\na")).Result);
            Assert.Equal(
                "#!value --from-url ************: an address begins with https:// or http://", (await notebook.FailAsync("#!value --name b --from-url @password:Address")).Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("#!value --name a --from-url", "#!value --from-url needs a value (address of the text); found \"--name a --from-url\"")]
    [InlineData("#!set --name a --value", "#!set --value needs a value (its value: a text, @variable, @input:\"Question?\" or @password:\"Question?\"); found \"--name a --value\"")]
    public async Task An_option_without_its_value_is_refused(string line, string message)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal(message, (await notebook.FailAsync(line)).Message);
    }

    [Fact]
    public async Task A_question_for_no_variable_says_how_a_parameter_can_answer_it()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains("ask by #!set --name x --value @input", (await notebook.FailAsync("#!spectral-models @input:family")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_on_a_magic_line_is_in_no_error()
    {
        await using var notebook = new NotebookOfTest(new() { Input = (_, _) => Task.FromResult<string?>("hunter2") });
        var error = await notebook.FailAsync("#!spectral-help @password:\"Which?\"");
        Assert.All(error.Traceback.Append(error.Message), line => Assert.DoesNotContain("hunter2", line, StringComparison.Ordinal));
        Assert.Contains("************", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("using var s = new MemoryStream();\ns.Length", "(1,1): using is left out. A cell's variables outlive it: write var alone, or put the using into { }; s is disposed by s.Dispose()\n", "0")]
    [InlineData("var n = 1;\n  await using var s = new MemoryStream();\ns.Length + n", "(2,3): using is left out. A cell's variables outlive it", "1")]
    [InlineData("using (var s = new MemoryStream()) { }\n{ using var t = new MemoryStream(); }\n1", "", "1")]
    public async Task A_using_declaration_is_a_variable_and_its_reader_is_told(string code, string advice, string result)
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync(code);
        Assert.StartsWith(advice, output.Error, StringComparison.Ordinal);
        Assert.Equal(advice.Length == 0, output.Error.Length == 0);
        Assert.Equal(result, output.Result);
        Assert.Equal("complete", notebook.Session.IsComplete(code).Status);
    }

    [Theory]
    [InlineData("async Task Later() => await Task.Yield();\nLater();", "(2,1): warning CS4014: ")]
    [InlineData("[Obsolete(\"use the new one\")] int Old() => 1;\nvar x = Old();", "(2,9): warning CS0618: 'Old()' is obsolete: 'use the new one'")]
    [InlineData("for (var i = 0; i < 3; i++) { }\nvar x = 1; if (x = = 2) { }", null)]
    [InlineData("bool Same(object a) { if (a == \"text\") return true; return false; }", "(1,27): warning CS0252: ")]
    [InlineData("int unused; string never; void F() { int local = 3; }\nasync Task G() { }\nint G2() { while (true) { } }\nevent Action Happened;", "")]
    [InlineData("#pragma warning disable CS4014\nasync Task Later() => await Task.Yield();\nLater();", "")]
    public async Task The_compilers_warnings_are_said_once_where_they_help(string code, string? said)
    {
        await using var notebook = new NotebookOfTest();
        if (said is null)
        {
            await notebook.FailAsync(code);
            return;
        }

        var output = await notebook.RunAsync(code);
        Assert.StartsWith(said, output.Error, StringComparison.Ordinal);
        Assert.Equal(said.Length == 0 ? 0 : 1, output.Error.Count(c => c == '\n'));
        Assert.Equal("", (await notebook.RunAsync(code)).Error);
    }

    private static void RequireShell()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("skipped: no sh on Windows");
        }
    }

    private static bool IsRunning(int id)
    {
        try
        {
            using var process = System.Diagnostics.Process.GetProcessById(id);
            // What has ended may wait for its parent to ask how.
            return !process.HasExited && !(File.Exists($"/proc/{id}/stat") && File.ReadAllText($"/proc/{id}/stat").Split(") ")[^1].StartsWith('Z'));
        }
        catch (Exception error) when (error is ArgumentException or IOException)
        {
            return false;
        }
    }

    private static async Task AnswerAsync(TcpListener server, string status, string content)
    {
        using var client = await server.AcceptTcpClientAsync();
        var stream = client.GetStream();
        await stream.ReadAtLeastAsync(new byte[4096], 1);
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: text/csv\r\nContent-Length: {Encoding.UTF8.GetByteCount(content)}\r\nConnection: close\r\n\r\n{content}"));
    }
}
