using System.Globalization;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// Takes what the formatters write, as long as they do not call each other too deep: of a list that holds itself there is no end, and a full
/// stack would end the process.
/// </summary>
internal sealed unsafe class ShallowWriter : StringWriter
{
    // Some 60 lists in each other. Leaving takes much more of the stack than going in: each level throws anew.
    private const long Deepest = 96 * 1024;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly long _start;

    /// <summary>Begins at the caller's depth.</summary>
    public ShallowWriter()
        : base(CultureInfo.InvariantCulture)
    {
        byte here;
        _start = (long)&here;
    }

    /// <inheritdoc />
    /// <exception cref="NestedTooDeep">The value's parts are nested too deep.</exception>
    public override void Write(char value)
    {
        ThrowIfTooDeep();
        base.Write(value);
    }

    /// <inheritdoc />
    /// <exception cref="NestedTooDeep">The value's parts are nested too deep.</exception>
    public override void Write(string? value)
    {
        ThrowIfTooDeep();
        base.Write(value);
    }

    private void ThrowIfTooDeep()
    {
        byte here;
        if (_start - (long)&here > Deepest && Environment.CurrentManagedThreadId == _thread)
        {
            throw new NestedTooDeep();
        }
    }
}

/// <summary>A value whose parts are nested too deep to be shown.</summary>
internal sealed class NestedTooDeep() : Exception("The value is nested too deep to be shown; does it hold itself?");
