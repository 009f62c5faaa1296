namespace SpectralKD;

/// <summary>
/// An error that the user can act on. The message is one line: what went wrong, what was found, what to do.
/// Hosts show the message alone, never the stack.
/// </summary>
public sealed class SpectralKDException : Exception
{
    /// <summary>Makes an error whose message is shown to the user as it stands.</summary>
    /// <param name="message">
    /// One line: what went wrong, what was found, what to do. Names from damaged or hostile files may be in it: line breaks become spaces, other
    /// control characters are shown as escapes (<c>\x1b</c>), and what is beyond 600 characters is cut off with an ellipsis.
    /// </param>
    /// <param name="innerException">The cause, for debugging.</param>
    public SpectralKDException(string message, Exception? innerException = null)
        : base(PlainText.OneLine(message), innerException)
    {
    }
}
