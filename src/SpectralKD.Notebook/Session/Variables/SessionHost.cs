using SpectralKD.Interactive.Magic;
using SpectralKD.Notebook.Session.Running;
using SpectralKD.Notebook.Session.Scripting;

namespace SpectralKD.Notebook.Session.Variables;

/// <summary>What a magic command sees of the session.</summary>
internal sealed class SessionHost(CSharpSession session, CellRun? run) : INotebookHost
{
    /// <inheritdoc />
    public IReadOnlyList<(string Name, Type Type)> Variables => [.. session.Variables.All.Select(variable => (variable.Name, variable.Type))];

    /// <inheritdoc />
    public IDisplayedValue Display(object value)
    {
        run?.ThrowIfInterrupted();
        return value.Display();
    }

    /// <inheritdoc />
    public bool TryGetVariable(string name, out object? value) => session.Variables.TryGet(name, out value);

    /// <inheritdoc />
    public Task SetVariableAsync(string name, object value, Type declaredType)
        => session.Variables.SetAsync(name, value, declaredType, run ?? throw new InvalidOperationException("Variables are set by running cells."));
}
