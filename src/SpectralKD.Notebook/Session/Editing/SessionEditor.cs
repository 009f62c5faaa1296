using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SpectralKD.Notebook.Session;

/// <summary>Whether a piece of code is a whole submission.</summary>
/// <param name="Status"><c>complete</c>, <c>incomplete</c>, <c>invalid</c> or <c>unknown</c>.</param>
/// <param name="Indent">Indentation for the next line where incomplete.</param>
internal sealed record CodeCompleteness(string Status, string Indent = "");

/// <summary>Completion proposals that replace <c>[Start, End)</c> of the code.</summary>
/// <param name="Start">First replaced position, UTF-16 code units.</param>
/// <param name="End">Position after the last replaced one.</param>
/// <param name="Items">The proposals, best first.</param>
internal sealed record Completions(int Start, int End, IReadOnlyList<CompletionProposal> Items);

/// <summary>One completion proposal.</summary>
/// <param name="Text">What is inserted.</param>
/// <param name="Kind">Jupyter's experimental type: <c>function</c>, <c>class</c>, <c>property</c>, <c>keyword</c>, <c>magic</c>, …</param>
/// <param name="Signature">Signature or description, one line; may be empty.</param>
internal sealed record CompletionProposal(string Text, string Kind, string Signature = "");

/// <summary>Completion and inspection of a session's cells. One request at a time; a running cell does not hold it up.</summary>
internal sealed partial class SessionEditor(CellCompiler compiler, INotebookHost host) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lazy<EditingWorkspace> _workspace = new();

    /// <summary>Completions at a position of a cell.</summary>
    public async Task<Completions> CompleteAsync(string code, int position, CancellationToken cancellationToken)
    {
        position = Math.Clamp(position, 0, code.Length);
        var language = LanguageAt(code, position);
        if (language is null)
        {
            return MagicEditing.Complete(code, position, host);
        }

        return language != Languages.CSharp ? new Completions(position, position, []) : await InTurnAsync(
            WithoutAwait(code, position),
            document => CodeCompletion.AtAsync(document, position, cancellationToken),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What stands at a position of a cell.</summary>
    public async Task<MimeBundle?> InspectAsync(string code, int position, CancellationToken cancellationToken)
    {
        position = Math.Clamp(position, 0, code.Length);
        var language = LanguageAt(code, position);
        if (language is null)
        {
            return MagicEditing.Inspect(code, position, host);
        }

        return language != Languages.CSharp ? null : await InTurnAsync(
            code,
            document => CodeInspection.AtAsync(document, position, cancellationToken),
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _turn.Dispose();
        if (_workspace.IsValueCreated)
        {
            _workspace.Value.Dispose();
        }
    }

    /// <summary>What can stand after <c>await</c> can stand without it; before it is typed, the compiler takes the word for a name.</summary>
    private static string WithoutAwait(string code, int position)
    {
        var before = code[..position].TrimEnd();
        return before.Length < position && AwaitAtEnd().IsMatch(before)
            ? $"{before[..^5]}     {code[before.Length..]}"
            : code;
    }

    [GeneratedRegex(@"(?<![\w@])await$")]
    private static partial Regex AwaitAtEnd();

    /// <summary>Null on a magic line, also on one that only begins to be: <c>#!</c>.</summary>
    private static string? LanguageAt(string code, int position)
    {
        var start = position == 0 ? 0 : code.LastIndexOf('\n', position - 1) + 1;
        return code[start..position].TrimStart() is "#" or "#!" ? null : CellText.LanguageAt(code, position);
    }

    private async Task<T> InTurnAsync<T>(string code, Func<Document, Task<T>> work, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(
                async () => await work(
                    await _workspace.Value.OpenAsync(code, compiler.Last!, compiler.Added, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false),
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }
}

/// <summary>Whether Enter should run a piece of code.</summary>
internal static class Completeness
{
    private const string Step = "    ";

    // "text without its end, which the next line cannot bring.
    private const string OpenText = "CS1010";

    /// <summary>The code's status, with the indentation for its next line.</summary>
    public static CodeCompleteness Of(string code)
    {
        if (NestedCode.IsTooDeep(code))
        {
            return new CodeCompleteness("invalid");
        }
        var tree = CSharpSyntaxTree.ParseText(UsingDeclarations.TakeOut(CellText.WithoutMagic(code), []), CellCompiler.ParseOptions);
        var diagnostics = tree.GetDiagnostics().ToArray();
        if (diagnostics.Any(diagnostic => diagnostic.Id == OpenText))
        {
            return new CodeCompleteness("invalid");
        }

        if (!SyntaxFactory.IsCompleteSubmission(tree) || diagnostics.Any(CellText.IsUnterminated))
        {
            return IsWrongBeforeItsEnd(tree, diagnostics) ? new CodeCompleteness("invalid") : new CodeCompleteness("incomplete", NextIndent(code));
        }

        var hasErrors = diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        return new CodeCompleteness(hasErrors ? "invalid" : "complete");
    }

    // What is missing is reported at the end; an error before the last word is one that no further line can mend.
    private static bool IsWrongBeforeItsEnd(SyntaxTree tree, IReadOnlyList<Diagnostic> diagnostics)
    {
        var last = tree.GetRoot().GetLastToken().SpanStart;
        return !diagnostics.Any(CellText.IsUnterminated)
            && diagnostics.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error && diagnostic.Location.SourceSpan.End < last);
    }

    private static string NextIndent(string code)
    {
        var last = code.TrimEnd().Split('\n')[^1].TrimEnd('\r');
        var indent = last[..(last.Length - last.TrimStart().Length)];
        return last.EndsWith('{') || last.EndsWith('(') || last.EndsWith('[') ? indent + Step : indent;
    }
}

/// <summary>Completion and help for the magic lines of a cell.</summary>
internal static class MagicEditing
{
    /// <summary>Proposals on the magic line at a position.</summary>
    public static Completions Complete(string code, int position, INotebookHost host)
    {
        var (start, line) = LineAt(code, position);
        var (from, to, proposals) = MagicCompletion.Complete(line, position - start, host);
        return new Completions(start + from, start + to, [.. proposals.Select(found => new CompletionProposal(found.Text, found.IsPath ? "path" : "magic", found.Description))]);
    }

    /// <summary>What the magic line at a position does; null where it is none that is known.</summary>
    public static MimeBundle? Inspect(string code, int position, INotebookHost host)
    {
        var name = MagicLine.NameOf(LineAt(code, position).Line);
        return host.Commands.FirstOrDefault(command => command.Name == name) is { } command
            ? MimeBundles.Raw(new CommandHelpView(command).ToPlainText(), "text/plain") : null;
    }

    private static (int Start, string Line) LineAt(string code, int position)
    {
        var start = position == 0 ? 0 : code.LastIndexOf('\n', position - 1) + 1;
        var end = code.IndexOf('\n', position);
        var line = (end < 0 ? code[start..] : code[start..end]).TrimEnd('\r');
        var indent = line.Length - line.TrimStart().Length;
        return (start + indent, line[indent..]);
    }
}
