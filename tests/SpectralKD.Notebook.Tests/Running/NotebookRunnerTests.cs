using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Runner;

namespace SpectralKD.Notebook.Tests.Running;

public sealed class NotebookRunnerTests : IDisposable
{
    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Code_cells_run_in_order_and_markdown_stays()
    {
        _folder.With(NotebookCell.Markdown("# Title"), NotebookCell.Code("print a"), NotebookCell.Code(""), NotebookCell.Code("result 2"));
        var result = await _folder.RunAsync();
        Assert.True(result.Succeeded);
        Assert.Equal(["print a", "result 2"], _folder.Session.Executed);
        Assert.Equal([null, 1, null, 2], _folder.Executed.Cells.Select(cell => cell.ExecutionCount));
        Assert.Equal("# Title", _folder.Executed.Cells[0].Source);
        Assert.True(_folder.Session.IsDisposed);
    }

    [Fact]
    public async Task A_stream_that_goes_on_is_one_output()
    {
        _folder.WithCode("print a\nprint b\nwarn c\nprint d");
        await _folder.RunAsync();
        Assert.Equal(["a\nb\n", "c\n", "d\n"], Texts(0, "text"));
    }

    [Fact]
    public async Task An_update_replaces_what_an_earlier_cell_showed()
    {
        _folder.WithCode("show bar 10 %\nprint below", "update bar 100 %");
        await _folder.RunAsync();
        Assert.Equal("100 %", Data(0, 0));
        Assert.Equal(2, _folder.Executed.Cells[0].Outputs.Count);
        Assert.Empty(_folder.Executed.Cells[1].Outputs);
    }

    [Fact]
    public async Task A_waiting_clear_happens_at_the_next_output()
    {
        _folder.WithCode("print a\nclear-later", "print a\nclear-later\nprint b", "print a\nclear");
        await _folder.RunAsync();
        Assert.Equal(["a\n"], Texts(0, "text"));
        Assert.Equal(["b\n"], Texts(1, "text"));
        Assert.Empty(_folder.Executed.Cells[2].Outputs);
    }

    [Fact]
    public async Task A_failing_cell_ends_the_run_with_everything_before_it_saved()
    {
        _folder.WithCode("print a", "print b\nfail 1 < 2", "print never");
        var result = await _folder.RunAsync();
        Assert.False(result.Succeeded);
        Assert.Equal(2, result.Failure!.ExecutionCount);
        Assert.DoesNotContain("print never", _folder.Session.Executed);
        var cells = _folder.Executed.Cells;
        Assert.Contains("In&nbsp;[2]", cells[0].Source);
        Assert.Contains("1 &lt; 2", cells[0].Source);
        Assert.Contains("id=\"papermill-error-cell\"", cells[2].Source);
        Assert.Equal("error", cells[3].Outputs[1]!["output_type"]!.GetValue<string>());
        Assert.Null(cells[4].ExecutionCount);
        Assert.Contains("banner", await File.ReadAllTextAsync(result.HtmlPath!));
    }

    [Fact]
    public async Task Running_a_failed_notebook_again_removes_the_banners()
    {
        _folder.WithCode("fail once");
        var failed = await _folder.RunAsync();
        var again = await NotebookRunner.RunAsync(
            failed.NotebookPath, () => new FakeSession(), new RunOptions { OutputFolder = Path.Combine(_folder.Output, "again") });
        Assert.Equal(3, NotebookDocument.Load(again.NotebookPath).Cells.Count);
        Assert.Equal(3, _folder.Executed.Cells.Count);
    }

    [Fact]
    public async Task A_cell_tagged_raises_exception_may_fail()
    {
        _folder.With(NotebookCell.Code("fail as it should", "raises-exception"), NotebookCell.Code("print on"));
        var result = await _folder.RunAsync();
        Assert.True(result.Succeeded);
        Assert.Equal(2, _folder.Session.Executed.Count);
    }

    [Fact]
    public async Task A_session_that_breaks_is_a_failed_cell()
    {
        _folder.WithCode("print a", "throw");
        var result = await _folder.RunAsync();
        Assert.Equal("the session itself broke", result.Failure!.Error.Message);
        Assert.Equal(["a\n"], Texts(1, "text"));
    }

    [Fact]
    public async Task Stopping_the_run_saves_what_the_cell_had_shown()
    {
        using var stop = new CancellationTokenSource();
        _folder.WithCode("print a", "print b\nwait", "print never");
        _folder.Session.OnExecute = code =>
        {
            if (code.Contains("wait", StringComparison.Ordinal))
            {
                stop.CancelAfter(50);
            }
        };
        var result = await _folder.RunAsync(stop.Token);
        Assert.True(result.Failure!.Cancelled);
        Assert.Equal("Interrupted", result.Failure.Error.Name);
        Assert.Contains(_folder.Executed.Cells[3].Outputs, output => output!["name"]?.GetValue<string>() == "stdout");
    }

    [Fact]
    public async Task What_a_cell_had_shown_is_saved_at_the_stop_already_for_it_may_take_long_to_end()
    {
        using var stop = new CancellationTokenSource();
        _folder.WithCode("print a", "print b\nwait");
        _folder.StopPatience = TimeSpan.FromMinutes(5);
        _folder.Session.OnExecute = code => stop.CancelAfter(code.Contains("wait", StringComparison.Ordinal) ? 50 : Timeout.Infinite);
        _folder.Session.OnInterrupt = async () =>
        {
            while (_folder.Executed.Cells[^1].Outputs.Count == 0)
            {
                await Task.Delay(20);
            }
        };

        Assert.Equal("the cell was interrupted", (await _folder.RunAsync(stop.Token)).Failure!.Error.Message);
    }

    [Fact]
    public async Task A_cell_that_does_not_end_after_a_stop_is_left_behind_when_patience_is_over()
    {
        using var stop = new CancellationTokenSource();
        _folder.WithCode("print a\nwait", "print never");
        _folder.StopPatience = TimeSpan.FromMilliseconds(1);
        _folder.Session.OnExecute = _ => stop.CancelAfter(50);
        _folder.Session.OnInterrupt = () => Task.Delay(Timeout.Infinite);

        var result = await _folder.RunAsync(stop.Token);

        Assert.Contains("left behind", result.Failure!.Error.Message);
        Assert.Equal(["a\n"], Texts(2, "text")); // after the two banners
    }

    [Fact]
    public async Task Timings_stand_where_papermill_and_nbclient_write_them()
    {
        _folder.WithCode("print a", "fail b", "print c");
        await _folder.RunAsync();
        var notebook = _folder.Executed;
        var statuses = notebook.Cells.Where(cell => cell.Kind == CellKind.Code).Select(cell => cell.Metadata["papermill"]!["status"]!.GetValue<string>());
        Assert.Equal(["completed", "failed", "pending"], statuses);
        Assert.EndsWith("Z", notebook.Cells[1].Metadata["execution"]!["shell.execute_reply"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.True(notebook.Metadata["papermill"]!["exception"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Another_language_reaches_the_session_below_its_own_magic_line()
    {
        var cell = NotebookCell.Code("let x = 1");
        cell.Metadata["polyglot_notebook"] = new System.Text.Json.Nodes.JsonObject { ["kernelName"] = "fsharp" };
        _folder.With(cell);
        await _folder.RunAsync();
        Assert.Equal(["#!fsharp\nlet x = 1"], _folder.Session.Executed);
    }

    [Fact]
    public async Task The_notebook_itself_is_never_overwritten()
    {
        _folder.WithCode("print a");
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => NotebookRunner.RunAsync(
            _folder.Notebook, () => _folder.Session, new RunOptions { OutputFolder = Path.GetDirectoryName(_folder.Notebook) }));
        Assert.Contains("--out", error.Message);
    }

    [Fact]
    public async Task Progress_names_each_cell()
    {
        _folder.WithCode("\nprint a", "result 2");
        var reports = new List<RunProgress>();
        await NotebookRunner.RunAsync(_folder.Notebook, () => _folder.Session, new RunOptions { OutputFolder = _folder.Output }, new Reports(reports));
        Assert.Equal(
            ["1/2 Started print a", "1/2 Completed print a", "2/2 Started result 2", "2/2 Completed result 2"],
            reports.Select(report => $"{report.Cell}/{report.Cells} {report.Stage} {report.Text}"));
    }

    private string[] Texts(int cell, string member)
        => [.. _folder.Executed.Cells[cell].Outputs.Where(output => output![member] is not null).Select(output => MultilineText.Join(output![member]))];

    private string Data(int cell, int output) => MultilineText.Join(_folder.Executed.Cells[cell].Outputs[output]!["data"]!["text/plain"]);

    private sealed class Reports(List<RunProgress> reports) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => reports.Add(value);
    }
}
