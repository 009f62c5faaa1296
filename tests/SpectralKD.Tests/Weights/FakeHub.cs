using System.Globalization;
using System.Security.Cryptography;

namespace SpectralKD.Tests.Weights;

/// <summary>
/// A hub with one repository and one file, kept on a second server as the real hub keeps large files. <see cref="OnHub"/> and
/// <see cref="OnStore"/> may answer instead, for the trouble that a test wants.
/// </summary>
internal sealed class FakeHub : IDisposable
{
    public const string Repository = "timm/nano";
    public const string FileName = "model.safetensors";
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    public FakeHub(byte[]? content = null)
    {
        Content = content ?? [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7))];
        ETag = Convert.ToHexStringLower(SHA256.HashData(Content));
        Store = new FakeServer(request => OnStore?.Invoke(request) ?? Send(request, Content));
        Hub = new FakeServer(request => OnHub?.Invoke(request) ?? Describe(request));
    }

    public byte[] Content { get; set; }

    public string ETag { get; }

    public FakeServer Hub { get; }

    public FakeServer Store { get; }

    public Func<FakeRequest, FakeResponse?>? OnHub { get; set; }

    public Func<FakeRequest, FakeResponse?>? OnStore { get; set; }

    /// <summary>The part that was asked for, as a server answers that knows ranges.</summary>
    public static FakeResponse Send(FakeRequest request, byte[] content) => request.From == 0
        ? new FakeResponse(200) { Body = content }
        : new FakeResponse(206)
        {
            Body = content[request.From..],
            Headers = { ["Content-Range"] = $"bytes {request.From}-{content.Length - 1}/{content.Length}" },
        };

    /// <summary>An error as the hub marks it.</summary>
    public static FakeResponse Error(int status, string? code = null)
    {
        var response = new FakeResponse(status) { Headers = { ["X-Repo-Commit"] = Commit } };
        if (code is not null)
        {
            response.Headers["X-Error-Code"] = code;
        }

        return response;
    }

    public void Dispose()
    {
        Hub.Dispose();
        Store.Dispose();
    }

    private FakeResponse Describe(FakeRequest request)
    {
        if (request.Path != $"/{Repository}/resolve/main/{FileName}" && request.Path != $"/{Repository}/resolve/{Commit}/{FileName}")
        {
            return Error(404, request.Path.StartsWith($"/{Repository}/", StringComparison.Ordinal) ? "EntryNotFound" : "RepoNotFound");
        }

        return new FakeResponse(302)
        {
            Headers =
            {
                ["X-Repo-Commit"] = Commit,
                ["X-Linked-Etag"] = $"\"{ETag}\"",
                ["X-Linked-Size"] = Content.Length.ToString(CultureInfo.InvariantCulture),
                ["ETag"] = "\"of-the-redirect\"",
                ["Location"] = $"{Store.Address}blob?signature=x",
            },
        };
    }
}
