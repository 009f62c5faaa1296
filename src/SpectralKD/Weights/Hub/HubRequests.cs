using System.Net;
using System.Net.Http.Headers;

namespace SpectralKD.Weights.Hub;

/// <summary>
/// Sends requests and follows redirects by hand, so that the token goes to the hub's own address and to no other host.
/// </summary>
internal sealed class HubRequests(HttpClient http, HubOptions options)
{
    private const int MaximumRedirects = 10;
    private static readonly TimeSpan HeaderTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Asks for a file's headers. A redirect that already describes the file (X-Repo-Commit) is the answer.</summary>
    public Task<HttpResponseMessage> HeadAsync(Uri address, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Head, address, 0, response => response.Headers.Contains("X-Repo-Commit"), cancellation);

    /// <summary>Asks for a file's content from a byte on; the content is not read yet.</summary>
    public Task<HttpResponseMessage> GetAsync(Uri address, long from, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, address, from, _ => false, cancellation);

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri address, long from, Func<HttpResponseMessage, bool> isAnswer, CancellationToken cancellation)
    {
        for (var hop = 0; hop <= MaximumRedirects; hop++)
        {
            var response = await SendOnceAsync(method, address, from, cancellation).ConfigureAwait(false);
            if (!IsRedirect(response.StatusCode) || response.Headers.Location is not { } location || isAnswer(response))
            {
                return response;
            }

            response.Dispose();
            var next = new Uri(address, location);
            if (next.Scheme != address.Scheme && next.Scheme != Uri.UriSchemeHttps)
            {
                throw new SpectralKDException($"{address.Host} redirects to an address that is not safe ({next.Scheme}://{next.Host}); check HF_ENDPOINT");
            }

            address = next;
        }

        throw new SpectralKDException($"{options.Endpoint} redirects more than {MaximumRedirects} times; check HF_ENDPOINT");
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, Uri address, long from, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, address);
        request.Headers.UserAgent.ParseAdd("spectralkd/0.1");
        request.Headers.AcceptEncoding.ParseAdd("identity");
        request.Headers.Range = from > 0 ? new RangeHeaderValue(from, null) : null;
        if (options.Token is { } token && IsHub(address))
        {
            request.Headers.Authorization = token.All(c => c is > ' ' and <= '~')
                ? new AuthenticationHeaderValue("Bearer", token)
                : throw new SpectralKDException("the hub's token (HF_TOKEN, or the file of huggingface-cli login) holds a blank, a line break or a letter "
                    + "that is not ASCII, which no token has; copy it again");
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(HeaderTimeout);
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException error)
        {
            throw new PassingFailureException(error.InnerException?.Message ?? error.Message, inner: error);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new PassingFailureException($"no answer within {HeaderTimeout.TotalSeconds} seconds", inner: error);
        }
    }

    private bool IsHub(Uri address) =>
        Uri.Compare(address, options.Endpoint, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private static bool IsRedirect(HttpStatusCode status) => status is HttpStatusCode.MovedPermanently or HttpStatusCode.Found
        or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;
}
