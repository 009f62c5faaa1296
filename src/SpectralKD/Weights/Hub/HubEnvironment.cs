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

    /// <summary>The token without line breaks, as Python takes them out.</summary>
    /// <param name="problem">Why the token's file cannot be read, or null.</param>
    public string? Token(out string? problem)
    {
        problem = null;
        var token = Value("HF_TOKEN") ?? Value("HUGGING_FACE_HUB_TOKEN")
            ?? (Flag("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? null : TokenFile(out problem));
        return NullIfEmpty(token?.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal));
    }

    private string Home() => Value("HF_HOME") ?? Path.Combine(
        Value("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "huggingface");

    // An unreadable token is no token: public repositories need none. The hub's refusal tells of it.
    private string? TokenFile(out string? problem)
    {
        problem = null;
        var path = Value("HF_TOKEN_PATH") ?? Path.Combine(Home(), "token");
        try
        {
            return File.Exists(path) ? NullIfEmpty(File.ReadAllText(path)) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = $"the token's file '{path}' cannot be read: {error.Message.TrimEnd('.')}";
            return null;
        }
    }

    private string? Value(string name) => NullIfEmpty(read(name));

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
