using System.Runtime.ExceptionServices;

namespace SpectralKD.Notebook.Session.Running;

/// <summary>
/// An exception that nobody catches on a thread which a cell has started would end the process. Here it ends that thread only, and the
/// cell's error output says so.
/// </summary>
internal static class UnhandledExceptions
{
    private static int s_installed;

    /// <summary>
    /// Is told of exceptions on threads that belong to no cell; null ends the process, as .NET does. The newest kernel of a process sets it.
    /// </summary>
    public static Action<Exception>? Otherwise { get; set; }

    /// <summary>Takes them over, once in a process, unless the application has done so itself.</summary>
    public static void Install()
    {
        if (Interlocked.Exchange(ref s_installed, 1) != 0)
        {
            return;
        }

        try
        {
            ExceptionHandling.SetUnhandledExceptionHandler(Report);
        }
        catch (InvalidOperationException)
        {
            // The application has a handler of its own.
        }
    }

    private static bool Report(Exception exception)
    {
        if (CellRun.Current is not { } run)
        {
            Otherwise?.Invoke(exception);
            return Otherwise is not null;
        }

        if (!run.IsInterrupted)
        {
            var lines = Errors.UserFrames.Of(exception, run.Session.IsCell).Prepend(
                $"Unhandled exception on a thread of cell [{run.Number}]: {exception.GetType()}: {exception.Message}");
            run.Output.Stream("stderr", string.Join(Environment.NewLine, lines) + Environment.NewLine);
        }

        return true;
    }
}
