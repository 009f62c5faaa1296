namespace SpectralKD.Weights.Hub;

/// <summary>
/// Where the Hugging Face hub is and where its files are kept, by the environment variables that Python's huggingface_hub
/// documents (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables).
/// </summary>
public sealed record HubOptions
{
    /// <summary>Address of the hub or of a mirror, without a slash at the end (<c>HF_ENDPOINT</c>).</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>Access token, or null (<c>HF_TOKEN</c>, else the file that <c>huggingface-cli login</c> writes).</summary>
    public string? Token { get; init; }

    /// <summary>Why there is no token although there is a file for it; said where the hub refuses access.</summary>
    internal string? TokenProblem { get; init; }

    /// <summary>The cache folder that Python uses too (<c>HF_HUB_CACHE</c>, else <c>HF_HOME/hub</c>, else <c>~/.cache/huggingface/hub</c>).</summary>
    public required string CacheFolder { get; init; }

    /// <summary>True uses the cache only and never the network (<c>HF_HUB_OFFLINE</c>).</summary>
    public bool Offline { get; init; }

    /// <summary>Reads the options from the environment.</summary>
    /// <param name="read">Reads one variable; null for the process's own environment.</param>
    /// <exception cref="SpectralKDException"><c>HF_ENDPOINT</c> is no http address.</exception>
    public static HubOptions FromEnvironment(Func<string, string?>? read = null)
    {
        var environment = new HubEnvironment(read ?? Environment.GetEnvironmentVariable);
        var token = environment.Token(out var problem);
        return new HubOptions
        {
            Endpoint = environment.Endpoint(),
            Token = token,
            TokenProblem = problem,
            CacheFolder = environment.CacheFolder(),
            Offline = environment.Flag("HF_HUB_OFFLINE") || environment.Flag("TRANSFORMERS_OFFLINE"),
        };
    }

    /// <summary>The options as text, without the token.</summary>
    public override string ToString() => $"{Endpoint} -> {CacheFolder}{(Offline ? " (offline)" : "")}";
}
