using SpectralKD.Interactive.Magic;
using SpectralKD.Notebook.Session.Display;
using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Session.Variables;

/// <summary>What a magic command sees of the session.</summary>
internal sealed class SessionHost(CSharpSession session, CellRun? run) : INotebookHost
{
    /// <inheritdoc />
    public IReadOnlyList<(string Name, Type Type)> Variables => [.. session.Variables.All.Select(variable => (variable.Name, variable.Type))];

    /// <inheritdoc />
    public IDisplayedValue Display(object value)
    {
        var running = run ?? throw new InvalidOperationException("Values are shown by running cells.");
        running.ThrowIfInterrupted();
        return running.Display(MimeBundles.From(value));
    }

    /// <inheritdoc />
    public bool TryGetVariable(string name, out object? value) => session.Variables.TryGet(name, out value);

    /// <inheritdoc />
    public Task SetVariableAsync(string name, object value, Type declaredType)
    {
        var running = run ?? throw new InvalidOperationException("Variables are set by running cells.");
        return session.Variables.SetAsync(name, value, declaredType, running);
    }
}
