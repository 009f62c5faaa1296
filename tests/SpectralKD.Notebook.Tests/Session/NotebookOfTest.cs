using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

/// <summary>A session for one test, with all that its cells showed.</summary>
internal sealed class NotebookOfTest(CSharpSessionOptions? options = null) : IAsyncDisposable
{
    // A loaded machine may take longer than a user's patience.
    public CSharpSession Session { get; } = new(options ?? new CSharpSessionOptions { InterruptPatience = TimeSpan.FromSeconds(15) });

    public RecordedOutput Output { get; private set; } = new();

    /// <summary>Runs a cell that must succeed; <see cref="Output"/> then holds what it showed.</summary>
    public async Task<RecordedOutput> RunAsync(string code)
    {
        var result = await TryAsync(code);
        Assert.True(result.Succeeded, result.Error is { } error ? string.Join('\n', error.Traceback) : "");
        return Output;
    }

    /// <summary>Runs a cell that must fail.</summary>
    public async Task<CellError> FailAsync(string code)
        => (await TryAsync(code)).Error ?? throw new InvalidOperationException($"the cell succeeded: {code}");

    /// <summary>Runs a cell.</summary>
    public async Task<CellResult> TryAsync(string code, CancellationToken cancellationToken = default)
    {
        Output = new RecordedOutput();
        return await Session.ExecuteAsync(code, Output, cancellationToken);
    }

    public ValueTask DisposeAsync() => Session.DisposeAsync();
}
