namespace SpectralKD.Notebook.Running;

/// <summary>The process's current directory for the time of a run; disposing restores it.</summary>
internal sealed class RunSurroundings : IDisposable
{
    private readonly string _earlier = Environment.CurrentDirectory;

    public RunSurroundings(string? workingDirectory)
    {
        if (workingDirectory is null)
        {
            return;
        }
        if (!Directory.Exists(workingDirectory))
        {
            throw new SpectralKDException($"there is no folder {workingDirectory} to run the notebook in");
        }
        Environment.CurrentDirectory = workingDirectory;
    }

    public void Dispose() => Environment.CurrentDirectory = _earlier;
}
