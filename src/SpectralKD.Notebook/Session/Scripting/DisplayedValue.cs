#pragma warning disable IDE0130 // .NET Interactive's namespace: its notebooks run here unchanged.

namespace Microsoft.DotNet.Interactive;

/// <summary>Something that a cell shows and can replace in place, also from a later cell.</summary>
public sealed class DisplayedValue : IDisplayedValue
{
    private readonly ICellOutput? _output;
    private readonly string[] _mimeTypes;

    internal DisplayedValue(ICellOutput? output, string displayId, params string[] mimeTypes)
    {
        _output = output;
        DisplayId = displayId;
        _mimeTypes = mimeTypes;
    }

    /// <summary>Shows a value below a cell.</summary>
    internal static DisplayedValue Show(CellExecution run, MimeBundle bundle, params string[] mimeTypes)
    {
        var shown = new DisplayedValue(run.Output, Guid.NewGuid().ToString("N"), mimeTypes);
        run.Output.DisplayData(bundle, shown.DisplayId);
        return shown;
    }

    /// <summary>The identity of the display in the notebook.</summary>
    public string DisplayId { get; }

    /// <summary>Replaces what is shown.</summary>
    /// <param name="value">The new value, formatted as the first one was.</param>
    public void Update(object? value)
    {
        if (_output is null)
        {
            Console.WriteLine(value);
            return;
        }

        _output.UpdateDisplayData(MimeBundles.From(value, _mimeTypes), DisplayId);
    }

    void IDisplayedValue.Update(object value) => Update(value);
}
