namespace SpectralKD.Notebook.Session.Cells;

/// <summary>A part of a cell.</summary>
/// <param name="Language">The language of its text; null for a magic line.</param>
/// <param name="Text">Its text.</param>
internal sealed record CellPart(string? Language, string Text)
{
    /// <summary>The language that cells are in unless they say otherwise.</summary>
    public const string CSharp = "csharp";

    /// <summary>True for a line such as <c>#!spectral-help</c> or <c>#r "…"</c>.</summary>
    public bool IsMagic => Language is null;
}
