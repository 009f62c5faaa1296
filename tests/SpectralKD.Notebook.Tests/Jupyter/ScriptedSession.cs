using SpectralKD.Notebook.Session;
using SpectralKD.Notebook.Tests.Running;

namespace SpectralKD.Notebook.Tests.Jupyter;

/// <summary>The fake session that can also ask the user: a cell <c>ask PROMPT</c> prints the answer. Editing of <c>slow…</c> takes until it is given up.</summary>
internal sealed class ScriptedSession : INotebookSession
{
    private readonly FakeSession _session = new();

    public Func<InputRequest, CancellationToken, Task<string?>>? Ask { get; set; }

    public IReadOnlyList<string> Executed => _session.Executed;

    public async Task<CellResult> ExecuteAsync(string code, ICellOutput output, CancellationToken cancellationToken = default)
    {
        if (!code.StartsWith("ask ", StringComparison.Ordinal))
        {
            return await _session.ExecuteAsync(code, output, cancellationToken);
        }
        try
        {
            output.Stream("stdout", "answer: " + await Ask!(new InputRequest(code[4..], IsPassword: false), cancellationToken));
            return new CellResult(null);
        }
        catch (SpectralKDException error)
        {
            return new CellResult(new CellError("SpectralKDError", error.Message, []));
        }
    }

    public async Task<Completions> CompleteAsync(string code, int position, CancellationToken cancellationToken = default)
    {
        await WaitWhereSlowAsync(code, cancellationToken);
        return new Completions(position - 3, position, [new CompletionProposal("Write", "method", "void Write()")]);
    }

    public async Task<MimeBundle?> InspectAsync(string code, int position, CancellationToken cancellationToken = default)
    {
        await WaitWhereSlowAsync(code, cancellationToken);
        return await _session.InspectAsync(code, position, cancellationToken);
    }

    public CodeCompleteness IsComplete(string code) => _session.IsComplete(code);

    public ValueTask DisposeAsync() => _session.DisposeAsync();

    private static Task WaitWhereSlowAsync(string code, CancellationToken cancellationToken)
        => code.StartsWith("slow", StringComparison.Ordinal) ? Task.Delay(Timeout.Infinite, cancellationToken) : Task.CompletedTask;
}
