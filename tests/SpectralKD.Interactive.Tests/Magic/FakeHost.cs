using SpectralKD.Interactive.Magic;

namespace SpectralKD.Interactive.Tests.Magic;

/// <summary>A notebook of the tests' own: remembers what was displayed and holds variables.</summary>
internal sealed class FakeHost : INotebookHost
{
    private readonly Dictionary<string, object?> _variables = [];

    /// <summary>What is displayed now, updates applied.</summary>
    public List<object> Displayed { get; } = [];

    public IReadOnlyList<(string Name, Type Type)> Variables => [.. _variables.Select(v => (v.Key, v.Value?.GetType() ?? typeof(object)))];

    public object? this[string name]
    {
        get => _variables[name];
        set => _variables[name] = value;
    }

    public IDisplayedValue Display(object value)
    {
        Displayed.Add(value);
        return new Place(this, Displayed.Count - 1);
    }

    public bool TryGetVariable(string name, out object? value) => _variables.TryGetValue(name, out value);

    public Task SetVariableAsync(string name, object value, Type declaredType)
    {
        Assert.IsAssignableFrom(declaredType, value);
        _variables[name] = value;
        return Task.CompletedTask;
    }

    private sealed class Place(FakeHost host, int index) : IDisplayedValue
    {
        public void Update(object value) => host.Displayed[index] = value;
    }
}
