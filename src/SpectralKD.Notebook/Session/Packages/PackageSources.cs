using NuGet.Configuration;

namespace SpectralKD.Notebook.Session.Packages;

/// <summary>
/// Where NuGet gets packages from for a notebook, looked at before it does: it asks a source that does not answer again and again, for minutes. Those that do not
/// answer are left out; what was restored before is in the local cache.
/// </summary>
internal sealed class PackageSources
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2.5);

    private static readonly HttpClient s_http = new(new SocketsHttpHandler { ConnectTimeout = s_patience, AllowAutoRedirect = false });

    private PackageSources(IReadOnlyList<string> answering, IReadOnlyList<string> silent, string cache)
        => (Answering, Silent, Cache) = (answering, silent, cache);

    /// <summary>Addresses that answer, and folders.</summary>
    public IReadOnlyList<string> Answering { get; }

    /// <summary>Addresses that do not answer.</summary>
    public IReadOnlyList<string> Silent { get; }

    /// <summary>The folder that NuGet puts packages into (<c>globalPackagesFolder</c>).</summary>
    public string Cache { get; }

    /// <summary>Looks at the sources of a folder's NuGet configuration and at more.</summary>
    /// <param name="folder">The notebook's.</param>
    /// <param name="more">Sources that the notebook names itself.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null where the configuration cannot be read, which <c>dotnet restore</c> explains.</returns>
    public static async Task<PackageSources?> LookAsync(string folder, IEnumerable<string> more, CancellationToken cancellationToken)
    {
        try
        {
            var settings = Settings.LoadDefaultSettings(folder);
            string[] all = [.. new PackageSourceProvider(settings).LoadPackageSources().Where(source => source.IsEnabled).Select(source => source.Source), .. more];
            var answers = await Task.WhenAll(all.Distinct().Select(async source => (source, Answers: await AnswersAsync(source, cancellationToken).ConfigureAwait(false))))
                .ConfigureAwait(false);
            return new PackageSources(
                [.. answers.Where(answer => answer.Answers).Select(answer => answer.source)],
                [.. answers.Where(answer => !answer.Answers).Select(answer => answer.source)],
                SettingsUtility.GetGlobalPackagesFolder(settings));
        }
        catch (Exception error) when (error is NuGetConfigurationException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>True where some version of a package was restored before.</summary>
    public bool IsCached(PackageRequest package) => Directory.Exists(Path.Combine(Cache, package.Id.ToLowerInvariant()));

    /// <summary>Any answer is one, also a refusal; a certificate that is not trusted, say, is for NuGet to explain.</summary>
    private static async Task<bool> AnswersAsync(string source, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(source, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            return true;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience + TimeSpan.FromSeconds(0.5));
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, address);
            using var response = await s_http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
            return true;
        }
        catch (HttpRequestException error)
        {
            return error.HttpRequestError is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.ProxyTunnelError)
                && error.InnerException is not TimeoutException;
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            // Connected, but slow: that is none of our business. Not connected in time: silent.
            return error.InnerException is not TimeoutException;
        }
    }
}
