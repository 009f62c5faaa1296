namespace SpectralKD.Distillation;

/// <summary>Keeps a run's folder for one process: the operating system frees it even when that process is killed.</summary>
internal sealed class RunLock : IDisposable
{
    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes the folder.</summary>
    /// <exception cref="SpectralKDException">Another run has it, or the folder cannot be written.</exception>
    public static RunLock Take(string folder)
    {
        var path = Path.Combine(folder, "run.lock");
        try
        {
            Directory.CreateDirectory(folder);
            return new RunLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception error) when (error is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            throw new SpectralKDException($"the run's folder '{folder}' cannot be written: {error.Message}", error);
        }
        catch (IOException error)
        {
            throw new SpectralKDException(
                $"another run is writing to '{folder}', or it is on a full disk ({error.Message}); wait for it, or choose another folder", error);
        }
    }

    public void Dispose() => _file.Dispose();
}
