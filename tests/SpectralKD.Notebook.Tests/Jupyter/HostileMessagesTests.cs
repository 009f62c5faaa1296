using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using NetMQ;
using SpectralKD.Notebook.Jupyter;

namespace SpectralKD.Notebook.Tests.Jupyter;

public sealed class HostileMessagesTests
{
    [Fact]
    public async Task A_message_that_is_sent_again_is_not_executed_again_on_any_channel()
    {
        await using var kernel = KernelUnderTest.Start();
        using var client = kernel.Connect();
        var frames = KernelClient.Frames(client.Header("execute_request"), null, new JsonObject { ["code"] = "print once" });
        client.Shell.SendMultipartBytes(frames);
        Assert.Equal("ok", KernelClient.Receive(client.Shell).Status);
        client.Shell.SendMultipartBytes(frames);
        client.Control.SendMultipartBytes(frames);
        client.Stdin.SendMultipartBytes(frames);
        Assert.Equal("ok", client.Run("print after").Reply.Status);
        Assert.Equal(["print once", "print after"], kernel.Session.Executed);
        Assert.Contains(kernel.Log, line => line.Contains("duplicate signature", StringComparison.Ordinal));
    }

    [Fact]
    public void The_history_of_signatures_is_bounded_and_forgets_the_oldest()
    {
        var history = new SignatureHistory(size: 3);
        Assert.All(["a", "b", "c"], signature => Assert.True(history.Add(signature)));
        Assert.All(["a", "b", "c"], signature => Assert.False(history.Add(signature)));
        Assert.True(history.Add("d"));
        Assert.False(history.Add("b"));
        Assert.True(history.Add("a"));
    }

    [Fact]
    public void Without_a_key_nothing_is_signed_and_equal_messages_are_taken()
    {
        var codec = new MessageCodec(new MessageSigner(""));
        var frames = KernelClient.Frames(new JsonObject { ["msg_type"] = "x" }, null, []);
        Assert.Equal(codec.Decode(frames).Type, codec.Decode(frames).Type);
    }

    [Fact]
    public async Task Half_a_character_in_any_message_ends_no_channel()
    {
        await using var kernel = KernelUnderTest.Start();
        using var client = kernel.Connect();
        foreach (var socket in new[] { client.Stdin, client.Control, client.Shell })
        {
            socket.SendMultipartBytes(Signed("""{"msg_id":"1","session":"s","msg_type":"input_reply"}""", """{"value":"\ud83d"}"""));
            socket.SendMultipartBytes(Signed("""{"msg_id":"2","session":"s","msg_type":"\ud83d"}""", "{}"));
        }
        Assert.Equal("ok", client.Run("print alive").Reply.Status);
        Assert.Equal("ok", client.Answer(client.Send(client.Control, "kernel_info_request"), client.Control).Reply.Status);
        var codec = new MessageCodec(new MessageSigner(ConnectionFileForTest.Key));
        Assert.Equal("\ud83d", codec.Decode(Signed("""{"msg_type":"x"}""", """{"value":"\ud83d"}""")).Text("value"));
    }

    private static List<byte[]> Signed(string header, string content)
    {
        byte[][] parts = [System.Text.Encoding.UTF8.GetBytes(header), "{}"u8.ToArray(), "{}"u8.ToArray(), System.Text.Encoding.UTF8.GetBytes(content)];
        return ["<IDS|MSG>"u8.ToArray(), new MessageSigner(ConnectionFileForTest.Key).Sign(parts), .. parts];
    }

    [Fact]
    public async Task A_frame_beyond_the_limit_is_not_read_and_holds_up_nobody()
    {
        await using var kernel = KernelUnderTest.Start();
        using var client = kernel.Connect();
        foreach (var port in kernel.Ports)
        {
            using var attacker = Announce(port, frameLength: 200_000_000);
            Assert.True(await EndsAsync(attacker.GetStream()).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        }
        Assert.Equal("ok", client.Run("print alive").Reply.Status);
    }

    [Fact]
    public async Task A_large_cell_is_executed()
    {
        await using var kernel = KernelUnderTest.Start();
        using var client = kernel.Connect();
        var code = "print " + new string('x', (int)KernelTransport.LargestFrame / 4);
        Assert.Equal("ok", client.Answer(client.Execute(code)).Reply.Status);
        Assert.Equal(code.Length, Assert.Single(kernel.Session.Executed).Length);
    }

    // A connection that is closed ends the stream or breaks it.
    private static async Task<bool> EndsAsync(NetworkStream stream)
    {
        try
        {
            while (await stream.ReadAsync(new byte[256], TestContext.Current.CancellationToken) > 0)
            {
            }
        }
        catch (IOException)
        {
        }
        return true;
    }

    // ZMTP 3.0 by hand: greeting, READY, then a frame of which only the length is sent. The connection's end is what is waited for.
    private static TcpClient Announce(int port, long frameLength)
    {
        var attacker = new TcpClient("127.0.0.1", port);
        var stream = attacker.GetStream();
        byte[] greeting = [0xFF, .. new byte[8], 0x7F, 3, 0, .. "NULL"u8, .. new byte[48]];
        stream.Write(greeting);
        stream.ReadExactly(new byte[greeting.Length]);
        stream.Write([4, 26, 5, .. "READY"u8, 11, .. "Socket-Type"u8, 0, 0, 0, 6, .. "DEALER"u8]);
        stream.Write([2, .. BitConverter.GetBytes(IPAddress.HostToNetworkOrder(frameLength))]);
        return attacker;
    }
}
