namespace SpectralKD.Weights.Hub;

/// <summary>Finds the weights in a repository of the hub: safetensors first, as timm does, else PyTorch's own format.</summary>
internal static class HubWeights
{
    private static readonly string[] FileNames = ["model.safetensors", "pytorch_model.bin"];

    /// <summary>Fetches a repository's weights, or finds them in the cache.</summary>
    /// <exception cref="SpectralKDException">The repository has none, or they cannot be had.</exception>
    public static async Task<string> FindAsync(
        string repository, string revision, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        using var client = new HubClient();
        return await FindAsync(client, repository, revision, progress, cancellation).ConfigureAwait(false);
    }

    internal static async Task<string> FindAsync(
        HubClient client, string repository, string revision, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        foreach (var name in FileNames)
        {
            if (await client.TryDownloadAsync(repository, name, revision, progress, cancellation).ConfigureAwait(false) is { } path)
            {
                return path;
            }
        }

        throw new SpectralKDException($"'{repository}' holds no weights ({string.Join(" or ", FileNames)}); check the name");
    }
}
