namespace SpectralKD.Notebook.Session.Cells;

/// <summary>A part of a cell.</summary>
/// <param name="Language">The language of its text; null for a magic line.</param>
/// <param name="Text">Its text.</param>
/// <param name="Options">What follows the language's name on the line that switches to it: <c>--name x</c> of <c>#!value --name x</c>.</param>
internal sealed record CellPart(string? Language, string Text, string Options = "")
{
    /// <summary>The language that cells are in unless they say otherwise.</summary>
    public const string CSharp = "csharp";

    /// <summary>No language, but a text that becomes a variable.</summary>
    public const string Values = "value";

    /// <summary>True for a line such as <c>#!spectral-help</c> or <c>#r "…"</c>.</summary>
    public bool IsMagic => Language is null;
}
