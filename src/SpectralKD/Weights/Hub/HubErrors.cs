using System.Net;

namespace SpectralKD.Weights.Hub;

/// <summary>What the hub's answers mean to the user: one line each.</summary>
internal static class HubErrors
{
    /// <summary>What works without a network: said by the command's option and by a notebook's parameter.</summary>
    private const string OtherWays = "give a file that is here (--weights FILE, in a notebook weights=FILE) or, knowingly, an UNTRAINED model (weights=seeded)";

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
