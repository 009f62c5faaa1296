using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter;
using SpectralKD.Tests;

namespace SpectralKD.Notebook.Tests.Jupyter;

public sealed class WireGoldenTests
{
    [Fact]
    public void Messages_recorded_from_jupyter_client_are_read_and_their_signatures_verified()
    {
        var golden = JsonNode.Parse(File.ReadAllText(SharedData.Golden("wire", "jupyter-client.json")))!;
        var codec = new MessageCodec(new MessageSigner(golden["key"]!.GetValue<string>()));
        foreach (var recorded in golden["messages"]!.AsArray())
        {
            var frames = recorded!["frames"]!.AsArray().Select(frame => Encoding.UTF8.GetBytes(frame!.GetValue<string>())).ToArray();
            var message = codec.Decode(frames);
            Assert.Equal(recorded["type"]!.GetValue<string>(), message.Type);
            Assert.True(JsonNode.DeepEquals(recorded["content"], message.Content));
            Assert.Equal("client-1", Encoding.ASCII.GetString(Assert.Single(message.Identities)));
            frames[^1][^1] ^= 1;
            Assert.Throws<MalformedMessageException>(() => codec.Decode(frames));
        }
    }

    [Fact]
    public void What_is_encoded_is_read_back_the_same()
    {
        var codec = new MessageCodec(new MessageSigner("key"));
        var request = new JupyterMessage([[1, 2]], "{\"msg_type\":\"x\"}"u8.ToArray(), JupyterMessage.NoHeader, [], []) { Type = "x" };
        var reply = new MessageWriter().Reply(request, "x_reply", new JsonObject { ["text"] = "Größe 🎓 <\n" });
        var read = codec.Decode(codec.Encode(reply));
        Assert.Equal(request.Identities, read.Identities);
        Assert.Equal(request.Header, read.ParentHeader);
        Assert.Equal("Größe 🎓 <\n", read.Text("text"));
    }

    [Fact]
    public async Task A_whole_conversation_is_as_recorded()
    {
        await using var kernel = KernelUnderTest.Start();
        using var client = kernel.Connect();
        var transcript = new StringBuilder();
        foreach (var (type, content) in Requests())
        {
            transcript.Append("> ").Append(type).Append(' ').Append(content.ToJsonString(Readable)).Append('\n');
            var (reply, broadcasts) = client.Ask(type, content);
            foreach (var message in broadcasts)
            {
                transcript.Append("  iopub ").Append(message.Type).Append(' ').Append(Masked(message.Content)).Append('\n');
            }
            transcript.Append("< ").Append(reply.Type).Append(' ').Append(Masked(reply.Content)).Append('\n');
        }
        // What was said now stands beside the test program, to be compared by eye where the two differ.
        await File.WriteAllTextAsync(Path.Combine(AppContext.BaseDirectory, "conversation.txt"), transcript.ToString());
        Assert.Equal(await File.ReadAllTextAsync(SharedData.Golden("wire", "conversation.txt")), transcript.ToString());
    }

    private static JsonSerializerOptions Readable { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static (string, JsonObject)[] Requests() =>
    [
        ("kernel_info_request", []),
        ("execute_request", new JsonObject { ["code"] = "print Größe\nwarn b\nshow id 1 %\nupdate id 2 %\nclear-later\nresult 42" }),
        ("execute_request", new JsonObject { ["code"] = "fail no" }),
        ("execute_request", new JsonObject { ["code"] = "print unheard", ["silent"] = true }),
        ("execute_request", new JsonObject { ["code"] = "print c", ["user_expressions"] = new JsonObject { ["a"] = "result 1", ["b"] = "fail x" } }),
        ("complete_request", new JsonObject { ["code"] = "Console.Wri", ["cursor_pos"] = 11 }),
        ("inspect_request", new JsonObject { ["code"] = "x", ["cursor_pos"] = 1, ["detail_level"] = 0 }),
        ("inspect_request", new JsonObject { ["code"] = "", ["cursor_pos"] = 0 }),
        ("is_complete_request", new JsonObject { ["code"] = "if (a) {" }),
        ("is_complete_request", new JsonObject { ["code"] = "a" }),
        ("history_request", new JsonObject { ["hist_access_type"] = "tail", ["n"] = 2, ["output"] = true, ["raw"] = true }),
        ("comm_info_request", []),
        ("interrupt_request", []),
    ];

    private static string Masked(JsonObject content)
    {
        var masked = (JsonObject)content.DeepClone();
        foreach (var member in new[] { "implementation_version", "banner" })
        {
            if (masked.ContainsKey(member))
            {
                masked[member] = "*";
            }
        }
        return masked.ToJsonString(Readable);
    }
}
