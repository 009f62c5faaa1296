using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

public sealed class CellErrorTests
{
    [Theory]
    [InlineData("(")]
    [InlineData("var x = [")]
    [InlineData("A<")]
    [InlineData("F(a, ")]
    [InlineData("/* */ (\n")]
    public async Task Brackets_nested_too_deeply_for_the_compiler_are_an_error_of_the_cell(string piece)
    {
        var code = string.Concat(Enumerable.Repeat(piece, 20_000)) + "\n#!time\n1";
        await using var notebook = new NotebookOfTest();
        Assert.Contains("nests more than 500 brackets", (await notebook.FailAsync(code)).Message, StringComparison.Ordinal);
        Assert.Equal("invalid", notebook.Session.IsComplete(code).Status);
        Assert.Empty((await notebook.Session.CompleteAsync(code, code.Length, TestContext.Current.CancellationToken)).Items);
        Assert.Null(await notebook.Session.InspectAsync(code, 1, TestContext.Current.CancellationToken));
        Assert.Contains(piece.Trim().Replace("<", "&lt;", StringComparison.Ordinal), SpectralKD.Notebook.Documents.CSharpHighlighter.ToHtml(code), StringComparison.Ordinal);
        await notebook.RunAsync("1 + 1");
    }

    [Theory]
    [InlineData("var s = \"~\"; s.Length", "<")]
    [InlineData("var s = \"~\\\"~\"; s.Length - 1 - 600", "(")]
    [InlineData("var s = @\"\"\"~\n~\"; s.Length - 2 - 600", "[")]
    [InlineData("var s = \"\"\"\n~\n\"\"\"; s.Length", "{\"")]
    [InlineData("var s = $\"{1}{{~{\"a(\"}\"; s.Length - 4", "(")]
    [InlineData("var s = $$\"\"\"{~{{\"<\" + 1}}\"\"\"; s.Length - 3", "<")]
    [InlineData("// ~\n/* ~ */ 600", "(")]
    [InlineData("#region Don't (~\n#endregion\n600", "/*")]
    [InlineData("var a = '('; var s = new[] { ~'<' }; s.Length - 1", "'(', ")]
    [InlineData("var i = 1; var s = new List<bool> { ~true }; s.Count - 1", "i <= 2, ")]
    public async Task Brackets_in_texts_and_comments_nest_nothing(string code, string piece)
    {
        await using var notebook = new NotebookOfTest();
        var result = await notebook.RunAsync(code.Replace("~", string.Concat(Enumerable.Repeat(piece, 600)), StringComparison.Ordinal));
        Assert.Equal(piece == "{\"" ? "1200" : "600", result.Result);
    }

    [Theory]
    [InlineData("\")))\" + (")]
    [InlineData("$\"{")]
    [InlineData("$\"a{ $@\"\"\"{")]
    [InlineData("$$\"\"\"{{{")]
    [InlineData("$\"a\" + (")]
    [InlineData("\"\"\"\"a\"\"\"\" + (")]
    [InlineData("'\"' + (")]
    [InlineData("@\"\\\" + (")]
    [InlineData("#region /* @\"\n(")]
    [InlineData("#if false\n@\" /* \"\"\"\n#endif\n(")]
    [InlineData("/// <see cref=\"F(((\"/>\n")]
    [InlineData("A<b[\";\"], ")]
    public void Code_between_texts_is_counted(string piece)
        => Assert.True(NestedCode.IsTooDeep(string.Concat(Enumerable.Repeat(piece, 20_000))));

    [Fact]
    public async Task A_compile_error_shows_place_message_source_line_and_caret()
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("var a = 1;\nwhile (a < 3) a++;   var b = foo + a;\nint c = \"text\";");
        Assert.Equal("CompilationError", error.Name);
        Assert.Equal("(2,30): error CS0103: The name 'foo' does not exist in the current context (and 1 more)", error.Message);
        Assert.Equal(
            [
                "(2,30): error CS0103: The name 'foo' does not exist in the current context",
                "while (a < 3) a++;   var b = foo + a;",
                "                             ^^^",
                "(3,9): error CS0029: Cannot implicitly convert type 'string' to 'int'",
                "int c = \"text\";",
                "        ^^^^^^",
            ],
            error.Traceback);
    }

    [Theory]
    [InlineData("static class Ext { public static int Twice(this int x) => 2 * x; }", "without a class")]
    [InlineData("static class Ext { extension(int x) { public int Twice => 2 * x; } }", "without a class")]
    public async Task What_a_cell_cannot_hold_comes_with_advice(string code, string advice)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Contains(advice, (await notebook.FailAsync(code)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_syntax_error_shows_its_place()
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("var a = 1;\nvar b = (2;");
        Assert.StartsWith("(2,11): error CS1026", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cell_that_does_not_compile_leaves_everything_as_it_was()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var x = 5;");
        await notebook.FailAsync("var x = \"no\" - 1;");
        Assert.Equal("6", (await notebook.RunAsync("x + 1")).Result);
    }

    [Fact]
    public async Task A_runtime_error_shows_only_the_users_frames()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("int First(List<int> list)\n{\n    return list.First();\n}");
        var error = await notebook.FailAsync("var x = 1;\nFirst(new List<int>())");
        Assert.Equal("InvalidOperationException", error.Name);
        Assert.Equal(
            [
                "System.InvalidOperationException: Sequence contains no elements",
                "   at First in cell [1], line 3",
                "   at cell [2], line 2",
            ],
            error.Traceback);
    }

    [Theory]
    [InlineData("var w = a[7];", "   at cell [2], line 1")]
    [InlineData("var b = a[1];\nvar c = 7;\na[c] = 1;", "   at cell [2], line 1 or 3")]
    [InlineData("int Sum(int[] x)\n{\n    var s = 0;\n    for (var i = 0; i <= x.Length; i++)\n    {\n        s += x[i];\n    }\n    return s;\n}\nvar b = a[0];\nSum(a)",
        "   at Sum in cell [2], line 6", "   at cell [2], line 11")]
    [InlineData("var t = 0;\nforeach (var i in new[] { 0, 9 })\n{\n    t += a[i];\n}", "   at cell [2], line 4")]
    [InlineData("new[] { 9 }\n    .Select(i => a[i])\n    .ToList()", "   at cell [2], line 2", "   at cell [2], line 1")]
    [InlineData("int P(int i) => a[i];\nint Q(int[] x) => x[9];\nQ(a)", "   at Q in cell [2], line 2", "   at cell [2], line 3")]
    [InlineData("var m = new double[2, 2];\nvar k = 3;\nm[k, 0] = 1;", "   at cell [2], line 3")]
    [InlineData("var u = a[0];\nthrow new IndexOutOfRangeException();", "   at cell [2], line 2")]
    [InlineData("var big = int.MaxValue;\nvar next = checked(big + 1);", "   at cell [2], line 2")]
    [InlineData("var zero = a[0] - 1;\nvar t = 1;\nvar q = t / zero;", "   at cell [2], line 3")]
    public async Task A_failed_check_of_the_runtime_is_found(string code, params string[] place)
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var a = new[] { 1, 2 };");
        Assert.Equal(place, (await notebook.FailAsync(code)).Traceback.Skip(1));
    }

    [Fact]
    public async Task Inner_exceptions_are_shown()
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync(
            "async Task FailAsync() { await Task.Yield(); throw new FormatException(\"inner\"); }\n"
            + "try { await FailAsync(); } catch (Exception e) { throw new ArgumentException(\"outer\", e); }");
        Assert.Equal(("ArgumentException", "outer"), (error.Name, error.Message));
        Assert.Equal(
            [
                "System.ArgumentException: outer",
                "   at cell [1], line 2",
                " ---> System.FormatException: inner",
                "   at FailAsync in cell [1], line 1",
                "   at cell [1], line 2",
            ],
            error.Traceback);
    }

    [Fact]
    public async Task The_products_own_errors_are_one_line()
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("throw new SpectralKDException(\"what, found, to do\");");
        Assert.Equal(("SpectralKDError", "what, found, to do"), (error.Name, error.Message));
        Assert.Equal(["what, found, to do"], error.Traceback);
    }

    [Fact]
    public async Task What_was_assigned_before_an_error_is_kept_and_what_was_not_reached_keeps_its_old_value()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var x = 5; var y = 6;");
        await notebook.FailAsync("var z = 7;\nvar x = 8;\nvar y = int.Parse(\"no\");");
        Assert.Equal("8 6 7", (await notebook.RunAsync("$\"{x} {y} {z}\"")).Result);
    }

    [Fact]
    public async Task A_failed_cell_that_came_to_nothing_hides_no_variable_of_another_type()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var x = \"text\";");
        await notebook.FailAsync("var x = int.Parse(\"no\");");
        Assert.Equal("text", (await notebook.RunAsync("x")).Result);
    }

    [Fact]
    public async Task Columns_and_lines_are_the_cells_also_below_a_magic_line()
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync("\nvar a = 1;\n#!time\nfor (;;) { if (a++ > 3) throw new FormatException(); }".Replace("#!time", "#pragma warning disable"));
        Assert.Equal("   at cell [1], line 4", error.Traceback[1]);
    }

    [Theory]
    [InlineData("new[] { \"1\", \"x\", \"3\" }.Select(int.Parse)", "System.FormatException: The input string 'x' was not in a correct format.")]
    [InlineData("Enumerable.Range(0, 3).Select(i => 6 / (i - 1))", "System.DivideByZeroException: Attempted to divide by zero.", "   at cell [1], line 1")]
    [InlineData("display(Enumerable.Range(0, 3).Select(i => 6 / (i - 1)));", "System.DivideByZeroException: Attempted to divide by zero.", "   at cell [1], line 1")]
    [InlineData("throw new AggregateException(\"several\", new FormatException(\"one\"));", "System.AggregateException: several (one)", "   at cell [1], line 1", " ---> System.FormatException: one")]
    [InlineData("var bad = Task.Run(() => int.Parse(\"q\"));\nvar value = bad.Result;",
        "System.AggregateException: One or more errors occurred. (The input string 'q' was not in a correct format.)", "   at cell [1], line 2",
        " ---> System.FormatException: The input string 'q' was not in a correct format.", "   at cell [1], line 1")]
    [InlineData("Func<Task> run = async () => { await Task.Yield(); throw new FormatException(); };\nawait run();",
        "System.FormatException: One of the identified items was in an invalid format.", "   at cell [1], line 1", "   at cell [1], line 2")]
    [InlineData("class C<T> { public static void M() => throw new FormatException(\"g\"); } C<int>.M();",
        "System.FormatException: g", "   at C<T>.M in cell [1], line 1", "   at cell [1], line 1")]
    [InlineData("torch.ones(6).reshape(4)", "System.Runtime.InteropServices.ExternalException: shape '[4]' is invalid for input of size 6", "   at cell [1], line 1")]
    public async Task An_error_is_what_was_thrown_and_where(string code, params string[] traceback)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal(traceback, (await notebook.FailAsync(code)).Traceback);
    }

    [Theory]
    [InlineData("int twice = 1; int twice = 2;", "(1,20): error CS0102: The cell already contains a definition for 'twice'")]
    [InlineData("class D { } D second = first;", "(1,24): error CS0029: Cannot implicitly convert type 'D of cell [1]' to 'D of cell [2]'")]
    [InlineData("first with { A = 5 }", "(1,14): error CS1014: A get or set accessor expected. In a cell put it in parentheses: (value with { … })")]
    [InlineData("Span<int> numbers = stackalloc int[3];", "(1,1): error CS8345: Field or auto-implemented property cannot be of type 'Span<int>' unless it is an instance member of a ref struct. In a cell put it, with what uses it, into { }")]
    public async Task A_compile_error_is_in_the_users_words(string code, string message)
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("class D { } var first = new D();");
        Assert.Equal(message, (await notebook.FailAsync(code)).Message.Split(" (and ")[0]);
    }

    [Theory]
    [InlineData("Thread.Sleep(1)", "CS0103: The name 'Thread' does not exist in the current context. Missing: using System.Threading;")]
    [InlineData("var known = new ConcurrentDictionary<int, int>();", "reference?). Missing: using System.Collections.Concurrent;")]
    [InlineData("JsonSerializer.Serialize(1)", "current context. Missing: using System.Text.Json; or using Newtonsoft.Json;")]
    [InlineData("Nowhere.Sleep(1)", "CS0103: The name 'Nowhere' does not exist in the current context")]
    public async Task A_type_that_the_cell_does_not_see_comes_with_its_using(string code, string end)
    {
        await using var notebook = new NotebookOfTest();
        Assert.EndsWith(end, (await notebook.FailAsync(code)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.matmul(a)", "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")]
    [InlineData("torch.matmul(a, torch.zeros(2))", "mat1 and mat2 shapes cannot be multiplied (2x3 and 2)")]
    [InlineData("$\"{a.matmul(torch.tensor(1f)):F1}\"", "both arguments to matmul need to be at least 1D, but they are 2D and 0D")]
    [InlineData("a.t().matmul(a.to(torch.float64)).matmul(a.t())", "expected m1 and m2 to have the same dtype, but got: Float32 != Float64")]
    [InlineData("new[] { a }.Select(x => x.matmul(x)).ToArray()", "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")]
    [InlineData("torch.zeros(5, 3, 1, 1).matmul(torch.zeros(4, 1, 1))", "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1")]
    public async Task Shapes_that_do_not_fit_are_an_error_and_not_the_end_of_the_process(string code, string message)
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var a = torch.ones(2, 3);");
        Assert.Equal(message, (await notebook.FailAsync(code)).Message);
        Assert.Equal("3", (await notebook.RunAsync("a.matmul(a\n    .t()).matmul(torch.ones(5, 2, 1)).sum().item<float>() / 20")).Result);
    }

    [Theory]
    [InlineData("int F(int n)\n    => throw new FormatException();\nF(\n    1)", "   at F in cell [1], line 2", "   at cell [1], line 3")]
    [InlineData("Func<int, int> f = n =>\n    int.Parse(\"x\");\nf(1)", "   at cell [1], line 2", "   at cell [1], line 3")]
    [InlineData("class C\n{\n    public int P\n        => int.Parse(\"x\");\n}\nnew C().P", "   at C.get_P in cell [1], line 4", "   at cell [1], line 6")]
    public async Task A_body_on_a_line_of_its_own_is_where_the_error_is(string code, params string[] frames)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal(frames, (await notebook.FailAsync(code)).Traceback.Skip(1));
    }

    [Theory]
    [InlineData("int F(int n) => F(n + 1) + 1; F(0)")]
    [InlineData("int F(int n) { return G(n) + 1; } int G(int n) => F(n + 1) + 1; F(0)")]
    [InlineData("class C { public C Inner; public C() { Inner = new C(); } } new C()")]
    [InlineData("class C { readonly C _inner = new(); public int X { get; } = 1; } new C()")]
    [InlineData("class C { public C Inner { get; } = new C { }; } new C()")]
    [InlineData("Func<int, int> f = null; f = n => f(n + 1) + 1; f(0)")]
    public async Task A_recursion_without_end_is_an_error_and_not_the_end_of_the_notebook(string code)
    {
        await using var notebook = new NotebookOfTest();
        var error = await notebook.FailAsync(code);
        Assert.Equal("InsufficientExecutionStackException", error.Name);
        Assert.InRange(error.Traceback.Count, 2, 40);
        Assert.Equal("2", (await notebook.RunAsync("1 + 1")).Result);
    }

    [Fact]
    public async Task An_exception_that_nobody_catches_on_a_thread_of_a_cell_goes_to_its_error_output()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("var t = new System.Threading.Thread(() => throw new FormatException(\"on a thread\")); t.Start(); t.Join();");
        await CellExecutionTests.WaitUntilAsync(() => output.Error.Length > 0);
        Assert.StartsWith(
            "Unhandled exception on a thread of cell [1]: System.FormatException: on a thread", output.Error, StringComparison.Ordinal);
        Assert.Equal("2", (await notebook.RunAsync("1 + 1")).Result);
    }

    [Fact]
    public async Task An_exception_on_a_thread_of_the_runtime_shows_the_users_frames_only()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync(
            "void Tick()\n{\n    throw new FormatException(\"tick\");\n}\nException caught = null;\ntry { await Task.Run(Tick); } catch (Exception e) { caught = e; }");
        Assert.True(notebook.Session.Variables.TryGet("caught", out var caught));
        Assert.Equal(
            ["Unhandled exception on a background thread: System.FormatException: tick", "   at Tick in cell [1], line 3", "   at cell [1], line 6", ""],
            UnhandledExceptions.Describe((Exception)caught!, "a background thread").Split(Environment.NewLine));
    }

    [Fact]
    public async Task An_exception_that_a_cell_declares_goes_by_its_own_name()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("class TooDark : Exception { }");
        var error = await notebook.FailAsync("throw new TooDark();");
        Assert.Equal(("TooDark", "Exception of type 'TooDark' was thrown."), (error.Name, error.Message));
        Assert.Equal("TooDark: Exception of type 'TooDark' was thrown.", error.Traceback[0]);
    }

    [Fact]
    public async Task A_value_that_cannot_be_shown_says_why_and_where()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync(
            "class Image { }\nFormatter.Register<Image>((image, writer) =>\n{\n    throw new FormatException(\"too dark\");\n}, \"text/html\");\nnew Image()");
        Assert.Equal(
            "The value could not be shown as text/html: System.FormatException: too dark\n   at cell [1], line 4",
            output.Results[0].Data["text/html"].GetValue<string>());
    }

    [Fact]
    public async Task Lambdas_keep_their_meaning()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync(
            """
            using System.Linq.Expressions;
            var seen = new List<int>();
            Action<int> add = x => seen.Add(x);
            Func<int, Func<int, int>> nested = x => y => x + y;
            Expression<Func<int, bool>> tree = x => x > 2;
            Func<int, Task> run = async x => await Task.Delay(x);
            Func<int, Task<int>> runs = async x => await Task.FromResult(x);
            Func<object> boxed = () => 1; Func<byte> narrow = () => 1; Func<string> none = () => null;
            Func<int[], Span<int>> span = a => a;
            var natural = (int x) => x * 2; Func<int> thrower = () => throw new FormatException();
            new[] { 1, 2 }.ToList().ForEach(x => seen.Add(x)); add(3); await run(1);
            $"{string.Join(",", seen)} {nested(1)(2)} {tree} {await runs(4)} {boxed()}{narrow()}{none()} {natural(3)} {new[] { 1, 5 }.AsQueryable().Where(x => x > 2).Single()}"
            """);
        Assert.Equal("1,2,3 3 x => (x > 2) 4 11 6 5", output.Result);
    }
}
