using System.Runtime.ExceptionServices;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// An exception that nobody catches on a thread which a cell has started would end the process. Here it ends that thread only, and the
/// cell's error output says so.
/// </summary>
internal static class UnhandledExceptions
{
    private static int _installed;

    /// <summary>
    /// Is told of exceptions on threads that belong to no cell; null ends the process, as .NET does. The newest kernel of a process sets it.
    /// </summary>
    public static Action<string>? Otherwise { get; set; }

    /// <summary>Takes them over, once in a process, unless the application has done so itself.</summary>
    public static void Install()
    {
        if (Interlocked.Exchange(ref _installed, 1) != 0)
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
        if (CellExecution.Current is not { } run)
        {
            Otherwise?.Invoke(Describe(exception, "a background thread"));
            return Otherwise is not null;
        }

        if (!run.IsInterrupted)
        {
            run.Output.Stream("stderr", Describe(exception, $"a thread of cell [{run.Number}]"));
        }

        return true;
    }

    /// <summary>What the notebook is told of one.</summary>
    internal static string Describe(Exception exception, string place)
    {
        var lines = CellErrors.Lines(exception);
        return string.Join(Environment.NewLine, [$"Unhandled exception on {place}: {lines[0]}", .. lines.Skip(1), ""]);
    }
}
