namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <content>Matrices, cases and aligned equations.</content>
internal sealed partial class TexParser
{
    private string ParseEnvironment()
    {
        var name = _lexer.RawGroup();
        if (name == "array")
        {
            _lexer.RawGroup();
        }
        var table = $"<mtable{TableStyle(name)}>{string.Concat(ParseRows())}</mtable>";
        _lexer.Next();
        if (_lexer.RawGroup() != name)
        {
            throw new TexException($"\\begin{{{name}}} is not closed");
        }
        return name switch
        {
            "matrix" or "array" or "smallmatrix" or "aligned" or "align" or "align*" or "split" or "gather" or "gather*" or "gathered"
                or "equation" or "equation*" => table,
            "pmatrix" => Fenced("(", table, ")"),
            "bmatrix" => Fenced("[", table, "]"),
            "vmatrix" => Fenced("|", table, "|"),
            "Vmatrix" => Fenced("‖", table, "‖"),
            "cases" => $"<mrow><mo stretchy=\"true\">{{</mo>{table}</mrow>",
            _ => throw new TexException($"unknown environment {name}"),
        };
    }

    private static string TableStyle(string name) => name switch
    {
        "cases" => " class=\"cases\"",
        "aligned" or "align" or "align*" or "split" => " class=\"aligned\" displaystyle=\"true\"",
        "gather" or "gather*" or "gathered" or "equation" or "equation*" => " displaystyle=\"true\"",
        _ => "",
    };

    private IEnumerable<string> ParseRows()
    {
        var cells = new List<string>();
        while (true)
        {
            cells.Add(MathMl.Element("mtd", ParseRow()));
            var token = _lexer.Peek();
            if (token.Kind == TexTokenKind.Cell)
            {
                _lexer.Next();
                continue;
            }
            yield return MathMl.Element("mtr", string.Concat(cells));
            cells.Clear();
            if (token.Kind != TexTokenKind.Row)
            {
                break;
            }
            _lexer.Next();
            if (_lexer.Peek() is { Kind: TexTokenKind.Command, Text: "end" })
            {
                break;
            }
        }
        if (_lexer.Peek() is not { Kind: TexTokenKind.Command, Text: "end" })
        {
            throw new TexException("\\begin without \\end");
        }
    }

    private static string Fenced(string left, string table, string right)
        => $"<mrow>{MathMl.Fence(left, grows: true)}{table}{MathMl.Fence(right, grows: true)}</mrow>";
}
