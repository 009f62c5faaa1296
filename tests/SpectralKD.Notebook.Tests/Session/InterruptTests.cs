using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

public sealed class InterruptTests
{
    public static TheoryData<string> EndlessCells => new(
        "while (true) { }",
        "while (true) x++;",
        "for (;;) ;",
        "do x++; while (x > -1);",
        "again: x = 2; goto again;",
        "foreach (var i in System.Linq.Enumerable.Repeat(0, int.MaxValue)) foreach (var j in System.Linq.Enumerable.Repeat(0, int.MaxValue)) ;",
        "while (true) { try { while (true) { } } catch { } }",
        "void F() { while (true) { } } F();",
        "long Fib(int n) => n < 2 ? n : Fib(n - 1) + Fib(n - 2); Fib(80)",
        "Action f = () => { while (true) { } }; f();",
        "System.Threading.Thread.Sleep(-1);",
        "await Task.Delay(1); System.Threading.Thread.Sleep(-1);",
        "await Task.Delay(-1);",
        "await Task.Delay(-1).ConfigureAwait(false);",
        "await new ValueTask(Task.Delay(-1));",
        "while (true) { try { await Task.Delay(-1); } catch { } }",
        "try { await Task.Delay(-1); } catch { } await Task.Delay(-1);",
        "async IAsyncEnumerable<int> Never() { await Task.Delay(-1); yield return 1; } await foreach (var i in Never()) { }",
        "class Sleeper { public override string ToString() { System.Threading.Thread.Sleep(-1); return \"\"; } } new Sleeper()",
        "class Turner { public int Turns { get { while (true) { } } } } new Turner()",
        "System.Linq.Enumerable.Range(0, 3).Select(i => { System.Threading.Thread.Sleep(-1); return i; })",
        "Task.Delay(-1).Wait();",
        "await new TaskCompletionSource().Task;",
        "await Task.Delay(-1, CancellationToken);",
        "await Task.Run(() => { while (true) { } });",
        "while (true) Console.WriteLine(x);",
        "await Task.Yield(); while (true) await Task.Yield();",
        "System.Linq.Enumerable.Repeat(0L, int.MaxValue).Select(i => i + x).Sum()",
        "class Deep { public int P => Q + Q; public int Q { get => R + R; } int R => S() + S(); static int s; int S() { return s++ < 0 ? 1 : new Deep().P; } }\n"
            + "while (true) { try { var q = new Deep().P; } catch { } }",
        "Parallel.For(0, 2, i => { while (true) { } });",
        "Parallel.For(0, 64, i => { while (true) { } });",
        "(from i in System.Linq.Enumerable.Repeat(0, int.MaxValue) from j in System.Linq.Enumerable.Repeat(0, int.MaxValue) where i + x < 0 select i).Count()",
        "(from i in System.Linq.Enumerable.Repeat(0L, int.MaxValue) from j in System.Linq.Enumerable.Repeat(0, int.MaxValue) select i + j).Sum()",
        "switch (x) { case 1: goto case 2; case 2: goto case 1; default: break; }",
        "while (true) { try { Task.Delay(-1).Wait(); } catch { } finally { x = 2; } }",
        "try { while (true) { } } finally { while (true) { } }");

    [Theory]
    [MemberData(nameof(EndlessCells))]
    public async Task An_endless_cell_ends_with_its_variables_kept(string code)
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var x = 1; var before = \"kept\";");
        var error = await InterruptAsync(notebook, "var during = 7;\nConsole.WriteLine(\"running\");\n" + code);
        Assert.Equal("The cell was interrupted; what its variables held is kept.", error.Traceback[0]);
        Assert.All(error.Traceback.Skip(1), line => Assert.Matches("^   at .*cell \\[2\\], line [0-9]+$", line));
        Assert.Equal("Interrupted", error.Name);
        Assert.Equal("kept7", (await notebook.RunAsync("before + during")).Result);
    }

    [Theory]
    [InlineData("var a = 1;\nConsole.WriteLine(\"running\");\nwhile (true)\n{\n    a++;\n}", "   at cell [1], line 4")]
    [InlineData("void Turn()\n{\n    while (true) { }\n}\nConsole.WriteLine(\"running\");\nTurn();", "   at Turn in cell [1], line 3", "   at cell [1], line 6")]
    [InlineData("Console.WriteLine(\"running\");\nSystem.Threading.Thread.Sleep(100_000);", "   at cell [1], line 2")]
    [InlineData("Console.WriteLine(\"running\");\nawait Task.Delay(100_000);", "   at cell [1], line 2")]
    [InlineData(
        "async Task Wait()\n{\n    Console.WriteLine(\"running\");\n    await Task.Delay(-1);\n}\nawait Wait();",
        "   at Wait in cell [1], line 4", "   at cell [1], line 6")]
    public async Task An_interrupt_names_the_line_where_the_cell_was(string code, params string[] place)
    {
        await using var notebook = new NotebookOfTest();
        Assert.Equal(place, (await InterruptAsync(notebook, code)).Traceback.Skip(1));
    }

    [Fact]
    public async Task What_an_interrupt_leads_to_may_put_things_in_order()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("void Close() { for (var i = 0; i < 3; i++) { Console.Write(i); } }\n"
            + "class Log : IDisposable { public void Dispose() { foreach (var word in new[] { \"dis\", \"posed \" }) { Console.Write(word); } } }");
        await InterruptAsync(notebook, """
            Console.Write("running ");
            try
            {
                using var log = new Log();
                while (true) { }
            }
            catch (OperationCanceledException)
            {
                Console.Write("caught ");
                System.Threading.Thread.Sleep(200);
                await Task.Delay(1);
                Console.Write("slept ");
                throw;
            }
            finally
            {
                Close();
            }
            """);
        Assert.Equal("running disposed caught slept 012", notebook.Output.Out);
    }

    [Fact]
    public async Task What_waits_in_an_await_puts_things_in_order_innermost_first()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("""
            class Log : IAsyncDisposable
            {
                public async ValueTask DisposeAsync() { await Task.Delay(100); Console.Write("disposed "); }
            }

            async Task<int> Inner(string name, Task before)
            {
                await using var log = new Log();
                try { await Task.Delay(-1); return 1; }
                finally { await Task.Delay(100); await Task.WhenAny(before); Console.Write(name + " "); }
            }

            async ValueTask<int> Outer()
            {
                var first = Inner("first", Task.CompletedTask);
                try { return (await Task.WhenAll(first, Inner("second", first))).Sum(); }
                catch (OperationCanceledException) { Console.Write("caught "); throw; }
            }
            """);
        await InterruptAsync(notebook, "Console.Write(\"running \");\ntry { await Outer().ConfigureAwait(false); }\nfinally { Console.Write(\"over\"); }");
        Assert.Equal("running first disposed second disposed caught over", notebook.Output.Out);
    }

    [Fact]
    public async Task What_goes_on_in_the_pool_puts_things_in_order_too()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("async Task Wait() { try { await Task.Delay(-1); } finally { await Task.Delay(1); Console.Write(\"inner \"); } }");
        for (var round = 0; round < 30; round++)
        {
            await InterruptAsync(notebook, "Console.Write(\"running \");\ntry { await Wait().ConfigureAwait(false); }\nfinally { Console.Write(\"outer\"); }");
            Assert.Equal("running inner outer", notebook.Output.Out);
        }
    }

    [Theory]
    [InlineData("class Log : IDisposable { public void Dispose() => Console.Write(\"over\"); }\nusing (new Log()) { Console.Write(\"running \"); await Task.Delay(-1); }")]
    [InlineData("class Log : IDisposable { void IDisposable.Dispose() => Close(true); void Close(bool all) { Console.Write(\"over\"); } }\n"
        + "using (new Log()) { Console.Write(\"running \"); System.Threading.Thread.Sleep(-1); }")]
    [InlineData("class Log : IAsyncDisposable { public async ValueTask DisposeAsync() => await Task.Run(() => Console.Write(\"over\")); }\n"
        + "await using (new Log()) { Console.Write(\"running \"); await Task.Delay(-1); }")]
    [InlineData("var stop = new System.Threading.CancellationTokenSource(); stop.Token.Register(() => { Console.Write(\"ov\"); });\n"
        + "try { Console.Write(\"running \"); while (true) { } } finally { stop.Cancel(); Console.Write(\"er\"); }")]
    public async Task Order_is_made_also_by_short_functions_and_what_they_call_back(string code)
    {
        await using var notebook = new NotebookOfTest();
        await InterruptAsync(notebook, code);
        Assert.Equal("running over", notebook.Output.Out);
    }

    [Fact]
    public async Task What_is_awaited_is_awaited_as_without_an_interrupt()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("""
            class Odd { public System.Runtime.CompilerServices.TaskAwaiter<int> GetAwaiter() => Task.FromResult(5).GetAwaiter(); }
            async Task<int> Later(int value) { await Task.Yield(); return value; }
            async ValueTask<int> Small(int value) { await Task.Delay(1); return value; }
            Func<int, Task<int>> twice = async value => 2 * await Later(value);
            var many = await Task.WhenAll(new[] { 1, 2 }.Select(async value => await twice(value)));
            dynamic known = Later(7);
            $"{await await Task.WhenAny(Later(3))} {await Small(4).ConfigureAwait(true)} {await new Odd()} {many.Sum()} {await known}"
            """);
        Assert.Equal("3 4 5 6 7", output.Result);
        Assert.Equal("2 1.5", (await notebook.RunAsync("$\"{(from i in many where i > 1 select i).Count()} {await Task.FromResult(1.51):F1}\"")).Result);
        Assert.Equal("4", (await notebook.RunAsync("$\"{await Task.Run(async () => { await Later(3); return await Later(4); })}\"")).Result);
        var error = await notebook.FailAsync("async Task Fail() { await Task.Yield(); throw new FormatException(\"odd\"); }\n\nawait Fail();");
        Assert.Equal(["System.FormatException: odd", "   at Fail in cell [4], line 1", "   at cell [4], line 3"], error.Traceback);
        Assert.Contains("CS4008", (await notebook.FailAsync("await Later(1).Wait();")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_query_that_becomes_an_expression_tree_stays_as_it_is()
    {
        await using var notebook = new NotebookOfTest();
        var output = await notebook.RunAsync("(from i in new[] { 1, 2 }.AsQueryable() where i > 1 select i + 1).Expression.ToString()");
        Assert.DoesNotContain("Pass", output.Result);
    }

    [Fact]
    public async Task What_follows_an_await_does_not_run_after_an_interrupt()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var late = new TaskCompletionSource(); var reached = false;");
        await InterruptAsync(notebook, "Console.WriteLine(\"running\"); await late.Task; reached = true;");
        Assert.Equal("False", (await notebook.RunAsync("late.SetResult(); await Task.Delay(50); reached")).Result);
    }

    [Fact]
    public async Task Work_that_an_earlier_cell_left_in_the_background_goes_on()
    {
        await using var notebook = new NotebookOfTest();
        await notebook.RunAsync("var count = 0; var stop = false; var work = Task.Run(() => { while (!stop) { count++; } });");
        await InterruptAsync(notebook, "Console.WriteLine(\"running\"); while (true) { }");
        var output = await notebook.RunAsync("var seen = count;\nfor (var i = 0; i < 1000 && count == seen; i++) await Task.Delay(10);\nvar moved = count != seen; stop = true; await work; moved");
        Assert.Equal("True", output.Result);
    }

    [Fact]
    public async Task A_thread_that_cannot_be_stopped_is_left_behind_and_named()
    {
        await using var notebook = new NotebookOfTest(new CSharpSessionOptions());
        var error = await InterruptAsync(
            notebook,
            "Console.WriteLine(\"running\");\n"
            + "new System.Text.RegularExpressions.Regex(\"^(a+)+$\", default, TimeSpan.FromSeconds(10)).IsMatch(new string('a', 60) + \"b\")");
        Assert.Contains("cannot be stopped", error.Traceback[^1], StringComparison.Ordinal);
        Assert.Equal("2", (await notebook.RunAsync("1 + 1")).Result);
    }

    [Fact]
    public async Task A_cell_that_was_interrupted_before_it_began_does_not_run()
    {
        await using var notebook = new NotebookOfTest();
        var result = await notebook.TryAsync("Console.Write(1)", new CancellationToken(canceled: true));
        Assert.Equal(("Interrupted", ""), (result.Error?.Name, notebook.Output.Out));
    }

    [Theory]
    [InlineData("#!set --name x --value @password:x")]
    [InlineData("#!spectral-model @input")]
    [InlineData("Console.ReadLine()")]
    public async Task A_question_that_ends_before_the_cell_hears_of_the_interrupt_is_an_interrupt_too(string code)
    {
        var asked = new TaskCompletionSource();
        using var over = new ManualResetEventSlim();
        await using var notebook = new NotebookOfTest(new CSharpSessionOptions
        {
            Input = (_, token) =>
            {
                var answer = new TaskCompletionSource<string?>();
                token.Register(() =>
                {
                    answer.SetCanceled(token);
                    over.Wait(TimeSpan.FromSeconds(60), CancellationToken.None); // what was registered before, the cell's own, waits behind
                });
                asked.SetResult();
                return answer.Task;
            },
        });
        using var interrupt = new CancellationTokenSource();
        var running = Task.Run(() => notebook.TryAsync(code, interrupt.Token));
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(60));
        var cancelling = Task.Run(interrupt.Cancel);
        var result = await running.WaitAsync(TimeSpan.FromSeconds(60));
        over.Set();
        await cancelling;
        Assert.Equal("Interrupted", result.Error?.Name);
        Assert.Equal("2", (await notebook.RunAsync("1 + 1")).Result);
    }

    internal static async Task<CellError> InterruptAsync(NotebookOfTest notebook, string code)
    {
        await notebook.Session.WarmUpAsync();
        using var interrupt = new CancellationTokenSource();
        var running = notebook.TryAsync(code, interrupt.Token);
        await CellExecutionTests.WaitUntilAsync(() => notebook.Output.Out.Length > 0 || running.IsCompleted);
        await interrupt.CancelAsync();
        var ended = await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(60)));
        Assert.True(ended == running, "the cell was still running 60 s after the interrupt");
        return (await running).Error ?? throw new InvalidOperationException("the cell succeeded");
    }
}
