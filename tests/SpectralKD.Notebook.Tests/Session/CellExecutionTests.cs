namespace SpectralKD.Notebook.Tests.Session;

public sealed class CellExecutionTests
{
    [Theory]
    [InlineData("(string)null", "<null>")]
    [InlineData("string nothing = null; nothing", "<null>")]
    [InlineData("new Uri(\"http://a.b/c?d=1\")", "http://a.b/c?d=1")]
    [InlineData("new Version(1, 2)", "1.2")]
    [InlineData("new DateOnly(2024, 1, 2)", "2024-01-02")]
    [InlineData("(Func<int, int>)(q => q + 1)", "Func<int, int>")]
    [InlineData("new[] { (\"a\", 1), (\"b\", 2) }", "List<ValueTuple<String,Int32>>\n( a, 1 )\n( b, 2 )")]
    [InlineData("System.Text.Json.Nodes.JsonNode.Parse(\"{\\\"a\\\":[1]}\")", "{\n  \"a\": [\n    1\n  ]\n}")]
    [InlineData("Newtonsoft.Json.Linq.JToken.Parse(\"{\\\"a\\\":1}\")", "{\n  \"a\": 1\n}")]
    [InlineData("System.Xml.Linq.XElement.Parse(\"<a><b>1</b></a>\")", "<a>\n  <b>1</b>\n</a>")]
    [InlineData("torch.ones(0, 3)", "[0x3], type = Float32, device = cpu")]
    [InlineData("var list = new List<object>(); list.Add(list); list", "List<object>, nested too deep to be shown (does it hold itself?)")]
    [InlineData("var list = new List<object>(); list.Add(list); class Box { public object Inside { get; set; } } new Box { Inside = list }", "Box, nested too deep to be shown (does it hold itself?)")]
    [InlineData("IEnumerable<int> Two() { yield return 1; yield return 2; } Two()", "[ 1, 2 ]")]
    [InlineData("IEnumerable<int> All() { for (var i = 0; ; i++) yield return i; } All()", "[ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 ... (more) ]")]
    [InlineData("new double[,] { { 1, 2 }, { 3, 4.5 } }", "Double[][]\n[ 1, 2 ]\n[ 3, 4.5 ]")]
    [InlineData("System.Numerics.BigInteger.Pow(10, 20)", "100000000000000000000")]
    public async Task The_value_of_the_last_expression_is_shown_also_null(string code, string shown)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal(shown, (await notebook.RunAsync(code)).Result.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task A_name_that_the_user_imports_is_preferred_to_one_of_the_product()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal("255", (await notebook.RunAsync("using System.Diagnostics; using System.Drawing;\nTrace.WriteLine(1); Color.Red.R")).Result);
        Assert.Equal("255", (await notebook.RunAsync("Color blue = Color.Blue; blue.B")).Result);
        Assert.Equal("red", (await notebook.RunAsync("Plotly.NET.Color.fromString(\"red\").Value")).Result);
        Assert.Equal("red", (await notebook.RunAsync("using Plotly.NET;\nColor.fromString(\"red\").Value")).Result);
        Assert.Equal("0", (await notebook.RunAsync("using System.Drawing;\nColor.Blue.R")).Result);
    }

    [Theory]
    [InlineData("System.Linq.Enumerable.Range(1, 3).Where(i => i != 2).Select(i => { Console.Write(\"asked \"); return i; })", "[ 1, 3 ]")]
    [InlineData("IEnumerable<int> Odd() { Console.Write(\"asked \"); yield return 1; Console.Write(\"asked \"); yield return 3; } Odd()", "[ 1, 3 ]")]
    public async Task A_query_is_asked_once_for_each_element(string code, string shown)
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync(code);
        Assert.Equal((shown, "asked asked "), (output.Result, output.Out));
    }

    [Fact]
    public async Task Variables_keep_their_types_when_a_later_cell_needs_more_of_the_framework()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var a = torch.ones(2, 3); var table = new DataFrame(); var shown = display(1);");
        Assert.Equal("8", (await notebook.RunAsync("(a + torch.tensor(1f / 3)).sum().item<float>()")).Result);
        Assert.Equal("1", (await notebook.RunAsync("DataFrame same = table; DisplayedValue first = shown; new System.Net.Http.HttpClient().MaxResponseContentBufferSize / int.MaxValue")).Result);
        Assert.Equal("0", (await notebook.RunAsync(
            "using System.Threading.Tasks.Dataflow; using System.Xml;\nvar blocks = new BufferBlock<int>(); var xml = new XmlDocument(); table = same; a = torch.zeros(1); shown = first;\n"
            + "table.ToTable().Rows.Count + System.Text.Json.JsonDocument.Parse(\"{}\").RootElement.GetPropertyCount()")).Result);
    }

    [Fact]
    public async Task Cultures_are_there_though_cells_begin_with_the_invariant_one()
    {
        Assert.SkipUnless(System.Globalization.CultureInfo.GetCultures(System.Globalization.CultureTypes.AllCultures).Length > 1, "skipped: this machine has no ICU");
        await using var notebook = new NotebookOfTest();
        Assert.Equal("1,5 1.5", (await notebook.RunAsync("1.5.ToString(new System.Globalization.CultureInfo(\"de-DE\")) + \" \" + 1.5")).Result);
    }

    [Fact]
    public async Task The_last_expression_is_the_result_of_the_cell()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal("2", (await notebook.RunAsync("1 + 1")).Result);
    }

    [Theory]
    [InlineData("var x = 1;")]
    [InlineData("string s = null;")]
    [InlineData("await Task.Delay(1)")]
    [InlineData("_ = Task.Run(() => 1);")]
    [InlineData("System.Threading.Thread.Sleep(0)")]
    [InlineData("")]
    [InlineData("// nothing")]
    [InlineData("using System.Numerics;")]
    public async Task A_statement_or_void_shows_nothing(string code)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Empty((await notebook.RunAsync(code)).Order);
    }

    [Fact]
    public async Task A_display_at_the_end_of_a_cell_is_shown_once()
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal(["display:5"], (await notebook.RunAsync("display(5)")).Order);
    }

    [Fact]
    public async Task Variables_functions_types_and_usings_live_from_cell_to_cell()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("using System.Globalization;\nvar list = new List<int> { 3, 1, 2 };");
        await notebook.RunAsync("int Twice(int x) => 2 * x;\nrecord Point(int X, int Y);");
        await notebook.RunAsync("list.Add(Twice(5)); var p = new Point(1, 2);");
        var output = await notebook.RunAsync("string.Create(CultureInfo.InvariantCulture, $\"{list.Sum()} {p with { Y = 7 }}\")");
        Assert.Equal("16 Point { X = 1, Y = 7 }", output.Result);
    }

    [Fact]
    public async Task A_cell_that_leaves_nothing_is_no_burden_to_those_after_it()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("using System.Globalization;\nvar a = 1; const int b = 2; int c() => a + b;");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("3", (await notebook.RunAsync("c()")).Result);
        }

        Assert.Equal("5", (await notebook.RunAsync("if (true) { } a + b + b")).Result);
        await notebook.RunAsync("a++;");
        Assert.Equal("4 TextInfo", (await notebook.RunAsync("c() + \" \" + nameof(TextInfo)")).Result);
    }

    [Fact]
    public async Task A_variable_and_a_type_can_be_defined_again_with_another_type()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var x = 1; class A { public int V = 1; }");
        await notebook.RunAsync("var x = \"text\"; class A { public string W = \"w\"; }");
        Assert.Equal("textw", (await notebook.RunAsync("x + new A().W")).Result);
    }

    [Fact]
    public async Task Await_works_at_the_top_level()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("async Task<int> SlowAsync() { await Task.Delay(5); return 42; }\nvar a = await SlowAsync();");
        Assert.Equal("84", (await notebook.RunAsync("await Task.Delay(1); a + SlowAsync().Result")).Result);
    }

    [Fact]
    public async Task CSharp_14_works()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("class Box { public string Name { get; set => field = value ?? \"none\"; } }\nint[] all = [1, .. new[] { 2, 3 }];");
        var output = await notebook.RunAsync("Box box = new(); box?.Name = null; $\"{box.Name} {all.Length} {nameof(List<>)}\"");
        Assert.Equal("none 3 List", output.Result);
    }

    [Fact]
    public async Task Display_shows_below_the_cell_and_updates_in_place_also_from_a_later_cell()
    {
        await using var notebook = new NotebookOfTest();
        var first = await notebook.RunAsync("Console.WriteLine(\"before\"); var shown = display(\"one\"); \"two\".Display(); Console.Write(\"after\");");
        Assert.Equal(["stdout:before" + Environment.NewLine, "display:one", "display:two", "stdout:after"], first.Order);
        await notebook.RunAsync("shown.Update(\"three\");");
        var update = Assert.Single(first.Updates);
        Assert.Equal((first.Displays[0].Id, "three"), (update.Id, RecordedOutput.Text(update.Data)));
    }

    [Fact]
    public async Task Rich_values_keep_their_markup_and_always_have_plain_text()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("display(HTML(\"<b>x</b>\")); \"# T\".DisplayAs(\"text/markdown\"); new { A = 1 }");
        Assert.Equal("<b>x</b>", output.Displays[0].Data.Data["text/html"].GetValue<string>());
        Assert.Equal("# T", output.Displays[1].Data.Data["text/markdown"].GetValue<string>());
        Assert.Contains("<", output.Results[0].Data["text/html"].GetValue<string>(), StringComparison.Ordinal);
        Assert.All(output.Displays.Select(shown => shown.Data).Append(output.Results[0]), bundle => Assert.True(bundle.Data.ContainsKey("text/plain")));
    }

    [Fact]
    public async Task Json_types_hold_json_and_not_a_string_of_it()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("\"{\\\"data\\\":[1,2]}\".DisplayAs(\"application/vnd.plotly.v1+json\");");
        Assert.Equal(2, output.Displays[0].Data.Data["application/vnd.plotly.v1+json"]["data"]![1]!.GetValue<int>());
    }

    [Fact]
    public async Task Console_output_and_errors_are_captured_apart()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("Console.Write(1.5); Console.Error.WriteLine(\"bad\"); Console.Out.Write(new[] { 'a', 'b' });");
        Assert.Equal("1.5ab", output.Out);
        Assert.Equal("bad" + Environment.NewLine, output.Error);
    }

    [Fact]
    public async Task Much_output_arrives_whole_and_in_few_pieces()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("for (var i = 0; i < 100_000; i++) { Console.Write(i % 10); Console.Write('\\n'); }");
        Assert.Equal(200_000, output.Out.Length);
        Assert.InRange(output.Order.Count, 1, 2_000);
    }

    [Fact]
    public async Task A_background_thread_writes_to_the_cell_that_started_it()
    {
        await using var notebook = new NotebookOfTest();
        var first = await notebook.RunAsync(
            "var go = new System.Threading.ManualResetEventSlim();\nvar t = new System.Threading.Thread(() => { go.Wait(); Console.Write(\"late\"); }); t.Start();");
        var second = await notebook.RunAsync("Console.Write(\"second\"); go.Set(); t.Join();");
        await WaitUntilAsync(() => first.Out.Length > 0);
        Assert.Equal(("late", "second"), (first.Out, second.Out));
    }

    [Fact]
    public async Task Two_sessions_do_not_mix_up_their_variables_and_output()
    {
        await using var a = new NotebookOfTest();
        await using var b = new NotebookOfTest();
        const string Code = "for (var i = 0; i < 50; i++) { Console.Write(me); await Task.Yield(); }";
        await Task.WhenAll(a.RunAsync("var me = \"a\";"), b.RunAsync("var me = \"b\";"));
        var outputs = await Task.WhenAll(a.RunAsync(Code), b.RunAsync(Code));
        Assert.Equal([new string('a', 50), new string('b', 50)], outputs.Select(output => output.Out));
    }

    [Fact]
    public async Task Sessions_that_start_together_know_one_type_of_each_name()
    {
        for (var round = 0; round < 5; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
            {
                await using var notebook = new NotebookOfTest();
                await notebook.RunAsync("using static Microsoft.DotNet.Interactive.Kernel;\ndisplay(1);");
            }));
        }
    }

    [Fact]
    public async Task The_products_namespaces_need_no_using()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("typeof(SpectralKDException).Namespace + nameof(ModelSpec) + nameof(INotebookHost)".Replace(" + nameof(INotebookHost)", ""));
        Assert.Equal("SpectralKDModelSpec", output.Result);
    }

    [Theory]
    [InlineData("System.Text.Json.JsonSerializer.Serialize(new[] { 1, 2 })", "[1,2]")]
    [InlineData("new System.Xml.Linq.XElement(\"a\").ToString()", "<a />")]
    [InlineData("System.Collections.Immutable.ImmutableArray.Create(1).Length", "1")]
    [InlineData("var client = new System.Net.Http.HttpClient(); client.Timeout.TotalSeconds", "100")]
    [InlineData("new System.Numerics.Vector3(1, 2, 3).X", "1")]
    [InlineData("new System.Data.DataTable(\"t\").TableName", "t")]
    [InlineData("dynamic d = new System.Dynamic.ExpandoObject(); d.A = 5; (int)d.A", "5")]
    public async Task All_of_the_framework_is_there(string code, string expected)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal(expected, (await notebook.RunAsync(code)).Result);
        Assert.Equal("2", (await notebook.RunAsync("1 + 1")).Result);
    }

    [Fact]
    public async Task Console_ReadLine_asks_through_the_front_end()
    {
        await using var notebook = new NotebookOfTest(new()
        {
            Input = (request, _) => Task.FromResult<string?>(request.IsPassword ? "secret" : $"answer to '{request.Prompt}'"),
        });
        var output = await notebook.RunAsync("Console.ReadLine() + \"/\" + await GetInputAsync(\"who?\") + \"/\" + (await GetPasswordAsync()).GetClearTextPassword()");
        Assert.Equal("answer to ''/answer to 'who?'/secret", output.Result);
        Assert.Equal("answer to ''", (await notebook.RunAsync("Console.In.ReadToEnd()")).Result);
    }

    [Fact]
    public async Task Asking_where_nobody_answers_says_so_in_one_line()
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("Console.ReadLine()");
        Assert.Equal("SpectralKDError", error.Name);
        Assert.Contains("nobody can answer", Assert.Single(error.Traceback), StringComparison.Ordinal);
    }

    internal static async Task WaitUntilAsync(Func<bool> condition)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromMinutes(1), "nothing came for a minute");
            await Task.Delay(10);
        }
    }
}
