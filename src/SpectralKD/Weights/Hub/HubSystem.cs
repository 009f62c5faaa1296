namespace SpectralKD.Weights.Hub;

/// <summary>What a download needs from the machine: waiting, the disk's free space, links. Tests put their own here.</summary>
internal sealed record HubSystem
{
    /// <summary>Waits for a time.</summary>
    public Func<TimeSpan, CancellationToken, Task> Delay { get; init; } = Task.Delay;

    /// <summary>Free bytes on the disk that holds a folder, or null where the system does not tell.</summary>
    public Func<string, long?> FreeSpace { get; init; } = FreeSpaceOf;

    /// <summary>Makes a symbolic link (its path, its target); Windows refuses without developer mode.</summary>
    public Action<string, string> CreateLink { get; init; } = (path, target) => File.CreateSymbolicLink(path, target);

    private static long? FreeSpaceOf(string folder)
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
