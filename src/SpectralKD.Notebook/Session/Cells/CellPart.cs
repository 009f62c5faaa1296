namespace SpectralKD.Notebook.Session.Cells;

/// <summary>A part of a cell.</summary>
/// <param name="Kind">C# or a magic line.</param>
/// <param name="Text">Its text.</param>
internal sealed record CellPart(CellPartKind Kind, string Text);

/// <summary>What a part of a cell is.</summary>
internal enum CellPartKind
{
    /// <summary>C#.</summary>
    Code,

    /// <summary>A line such as <c>#!spectral-help</c> or <c>#r "…"</c>.</summary>
    Magic,
}
