using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.DotNet.Interactive;
using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Session.Errors;

/// <summary>Says why a cell failed, in the user's terms.</summary>
internal static partial class CellErrors
{
    private const int MostErrors = 10;

    /// <summary>The error for an exception that ended a cell.</summary>
    public static CellError From(Exception exception, CellRun run)
    {
        var error = Describe(exception, run);
        return run.Hidden.Count == 0 ? error : new CellError(error.Name, Masked(error.Message, run), [.. error.Traceback.Select(line => Masked(line, run))]);
    }

    private static CellError Describe(Exception exception, CellRun run) => Unwrap(exception) switch
    {
        _ when run.IsInterrupted => Interrupted(run, exception),
        CompilationFailed failed => FromCompiler(failed),
        SpectralKDException known => new CellError("SpectralKDError", known.Message, [known.Message]),
        _ => new CellError(NameOf(exception), FirstLine(MessageOf(exception)), Lines(exception)),
    };

    // A short password may be a part of many a word.
    private static string Masked(string text, CellRun run) => run.Hidden.Where(password => password.Length > 0).Aggregate(
        text, (masked, password) => Regex.Replace(masked, $@"(?<!\w){Regex.Escape(password)}(?!\w)", PasswordString.Mask));

    /// <summary>The error of a cell that was interrupted, with the place where it was where that is known.</summary>
    public static CellError Interrupted(CellRun run, Exception? stopped)
    {
        const string Kept = "The cell was interrupted; what its variables held is kept.";
        string[] left = run.LeftThreadRunning ? ["One of its threads is inside a call that cannot be stopped; it ends when that call returns, or with a restart of the kernel."] : [];
        return new CellError("Interrupted", Kept, [Kept, .. stopped is null ? [] : UserFrames.Of(stopped), .. left]);
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

    /// <summary>An exception's type and message, the user's frames, and the same of what caused it.</summary>
    public static IReadOnlyList<string> Lines(Exception exception)
    {
        var lines = new List<string> { Headline(exception) };
        lines.AddRange(UserFrames.Of(exception));
        AddInner(exception, lines, depth: 0);
        return lines;
    }

    private static void AddInner(Exception exception, List<string> lines, int depth)
    {
        var inner = exception is AggregateException several
            ? several.InnerExceptions
            : (IEnumerable<Exception>)(exception.InnerException is { } one ? [one] : []);
        foreach (var cause in depth < 8 ? inner : [])
        {
            lines.Add($" ---> {Headline(cause)}");
            lines.AddRange(UserFrames.Of(cause));
            AddInner(cause, lines, depth + 1);
        }
    }

    /// <summary>What really happened.</summary>
    public static Exception Unwrap(Exception exception) => exception switch
    {
        TargetInvocationException { InnerException: { } inner } => Unwrap(inner),
        AggregateException { InnerExceptions: [var only] } => Unwrap(only),
        _ => exception,
    };

    private static string Headline(Exception exception) => $"{WithoutSubmission(exception.GetType().ToString())}: {MessageOf(exception)}";

    private static string NameOf(Exception exception) => exception.GetType().Name;

    /// <summary>Without the C++ functions that libtorch lists below its message.</summary>
    private static string MessageOf(Exception exception)
    {
        var end = exception is ExternalException ? exception.Message.IndexOf("\nException raised from ", StringComparison.Ordinal) : -1;
        return WithoutSubmission(end < 0 ? exception.Message : exception.Message[..end]);
    }

    /// <summary>A type that a cell declares goes by its own name; the runtime puts the submission's before it.</summary>
    public static string WithoutSubmission(string text)
        => text.Contains("Submission#", StringComparison.Ordinal) ? SubmissionName().Replace(text, "") : text;

    [GeneratedRegex(@"Submission#0[+.](?=[\w<])")]
    private static partial Regex SubmissionName();

    private static string FirstLine(string text) => text.Split('\n', 2)[0].TrimEnd('\r');
}
