using System.Reflection;
using SpectralKD.Notebook.Session.Compiling;
using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Session.Errors;

/// <summary>Says why a cell failed, in the user's terms.</summary>
internal static class CellErrors
{
    private const int MostErrors = 10;

    /// <summary>The error for an exception that ended a cell.</summary>
    public static CellError From(Exception exception, CellRun run, CellCompiler compiler) => Unwrap(exception) switch
    {
        _ when run.IsInterrupted => Interrupted(run),
        CompilationFailed failed => FromCompiler(failed),
        SpectralKDException known => new CellError("SpectralKDError", known.Message, [known.Message]),
        var thrown => Thrown(thrown, compiler),
    };

    /// <summary>The error of a cell that was interrupted.</summary>
    public static CellError Interrupted(CellRun run)
    {
        const string Kept = "The cell was interrupted; what its variables held is kept.";
        return new CellError("Interrupted", Kept, run.LeftThreadRunning
            ? [Kept, "One of its threads is inside a call that cannot be stopped; it ends when that call returns."]
            : [Kept]);
    }

    private static CellError FromCompiler(CompilationFailed failed)
    {
        var more = failed.Errors.Count - 1;
        var lines = failed.Errors.Take(MostErrors).SelectMany(error => error.Source.Prepend(error.Line)).ToList();
        if (failed.Errors.Count > MostErrors)
        {
            lines.Add($"… and {failed.Errors.Count - MostErrors} more errors");
        }

        return new CellError("CompilationError", failed.Message + (more > 0 ? $" (and {more} more)" : ""), lines);
    }

    private static CellError Thrown(Exception exception, CellCompiler compiler)
    {
        var lines = new List<string> { Headline(exception) };
        lines.AddRange(UserFrames.Of(exception, compiler.IsCell));
        AddInner(exception, lines, compiler, depth: 0);
        return new CellError(exception.GetType().Name, FirstLine(exception.Message), lines);
    }

    private static void AddInner(Exception exception, List<string> lines, CellCompiler compiler, int depth)
    {
        var inner = exception is AggregateException several
            ? several.InnerExceptions
            : (IEnumerable<Exception>)(exception.InnerException is { } one ? [one] : []);
        foreach (var cause in depth < 8 ? inner : [])
        {
            lines.Add($" ---> {Headline(cause)}");
            lines.AddRange(UserFrames.Of(cause, compiler.IsCell));
            AddInner(cause, lines, compiler, depth + 1);
        }
    }

    private static Exception Unwrap(Exception exception) => exception switch
    {
        TargetInvocationException { InnerException: { } inner } => Unwrap(inner),
        AggregateException { InnerExceptions: [var only] } => Unwrap(only),
        _ => exception,
    };

    private static string Headline(Exception exception) => $"{exception.GetType()}: {exception.Message}";

    private static string FirstLine(string text) => text.Split('\n', 2)[0].TrimEnd('\r');
}
