using SpectralKD.Notebook.Session.Scripting;

#pragma warning disable IDE0130 // .NET Interactive's namespace: its notebooks run here unchanged.

namespace Microsoft.DotNet.Interactive;

/// <summary>
/// The running cell: where formatters of .NET Interactive notebooks show things and find the token of an interrupt. Commands and events of
/// its kernels are not here.
/// </summary>
public sealed class KernelInvocationContext
{
    private static readonly KernelInvocationContext Running = new();

    private KernelInvocationContext()
    {
    }

    /// <summary>The running cell's; null outside of cells.</summary>
    public static KernelInvocationContext? Current => CellExecution.Current is null ? null : Running;

#pragma warning disable CA1822 // Members of an object, as in .NET Interactive.
    /// <summary>Fires when the cell is interrupted.</summary>
    public CancellationToken CancellationToken => CellExecution.Current?.Token ?? CancellationToken.None;

    /// <summary>Shows a value below the cell.</summary>
    /// <param name="value">Anything; null shows as <c>&lt;null&gt;</c>.</param>
    /// <param name="mimeTypes">MIME types to format it into; none: the preferred ones of its type.</param>
    /// <returns>A handle that replaces what is shown.</returns>
    public DisplayedValue Display(object? value, params string[] mimeTypes) => value.Display(mimeTypes);

    /// <summary>Shows text that is already in a MIME type.</summary>
    /// <param name="value">The content.</param>
    /// <param name="mimeType">Its MIME type, for example <c>text/markdown</c>.</param>
    /// <returns>A handle that replaces what is shown.</returns>
    public DisplayedValue DisplayAs(string value, string mimeType) => value.DisplayAs(mimeType);
#pragma warning restore CA1822
}
