using System.Net;

namespace SpectralKD.Weights;

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

/// <summary>What the hub's answers mean to the user: one line each.</summary>
internal static class HubErrors
{
    /// <summary>What works without a network, as it is typed there: by the options of commands, or by a notebook's parameter.</summary>
    private static string OtherWays => Advice.IsForCommandLine
        ? "give a file that is here (--weights FILE; for a teacher and a student --teacher-weights and --student-weights) or, knowingly, an UNTRAINED model (seeded instead of FILE)"
        : "give a file that is here (--weights FILE, of a lesson the parameter weights=FILE) or, knowingly, an UNTRAINED model (weights=seeded)";

    /// <summary>True if the repository exists but has no such file at that revision; mirrors say no more than 404.</summary>
    public static bool IsMissingFile(HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.NotFound && Code(response) is (null or "" or "EntryNotFound");

    /// <summary>True if the hub itself says so, for good.</summary>
    public static bool IsSurelyMissing(HttpResponseMessage response) => Code(response) == "EntryNotFound";

    /// <summary>True if waiting may help: too many requests, a server in trouble.</summary>
    public static bool IsPassing(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;

    /// <summary>The error for a status that is final.</summary>
    public static SpectralKDException From(HttpResponseMessage response, HubFile file, HubOptions options)
    {
        var page = $"{options.Endpoint.AbsoluteUri.TrimEnd('/')}/{file.Repository}";
        var status = (int)response.StatusCode;
        return new SpectralKDException(Code(response) switch
        {
            "GatedRepo" => $"'{file.Repository}' is gated ({status}): ask for access at {page} and set HF_TOKEN to a token of that account",
            "RevisionNotFound" => $"'{file.Repository}' has no revision '{file.Revision}' ({status}); see {page}",
            "EntryNotFound" => $"'{file.Repository}' has no file '{file.Name}' ({status}); see {page}",
            _ => FromStatus(response, file, options, page),
        });
    }

    private static string FromStatus(HttpResponseMessage response, HubFile file, HubOptions options, string page)
    {
        var status = (int)response.StatusCode;
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => $"the hub refuses '{file.Repository}' ({status}): it does not exist or is private"
                + (options.Token is null ? "; check the name, or set HF_TOKEN" : ", or the token (HF_TOKEN) is not valid")
                + (options.TokenProblem is { } problem ? $" ({problem})" : "") + $"; see {page}",
            HttpStatusCode.NotFound => $"the hub has no '{file.Repository}' ({status}); check the name at {options.Endpoint}",
            HttpStatusCode.TooManyRequests =>
                $"the hub still asks to slow down ({status}) for '{file.FullName}'; wait a while, or set HF_TOKEN for a higher limit",
            >= HttpStatusCode.InternalServerError => $"the hub has trouble ({status}) with '{file.FullName}'; try again later",
            _ => $"the hub answered {status} ({response.ReasonPhrase}) for '{file.FullName}'; see {page}",
        };
    }

    /// <summary>The error when there is no connection and no cached copy.</summary>
    public static SpectralKDException Unreachable(HubFile file, HubOptions options, PassingFailureException cause) => new(
        (cause.Answered ? cause.Message : $"cannot reach {options.Endpoint} ({cause.Message}), and '{file.FullName}' is not in the cache '{options.CacheFolder}'; "
        + $"check the network, set HF_ENDPOINT to a mirror, or {OtherWays}"), cause);

    /// <summary>The error of offline mode.</summary>
    public static SpectralKDException Offline(HubFile file, HubOptions options) => new(
        $"'{file.FullName}' is not in the cache '{options.CacheFolder}', and HF_HUB_OFFLINE forbids to fetch it; "
        + $"unset HF_HUB_OFFLINE, or {OtherWays}");

    /// <summary>The error for a disk without room.</summary>
    public static SpectralKDException NoSpace(HubFile file, HubOptions options, long needed, long free) => new(
        $"no room for '{file.FullName}': {needed} bytes are still to come, but the disk of '{options.CacheFolder}' has {free} free; "
        + "free some space or set HF_HUB_CACHE to another disk");

    private static string? Code(HttpResponseMessage response) => HubMetadata.Header(response, "X-Error-Code");
}
