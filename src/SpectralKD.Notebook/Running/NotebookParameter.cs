using System.Globalization;

namespace SpectralKD.Notebook.Running;

/// <summary>A value for one of a notebook's parameters.</summary>
/// <param name="Name">A C# identifier.</param>
/// <param name="Text">The value as the user wrote it.</param>
/// <param name="IsRaw">True: always a string, whatever it looks like (papermill's <c>-r</c>).</param>
public sealed record NotebookParameter(string Name, string Text, bool IsRaw = false)
{
    /// <summary>
    /// The value typed as papermill types it: <c>True</c>/<c>False</c> (any case) bool, <c>None</c> null, then int, long, double, else string.
    /// </summary>
    public object? Value => IsRaw ? Text : Text switch
    {
        _ when Text.Equals("true", StringComparison.OrdinalIgnoreCase) => true,
        _ when Text.Equals("false", StringComparison.OrdinalIgnoreCase) => false,
        "None" or "null" => null,
        _ when int.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ when long.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ when double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
        _ => Text,
    };

    /// <summary>Reads <c>name=value</c>; the value may be empty and may hold more equals signs.</summary>
    /// <param name="assignment">The text, for instance <c>model=deit_tiny_patch16_224</c>.</param>
    /// <exception cref="SpectralKDException">There is no equals sign, or the name is no C# identifier.</exception>
    public static NotebookParameter Parse(string assignment)
    {
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            throw new SpectralKDException($"--parameter {assignment}: a name=value pair is needed, for instance {assignment}=5");
        }
        var name = assignment[..equals].Trim();
        CSharpLiteral.RequireIdentifier(name);
        return new NotebookParameter(name, assignment[(equals + 1)..]);
    }
}
