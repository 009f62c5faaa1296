using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.CSharp;
using Microsoft.DotNet.Interactive.Formatting;
using SpectralKD.Interactive.Magic;
using IDisplayedValue = SpectralKD.Interactive.Magic.IDisplayedValue;

namespace SpectralKD.DotNetInteractive;

/// <summary>A notebook of .NET Interactive as magic commands see it: variables are those of its C# kernel.</summary>
internal sealed class DotNetInteractiveHost(Kernel root, KernelInvocationContext? context = null) : INotebookHost
{
    private readonly CSharpKernel? _csharp = CSharpOf(root);

    /// <summary>The notebook in which a command runs.</summary>
    public DotNetInteractiveHost(KernelInvocationContext context)
        : this(context.HandlingKernel.RootKernel, context)
    {
    }

    /// <summary>The kernel that holds a notebook's C# variables; null where it has none.</summary>
    public static CSharpKernel? CSharpOf(Kernel root) => root as CSharpKernel ?? root.FindKernelByName("csharp") as CSharpKernel;

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, Type Type)> Variables =>
    [
        .. (_csharp?.ScriptState?.Variables ?? []).GroupBy(variable => variable.Name).Select(group => group.Last())
            .Select(variable => (variable.Name, variable.Value?.GetType() ?? variable.Type)),
    ];

    /// <inheritdoc/>
    public IDisplayedValue Display(object value) =>
        new Shown((context ?? throw new InvalidOperationException("Values are shown by running commands.")).Display(value));

    /// <inheritdoc/>
    public bool TryGetVariable(string name, out object? value)
    {
        value = null;
        return _csharp is not null && _csharp.TryGetValue(name, out value);
    }

    /// <inheritdoc/>
    public Task SetVariableAsync(string name, object value, Type declaredType) => (_csharp
        ?? throw new SpectralKDException("this notebook has no C# kernel named csharp to hold a variable: add a CSharpKernel")).SetValueAsync(name, value, declaredType);

    private sealed class Shown(DisplayedValue displayed) : IDisplayedValue
    {
        public void Update(object value) => displayed.Update(value);
    }
}
