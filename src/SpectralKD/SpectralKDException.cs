namespace SpectralKD;

/// <summary>
/// An error that the user can act on. The message is one line: what went wrong, what was found, what to do.
/// Hosts show the message alone, never the stack.
/// </summary>
public sealed class SpectralKDException : Exception
{
    /// <summary>Makes an error whose message is shown to the user as it stands.</summary>
    /// <param name="message">
    /// One line: what went wrong, what was found, what to do. Line breaks, which a damaged file's names may bring, become spaces.
    /// </param>
    /// <param name="innerException">The cause, for debugging.</param>
    public SpectralKDException(string message, Exception? innerException = null)
        : base(message.ReplaceLineEndings(" "), innerException)
    {
    }
}
