namespace SpectralKD.Interactive.Magic;

/// <summary>
/// What a magic command may ask of the notebook it runs in. .NET Interactive's kernel, the embedded host and
/// the tests each implement it.
/// </summary>
public interface INotebookHost
{
    /// <summary>Shows a value below the running cell, formatted by its registered formatters.</summary>
    /// <returns>A handle that replaces what is shown, in place.</returns>
    IDisplayedValue Display(object value);

    /// <summary>Reads a C# variable of the notebook.</summary>
    /// <returns>False where there is no variable of that name.</returns>
    bool TryGetVariable(string name, out object? value);

    /// <summary>Sets (or redefines, also with another type) a C# variable of the notebook.</summary>
    Task SetVariableAsync(string name, object value, Type declaredType);

    /// <summary>The notebook's C# variables, newest definition of each name.</summary>
    IReadOnlyList<(string Name, Type Type)> Variables { get; }
}

/// <summary>Something shown in the notebook that can be replaced in place.</summary>
public interface IDisplayedValue
{
    /// <summary>Replaces what is shown.</summary>
    void Update(object value);
}
