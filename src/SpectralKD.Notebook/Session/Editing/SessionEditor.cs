using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using SpectralKD.Interactive.Magic;
using SpectralKD.Notebook.Session.Cells;
using SpectralKD.Notebook.Session.Compiling;

namespace SpectralKD.Notebook.Session.Editing;

/// <summary>Completion and inspection of a session's cells. One request at a time; a running cell does not hold it up.</summary>
internal sealed partial class SessionEditor(CellCompiler compiler, INotebookHost host, string folder) : IDisposable
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
            return MagicEditing.Complete(code, position, host, folder);
        }

        return language != CellPart.CSharp ? new Completions(position, position, []) : await InTurnAsync(
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
            return MagicEditing.Inspect(code, position);
        }

        return language != CellPart.CSharp ? null : await InTurnAsync(
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
