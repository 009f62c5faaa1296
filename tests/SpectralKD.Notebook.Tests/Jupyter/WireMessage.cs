using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Tests.Jupyter;

/// <summary>A message as the test's client reads it; a wrong signature fails the test.</summary>
internal sealed record WireMessage(string Type, JsonObject Header, JsonObject Parent, JsonObject Content)
{
    public string? ParentId => Parent["msg_id"]?.GetValue<string>();

    public string Status => Text("status");

    public static WireMessage Read(IReadOnlyList<byte[]> frames)
    {
        var start = frames.ToList().FindIndex(frame => Encoding.ASCII.GetString(frame) == "<IDS|MSG>");
        var parts = frames.Skip(start + 2).Take(4).ToArray();
        var expected = Convert.ToHexStringLower(
            HMACSHA256.HashData(Encoding.UTF8.GetBytes(ConnectionFileForTest.Key), parts.SelectMany(part => part).ToArray()));
        Assert.Equal(expected, Encoding.ASCII.GetString(frames[start + 1]));
        var json = parts.Select(part => (JsonObject)JsonNode.Parse(part)!).ToArray();
        return new WireMessage(json[0]["msg_type"]!.GetValue<string>(), json[0], json[1], json[3]);
    }

    public string Text(string member) => Content[member]!.GetValue<string>();
}
