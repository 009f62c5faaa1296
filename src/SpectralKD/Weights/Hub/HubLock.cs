namespace SpectralKD.Weights.Hub;

/// <summary>
/// A lock between processes on one file of the cache. .NET opens the file under flock(2), which is what Python's filelock
/// takes too, so both wait for each other.
/// </summary>
internal static class HubLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Waits for the lock; disposing the result frees it. The file stays, as Python leaves it.</summary>
    public static async Task<IDisposable> TakeAsync(string path, Func<TimeSpan, CancellationToken, Task> delay, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                await delay(Pause, cancellation).ConfigureAwait(false);
            }
        }
    }
}
