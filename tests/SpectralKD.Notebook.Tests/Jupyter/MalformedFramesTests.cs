using System.Text;
using System.Text.Json.Nodes;
using NetMQ;

namespace SpectralKD.Notebook.Tests.Jupyter;

public sealed class MalformedFramesTests
{
    [Fact]
    public async Task Thousands_of_malformed_messages_on_every_channel_do_not_end_the_kernel()
    {
        await using var kernel = KernelUnderTest.Start();
        using var client = kernel.Connect();
        var random = new Random(20260102);
        for (var round = 0; round < 4000; round++)
        {
            var socket = (round % 3) switch { 0 => client.Shell, 1 => client.Control, _ => client.Stdin };
            socket.SendMultipartBytes(Malformed(client, random));
        }
        var id = client.Execute("print alive");
        WireMessage reply;
        do
        {
            reply = KernelClient.Receive(client.Shell);
        }
        while (reply.ParentId != id);
        Assert.Equal("ok", reply.Status);
        Assert.Equal(["print alive"], kernel.Session.Executed);
        client.Heartbeat.SendFrame("ping");
        Assert.True(client.Heartbeat.TryReceiveFrameString(TimeSpan.FromSeconds(60), out _));
        Assert.False(kernel.Ended.IsCompleted);
    }

    // Right messages with one thing wrong reach deeper than noise does.
    private static List<byte[]> Malformed(KernelClient client, Random random)
    {
        var frames = KernelClient.Frames(client.Header(Type(random)), null, Content(random));
        switch (random.Next(8))
        {
            case 0:
                return [.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => Noise(random))];
            case 1:
                frames.RemoveAt(random.Next(frames.Count));
                break;
            case 2:
                frames[1] = Noise(random);
                break;
            case 3:
                frames[random.Next(2, frames.Count)] = Noise(random);
                break;
            case 4:
                frames.InsertRange(0, Enumerable.Range(0, random.Next(4)).Select(_ => Noise(random)));
                frames[^1] = Noise(random);
                break;
            case 5:
                return KernelClient.Frames(new JsonObject { ["msg_type"] = random.Next() }, null, []);
            case 6:
                return KernelClient.Frames([], new JsonObject { ["x"] = Deep(300) }, []);
            default:
                // Signed and well-formed, but its content is not what the protocol says.
                break;
        }
        return frames;
    }

    private static string Type(Random random) => new[]
    {
        "execute_request", "complete_request", "inspect_request", "is_complete_request", "history_request", "comm_open", "input_reply", "", "x_request",
    }[random.Next(9)];

    private static JsonObject Content(Random random)
    {
        JsonNode?[] values = [null, random.Next(), "text", true, new JsonArray(1, "a"), new JsonObject { ["a"] = 1 }, Deep(40), 1e300];
        return new JsonObject
        {
            [random.Next(3) == 0 ? "cursor_pos" : "hist_access_type"] = values[random.Next(values.Length)]?.DeepClone(),
            ["code"] = values[new[] { 0, 1, 3, 4, 5, 6 }[random.Next(6)]]?.DeepClone(),
            ["silent"] = values[random.Next(values.Length)]?.DeepClone(),
        };
    }

    private static JsonNode Deep(int levels)
    {
        JsonNode node = new JsonArray();
        for (var level = 0; level < levels; level++)
        {
            node = new JsonArray(node);
        }
        return node;
    }

    private static byte[] Noise(Random random)
    {
        byte[][] known = [Encoding.ASCII.GetBytes("<IDS|MSG>"), "{"u8.ToArray(), "[]"u8.ToArray(), "null"u8.ToArray(), "{\"a\":1,\"a\":2}"u8.ToArray(), []];
        if (random.Next(2) == 0)
        {
            return known[random.Next(known.Length)];
        }
        var bytes = new byte[random.Next(200)];
        random.NextBytes(bytes);
        return bytes;
    }
}
