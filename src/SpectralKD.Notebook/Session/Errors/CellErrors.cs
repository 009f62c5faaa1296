using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Session;

/// <summary>Why a cell failed, in the parts that Jupyter's <c>error</c> message has.</summary>
/// <param name="Name">Exception type's short name; <c>CompilationError</c>, <c>SpectralKDError</c> or <c>Interrupted</c> for the host's own.</param>
/// <param name="Message">One line.</param>
/// <param name="Traceback">Lines to show: source lines with their column for compile errors, the user's frames for exceptions.</param>
internal sealed record CellError(string Name, string Message, IReadOnlyList<string> Traceback);

/// <summary>Says why a cell failed, in the user's terms.</summary>
internal static class CellErrors
{
    private const int MostErrors = 10;

    /// <summary>The error for an exception that ended a cell.</summary>
    public static CellError From(Exception exception, CellExecution run)
    {
        var error = Describe(exception, run);
        var hidden = run.Session.Hidden;
        return new CellError(error.Name, hidden.Mask(error.Message), [.. error.Traceback.Select(hidden.Mask)]);
    }

    private static CellError Describe(Exception exception, CellExecution run) => Unwrap(exception) switch
    {
        _ when run.IsInterrupted => Interrupted(run, exception),
        // A wait for an answer may hear of the interrupt before the run does.
        OperationCanceledException when run.Token.IsCancellationRequested => Interrupted(run, exception),
        CompilationFailed failed => FromCompiler(failed),
        SpectralKDException known => new CellError("SpectralKDError", known.Message, [known.Message]),
        _ => new CellError(NameOf(exception), FirstLine(MessageOf(exception)), Lines(exception)),
    };

    /// <summary>The error of a cell that was interrupted, with the place where it was where that is known.</summary>
    public static CellError Interrupted(CellExecution run, Exception? stopped)
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

    private static string Headline(Exception exception) => $"{TypeNames.WithoutSubmission(exception.GetType().ToString())}: {MessageOf(exception)}";

    private static string NameOf(Exception exception) => exception.GetType().Name;

    /// <summary>Without the C++ functions that libtorch lists below its message.</summary>
    private static string MessageOf(Exception exception)
    {
        var end = exception is ExternalException ? exception.Message.IndexOf("\nException raised from ", StringComparison.Ordinal) : -1;
        return TypeNames.WithoutSubmission(end < 0 ? exception.Message : exception.Message[..end]);
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0].TrimEnd('\r');
}

/// <summary>The part of a stack trace that the user wrote or brought by <c>#r</c>.</summary>
internal static partial class UserFrames
{
    private const int MostFrames = 30;

    /// <summary>One line a frame, innermost first: <c>   at Twice in cell [3], line 2</c>.</summary>
    /// <param name="exception">What was thrown.</param>
    public static IEnumerable<string> Of(Exception exception)
    {
        var all = All(exception).ToArray();
        return all.Length <= MostFrames
            ? all
            : [.. all.Take(MostFrames / 2), $"   … {all.Length - MostFrames} more …", .. all.TakeLast(MostFrames / 2)];
    }

    private static IEnumerable<string> All(Exception exception)
    {
        var last = "";
        var isCheck = false;
        foreach (var frame in new StackTrace(exception, fNeedFileInfo: true).GetFrames())
        {
            var line = frame.GetMethod() is not { } method ? ""
                : CellCompiler.SourceOf(method.Module.Assembly) is { } source
                ? Describe(frame, method, source.OnlyLine is { } only ? $"{source.Name}, line {only.ToString(CultureInfo.InvariantCulture)}"
                    : isCheck ? CheckedLines.Place(source, NameOf(method).Split('.')[^1], frame.GetFileLineNumber(), exception) : null)
                : AssemblyLoadContext.GetLoadContext(method.Module.Assembly) is SessionLoadContext ? Describe(frame, method, null, isBrought: true) : "";
            isCheck = CheckedLines.IsCheck(frame.GetMethod());
            if (line.Length > 0 && line != last)
            {
                yield return last = line;
            }
        }
    }

    private static string Describe(StackFrame frame, MethodBase method, string? known, bool isBrought = false)
    {
        var place = known ?? (frame.GetFileName() is { } file ? $"{file}, line {frame.GetFileLineNumber().ToString(CultureInfo.InvariantCulture)}" : "");
        var name = NameOf(method);
        return (name.Length > 0, place.Length > 0) switch
        {
            (true, true) => $"   at {name} in {place}",
            // Of a cell, what has no name is its top level, and what has no place is the compiler's own.
            (false, true) when !isBrought => $"   at {place}",
            (true, false) when isBrought => $"   at {name}",
            _ => "",
        };
    }

    /// <summary>The name that the user gave; empty for the cell's own top level.</summary>
    private static string NameOf(MethodBase method)
    {
        var name = Given(method.Name);
        var type = method.DeclaringType;
        while (type is not null && type.Name.StartsWith('<'))
        {
            name = name.Length > 0 ? name : Given(type.Name);
            type = type.DeclaringType;
        }

        var owner = type is null || type.Name.StartsWith("Submission#", StringComparison.Ordinal) ? "" : TypeNames.Short(type) + ".";
        return name.Length > 0 ? owner + name : "";
    }

    /// <summary>
    /// Foo of <c>&lt;Foo&gt;d__3</c> and <c>&lt;Foo&gt;b__0</c>, Bar of <c>&lt;Foo&gt;g__Bar|0</c>; nothing of the submission's
    /// initialiser.
    /// </summary>
    private static string Given(string name)
    {
        if (name is "MoveNext" or "<Initialize>" or "<Factory>" or ".ctor" || name.TrimStart('<').StartsWith("Initialize>", StringComparison.Ordinal))
        {
            return name == ".ctor" ? "" : LocalName().Match(name).Groups["local"].Value;
        }

        var match = LocalName().Match(name);
        return match.Success ? match.Groups["local"].Value
            : OuterName().Match(name) is { Success: true } outer ? outer.Groups["name"].Value
            : name;
    }

    [GeneratedRegex(@">g__(?<local>[^|]+)\|")]
    private static partial Regex LocalName();

    [GeneratedRegex(@"^<(?<name>[^<>]*)>")]
    private static partial Regex OuterName();
}

/// <summary>
/// Where one of the runtime's own checks failed: of an index, a division, checked arithmetic. Cells are optimised code, in which all checks of
/// a function share one place, so the runtime knows the function but not the line; the source tells which lines come into question.
/// </summary>
internal static class CheckedLines
{
    private const int MostLines = 4;

    /// <summary><c>cell [3], line 4</c>, <c>cell [3], line 4 or 6</c>, or <c>cell [3]</c> where there are many.</summary>
    /// <param name="source">The cell.</param>
    /// <param name="function">The user's name of the function that failed; empty for none, and for a lambda.</param>
    /// <param name="line">The line that the runtime names, from 1; 0 for none. It is believed where it has such a check.</param>
    /// <param name="failed">What was thrown.</param>
    public static string Place(CellSource source, string function, int line, Exception failed)
    {
        var root = CSharpSyntaxTree.ParseText(source.Code, CellCompiler.ParseOptions).GetRoot();
        int[] lines = [.. Within(root, function).Select(node => CheckOf(node, failed)).OfType<SyntaxNodeOrToken>().Select(LineOf).Distinct()];
        string[] words = [.. (lines.Contains(line) ? [line] : lines).Select(number => number.ToString(CultureInfo.InvariantCulture))];
        return words.Length switch
        {
            0 or > MostLines => source.Name,
            1 => $"{source.Name}, line {words[0]}",
            _ => $"{source.Name}, line {string.Join(", ", words[..^1])} or {words[^1]}",
        };
    }

    /// <summary>True where a frame is the runtime's own, of a check that failed.</summary>
    public static bool IsCheck(MethodBase? method) => method?.DeclaringType?.FullName == "Internal.Runtime.CompilerHelpers.ThrowHelpers";

    private static IEnumerable<SyntaxNode> Within(SyntaxNode root, string function)
    {
        var functions = root.DescendantNodes().Where(node => NameOf(node) is not null).ToArray();
        var named = functions.Where(node => NameOf(node) == function).ToArray();
        return named.Length > 0 ? named.SelectMany(node => node.DescendantNodes())
            : function.Length > 0 ? root.DescendantNodes()
            : root.DescendantNodes(node => !functions.Contains(node));
    }

    private static SyntaxNodeOrToken? CheckOf(SyntaxNode node, Exception failed) => (node, failed) switch
    {
        (BracketedArgumentListSyntax { Parent: ExpressionSyntax }, IndexOutOfRangeException) => node,
        (BinaryExpressionSyntax { RawKind: (int)SyntaxKind.DivideExpression or (int)SyntaxKind.ModuloExpression } division, DivideByZeroException)
            => division.OperatorToken,
        (AssignmentExpressionSyntax { RawKind: (int)SyntaxKind.DivideAssignmentExpression or (int)SyntaxKind.ModuloAssignmentExpression } division,
            DivideByZeroException) => division.OperatorToken,
        (BinaryExpressionSyntax arithmetic, OverflowException) => arithmetic.OperatorToken,
        (AssignmentExpressionSyntax { OperatorToken: { RawKind: not (int)SyntaxKind.EqualsToken } sign }, OverflowException) => sign,
        (PrefixUnaryExpressionSyntax or PostfixUnaryExpressionSyntax or CastExpressionSyntax, OverflowException) => node,
        _ => null,
    };

    private static string? NameOf(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax method => method.Identifier.Text,
        LocalFunctionStatementSyntax function => function.Identifier.Text,
        _ => null,
    };

    private static int LineOf(SyntaxNodeOrToken check) => check.SyntaxTree!.GetLineSpan(check.Span).StartLinePosition.Line + 1;
}
