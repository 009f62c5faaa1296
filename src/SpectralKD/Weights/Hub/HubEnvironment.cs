namespace SpectralKD.Weights.Hub;

/// <summary>The environment variables of Python's huggingface_hub.</summary>
internal sealed class HubEnvironment(Func<string, string?> read)
{
    private static readonly string[] True = ["1", "ON", "YES", "TRUE"];

    public bool Flag(string name) => True.Contains(Value(name)?.ToUpperInvariant());

    public Uri Endpoint()
    {
        var text = Value("HF_ENDPOINT") ?? "https://huggingface.co";
        return Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new SpectralKDException($"HF_ENDPOINT is '{text}', which is no http address; write for example https://huggingface.co");
    }

    public string CacheFolder() =>
        Value("HF_HUB_CACHE") ?? Value("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(Home(), "hub");

    public string? Token() => Value("HF_TOKEN") ?? Value("HUGGING_FACE_HUB_TOKEN")
        ?? (Flag("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? null : TokenFile());

    private string Home() => Value("HF_HOME") ?? Path.Combine(
        Value("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "huggingface");

    private string? TokenFile()
    {
        try
        {
            var path = Value("HF_TOKEN_PATH") ?? Path.Combine(Home(), "token");
            return File.Exists(path) ? NullIfEmpty(File.ReadAllText(path)) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // An unreadable token is no token: public repositories need none.
        }
    }

    private string? Value(string name) => NullIfEmpty(read(name));

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
