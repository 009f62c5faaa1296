namespace SpectralKD.Notebook.Session.Packages;

/// <summary>Packages that could not be restored; the message is one line for the user.</summary>
internal sealed class RestoreFailed(string message, IReadOnlyList<string> errors) : Exception(message)
{
    /// <summary>All of NuGet's errors: <c>NU1301: Unable to load …</c></summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
