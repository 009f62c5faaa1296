using System.Text.Json.Nodes;
using NetMQ;

namespace SpectralKD.Notebook.Tests.Jupyter;

public sealed class JupyterKernelTests : IAsyncLifetime
{
    private readonly KernelUnderTest _kernel = KernelUnderTest.Start();
    private KernelClient _client = null!;

    public ValueTask InitializeAsync()
    {
        _client = _kernel.Connect();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return _kernel.DisposeAsync();
    }

    [Fact]
    public void A_cell_is_announced_runs_and_its_result_carries_its_number()
    {
        var (reply, broadcasts) = _client.Run("print hello\nresult 2");
        Assert.Equal(["status", "execute_input", "stream", "execute_result", "status"], broadcasts.Select(message => message.Type));
        Assert.Equal("ok", reply.Status);
        Assert.Equal(1, reply.Content["execution_count"]!.GetValue<int>());
        Assert.Equal(1, broadcasts[3].Content["execution_count"]!.GetValue<int>());
        Assert.Equal("2", broadcasts[3].Content["data"]!["text/plain"]!.GetValue<string>());
        Assert.Equal(2, _client.Run("print again").Reply.Content["execution_count"]!.GetValue<int>());
    }

    [Fact]
    public void A_display_can_be_updated_by_its_identity()
    {
        var (_, broadcasts) = _client.Run("show bar 1 %\nupdate bar 2 %\nclear-later");
        Assert.Equal(["display_data", "update_display_data", "clear_output"], broadcasts.Skip(2).SkipLast(1).Select(message => message.Type));
        Assert.All(broadcasts.Skip(2).Take(2), message => Assert.Equal("bar", message.Content["transient"]!["display_id"]!.GetValue<string>()));
        Assert.True(broadcasts[4].Content["wait"]!.GetValue<bool>());
    }

    [Fact]
    public void A_failing_cell_is_an_error_on_iopub_and_in_the_reply()
    {
        var (reply, broadcasts) = _client.Run("fail no");
        var error = broadcasts.Single(message => message.Type == "error");
        Assert.Equal("error", reply.Status);
        Assert.Equal(["InvalidOperationException", "InvalidOperationException"], [reply.Text("ename"), error.Text("ename")]);
        Assert.Equal("no", reply.Text("evalue"));
    }

    [Fact]
    public void After_an_error_the_requests_that_wait_are_aborted_and_later_ones_run()
    {
        var running = _client.Execute("wait");
        string[] waiting = [_client.Execute("print b"), _client.Send(_client.Shell, "is_complete_request", new JsonObject { ["code"] = "c" })];
        WaitUntilExecuted("wait");
        // Nothing tells that the kernel has read them: it is given time, and an answer on the other channel that it read later.
        Thread.Sleep(300);
        _client.Answer(_client.Send(_client.Control, "kernel_info_request"), _client.Control);
        _client.Send(_client.Control, "interrupt_request");
        Assert.Equal("error", _client.Answer(running).Reply.Status);
        Assert.Equal("aborted", _client.Answer(waiting[0]).Reply.Status);
        Assert.Equal("complete", _client.Answer(waiting[1]).Reply.Status);
        Assert.Equal("ok", _client.Run("print d").Reply.Status);
        Assert.DoesNotContain("print b", _kernel.Session.Executed);
    }

    [Fact]
    public void Without_stop_on_error_the_requests_that_wait_run()
    {
        var running = _client.Execute("wait", stopOnError: false);
        var waiting = _client.Execute("print b");
        WaitUntilExecuted("wait");
        _client.Send(_client.Control, "interrupt_request");
        _client.Answer(running);
        Assert.Equal("ok", _client.Answer(waiting).Reply.Status);
    }

    [Fact]
    public void An_interrupt_is_answered_on_control_while_the_cell_runs()
    {
        var running = _client.Execute("wait");
        WaitUntilExecuted("wait");
        var interrupt = _client.Send(_client.Control, "interrupt_request");
        Assert.Equal("interrupt_reply", _client.Answer(interrupt, _client.Control).Reply.Type);
        Assert.Equal("Interrupted", KernelClient.Receive(_client.Shell).Text("ename"));
        Assert.NotNull(running);
    }

    [Fact]
    public void Control_and_heartbeat_answer_while_a_cell_runs()
    {
        _client.Execute("wait");
        WaitUntilExecuted("wait");
        _client.Heartbeat.SendFrame("ping");
        Assert.True(_client.Heartbeat.TryReceiveFrameString(TimeSpan.FromSeconds(60), out var echo));
        Assert.Equal("ping", echo);
        Assert.Equal("kernel_info_reply", _client.Answer(_client.Send(_client.Control, "kernel_info_request"), _client.Control).Reply.Type);
    }

    [Fact]
    public void A_silent_cell_is_heard_by_nobody_and_does_not_count()
    {
        var (reply, broadcasts) = _client.Ask("execute_request", new JsonObject { ["code"] = "print a\nresult b", ["silent"] = true });
        Assert.Equal(["status", "status"], broadcasts.Select(message => message.Type));
        Assert.Equal("ok", reply.Status);
        _client.Ask("execute_request", new JsonObject { ["code"] = "print c", ["store_history"] = false });
        _client.Ask("execute_request", new JsonObject { ["code"] = " \n" });
        Assert.Equal(1, _client.Run("print d").Reply.Content["execution_count"]!.GetValue<int>());
        Assert.Single(_client.Ask("history_request", new JsonObject { ["hist_access_type"] = "tail", ["n"] = 10 }).Reply.Content["history"]!.AsArray());
    }

    [Fact]
    public void User_expressions_are_evaluated_after_the_cell()
    {
        var (reply, _) = _client.Ask("execute_request", new JsonObject
        {
            ["code"] = "print a",
            ["user_expressions"] = new JsonObject { ["good"] = "result 3", ["bad"] = "fail no", ["number"] = 3, ["nothing"] = null },
        });
        Assert.Equal("3", reply.Content["user_expressions"]!["good"]!["data"]!["text/plain"]!.GetValue<string>());
        Assert.All(["bad", "number", "nothing"], name => Assert.Equal("error", reply.Content["user_expressions"]![name]!["status"]!.GetValue<string>()));
    }

    [Fact]
    public void A_cell_that_asks_gets_the_answer_of_the_client_that_sent_it()
    {
        using var other = _kernel.Connect("client-2");
        var id = _client.Execute("ask Name?");
        var question = KernelClient.Receive(_client.Stdin);
        Assert.Equal(("input_request", "Name?", id), (question.Type, question.Text("prompt"), question.ParentId));
        _client.Send(_client.Stdin, "input_reply", new JsonObject { ["value"] = 5 });
        _client.Send(_client.Stdin, "input_reply", new JsonObject { ["value"] = "Ada" });
        var (_, broadcasts) = _client.Answer(id);
        Assert.Equal("answer: Ada", broadcasts.Single(message => message.Type == "stream").Text("text"));
        Assert.False(other.Stdin.TryReceiveFrameBytes(TimeSpan.FromMilliseconds(50), out _));
    }

    [Fact]
    public void A_client_without_a_keyboard_gets_an_error_instead_of_a_question()
    {
        var (reply, _) = _client.Answer(_client.Execute("ask Name?", allowStdin: false));
        Assert.Contains("asks for input", reply.Text("evalue"));
    }

    [Fact]
    public void Positions_count_code_points()
    {
        var (reply, _) = _client.Ask("complete_request", new JsonObject { ["code"] = "🎓.Wri", ["cursor_pos"] = 5 });
        Assert.Equal((2, 5), (reply.Content["cursor_start"]!.GetValue<int>(), reply.Content["cursor_end"]!.GetValue<int>()));
        Assert.Equal("Write", reply.Content["matches"]![0]!.GetValue<string>());
    }

    [Theory]
    [InlineData("complete_request", "matches")]
    [InlineData("inspect_request", "found")]
    public void Editing_is_answered_while_a_cell_runs_and_the_last_status_is_that_cells(string type, string member)
    {
        var running = _client.Execute("wait");
        WaitUntilExecuted("wait");
        var (reply, broadcasts) = _client.Ask(type, new JsonObject { ["code"] = "x.Wri", ["cursor_pos"] = 5 });
        Assert.Equal("ok", reply.Status);
        Assert.NotNull(reply.Content[member]);
        Assert.Equal(["busy", "idle"], broadcasts.Select(message => message.Text("execution_state")));
        var next = KernelClient.Receive(_client.Iopub);
        Assert.Equal((running, "busy"), (next.ParentId, next.Text("execution_state")));
        _client.Send(_client.Control, "interrupt_request");
        Assert.Equal("error", _client.Answer(running).Reply.Status);
    }

    [Fact]
    public void A_cell_does_not_wait_for_completion_and_a_newer_request_overtakes_the_one_before()
    {
        JsonObject Slow(int cursor) => new() { ["code"] = "slow.Wri", ["cursor_pos"] = cursor };
        var first = _client.Send(_client.Shell, "complete_request", Slow(8));
        Assert.Equal("ok", _client.Run("print a").Reply.Status);
        var second = _client.Send(_client.Shell, "complete_request", Slow(7));
        var third = _client.Send(_client.Shell, "complete_request", new JsonObject { ["code"] = "x.Wri", ["cursor_pos"] = 5 });
        foreach (var (id, cursor) in new[] { (first, 8), (second, 7) })
        {
            var (reply, broadcasts) = _client.Answer(id);
            Assert.Equal("ok", reply.Status);
            Assert.Empty(reply.Content["matches"]!.AsArray());
            Assert.Equal((cursor, cursor), (reply.Content["cursor_start"]!.GetValue<int>(), reply.Content["cursor_end"]!.GetValue<int>()));
            Assert.Equal("idle", broadcasts[^1].Text("execution_state"));
        }

        Assert.Equal("Write", _client.Answer(third).Reply.Content["matches"]![0]!.GetValue<string>());
    }

    [Fact]
    public void An_overtaken_inspection_finds_nothing_and_one_of_another_kind_or_client_overtakes_nothing()
    {
        using var other = _kernel.Connect("client-2");
        var slow = new JsonObject { ["code"] = "slow", ["cursor_pos"] = 4 };
        var first = _client.Send(_client.Shell, "inspect_request", slow);
        other.Send(other.Shell, "inspect_request", new JsonObject { ["code"] = "b" });
        var completion = _client.Send(_client.Shell, "complete_request", new JsonObject { ["code"] = "x.Wri", ["cursor_pos"] = 5 });
        Assert.False(_client.Shell.TryReceiveFrameBytes(TimeSpan.FromMilliseconds(300), out _));
        var second = _client.Send(_client.Shell, "inspect_request", new JsonObject { ["code"] = "a" });
        Assert.False(_client.Answer(first).Reply.Content["found"]!.GetValue<bool>());
        Assert.True(KernelClient.Receive(other.Shell).Content["found"]!.GetValue<bool>());
        Assert.NotEmpty(_client.Answer(completion).Reply.Content["matches"]!.AsArray());
        Assert.True(_client.Answer(second).Reply.Content["found"]!.GetValue<bool>());
    }

    [Fact]
    public void History_can_be_searched()
    {
        foreach (var code in new[] { "print a", "result 2", "print a", "print b" })
        {
            _client.Run(code);
        }
        Assert.Equal(["print a", "print b"], History(new JsonObject { ["hist_access_type"] = "search", ["pattern"] = "print*", ["unique"] = true }));
        Assert.Equal(["result 2", "print a"], History(new JsonObject { ["hist_access_type"] = "range", ["session"] = 0, ["start"] = 2, ["stop"] = 4 }));
    }

    [Fact]
    public void A_comm_without_a_target_is_closed_at_once()
    {
        var id = _client.Send(_client.Shell, "comm_open", new JsonObject { ["comm_id"] = "7", ["target_name"] = "x", ["data"] = new JsonObject() });
        Assert.Equal("7", _client.BroadcastsOf(id).Single(message => message.Type == "comm_close").Text("comm_id"));
    }

    [Fact]
    public void Two_clients_share_the_session_and_hear_each_other()
    {
        using var other = _kernel.Connect("client-2");
        var id = other.Execute("print from the second");
        Assert.Contains(_client.BroadcastsOf(id), message => message.Type == "stream");
        Assert.Equal(1, other.Answer(id).Reply.Content["execution_count"]!.GetValue<int>());
        Assert.Equal(2, _client.Run("print from the first").Reply.Content["execution_count"]!.GetValue<int>());
    }

    [Fact]
    public async Task Shutdown_is_answered_told_to_all_and_ends_the_kernel()
    {
        var id = _client.Send(_client.Control, "shutdown_request", new JsonObject { ["restart"] = true });
        var (reply, broadcasts) = _client.Answer(id, _client.Control);
        Assert.True(reply.Content["restart"]!.GetValue<bool>());
        Assert.Contains(broadcasts, message => message.Type == "shutdown_reply");
        await _kernel.Ended.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void An_unknown_message_is_ignored()
    {
        var id = _client.Send(_client.Shell, "make_coffee_request");
        Assert.Equal(2, _client.BroadcastsOf(id).Count);
        Assert.Contains(_kernel.Log, line => line.Contains("make_coffee_request", StringComparison.Ordinal));
        Assert.Equal("ok", _client.Run("print a").Reply.Status);
    }

    [Fact]
    public void A_request_without_its_members_gets_an_error()
    {
        var (reply, _) = _client.Ask("execute_request", new JsonObject { ["source"] = "print a" });
        Assert.Equal(("error", "execute_request: code is missing or no text"), (reply.Status, reply.Text("evalue")));
    }

    [Fact]
    public void A_wrong_signature_is_dropped()
    {
        _client.Shell.SendMultipartBytes(KernelClient.Frames(_client.Header("execute_request"), null, new JsonObject { ["code"] = "print evil" }, key: "wrong"));
        Assert.Equal("ok", _client.Run("print good").Reply.Status);
        Assert.Equal(["print good"], _kernel.Session.Executed);
        Assert.Contains(_kernel.Log, line => line.Contains("wrong signature", StringComparison.Ordinal));
    }

    private void WaitUntilExecuted(string code) => Assert.True(
        SpinWait.SpinUntil(() => _kernel.Session.Executed.Contains(code), TimeSpan.FromSeconds(60)), $"{code} never began");

    private IEnumerable<string> History(JsonObject request)
        => _client.Ask("history_request", request).Reply.Content["history"]!.AsArray().Select(entry => entry![2]!.GetValue<string>());
}
