namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <summary>What a piece of TeX is.</summary>
internal enum TexTokenKind
{
    Command,
    Letter,
    Number,
    Symbol,
    Open,
    Close,
    Subscript,
    Superscript,
    Prime,
    Cell,
    Row,
    End,
}

/// <summary>A piece of TeX: a command without its backslash, a letter, a number, a symbol.</summary>
internal readonly record struct TexToken(TexTokenKind Kind, string Text);
