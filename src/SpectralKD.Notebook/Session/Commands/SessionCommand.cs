using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary>A magic line that belongs to the C# session itself rather than to the product.</summary>
internal abstract class SessionCommand
{
    /// <summary>As typed: <c>#r</c>, <c>#!time</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What it does, one line.</summary>
    public abstract string Description { get; }

    /// <summary>False where nothing may follow the name.</summary>
    public virtual bool TakesMore => true;

    /// <summary>Runs it.</summary>
    /// <param name="rest">What stands after the name, trimmed.</param>
    /// <param name="program">The cell that it is in.</param>
    public abstract Task RunAsync(string rest, CellProgram program);

    /// <summary>The text between the quotes of <c>#r "…"</c>, or the word itself.</summary>
    public static string Unquote(string text)
    {
        var trimmed = text.Trim();
        if (!trimmed.StartsWith('"'))
        {
            return trimmed;
        }

        var end = trimmed.IndexOf('"', 1);
        return end > 0 ? trimmed[1..end] : throw new SpectralKDException($"a quote is not closed in {trimmed}");
    }
}
