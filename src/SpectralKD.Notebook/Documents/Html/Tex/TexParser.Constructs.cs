namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <content>Commands that take arguments: fractions, roots, text, accents over and under.</content>
internal sealed partial class TexParser
{
    private string ParseConstruct(string name)
    {
        switch (name)
        {
            case "frac" or "dfrac" or "tfrac" or "cfrac":
                return MathMl.Element("mfrac", ParseArgument(), ParseArgument());
            case "binom":
                var top = ParseArgument();
                return $"<mrow><mo>(</mo><mfrac linethickness=\"0\">{top}{ParseArgument()}</mfrac><mo>)</mo></mrow>";
            case "sqrt":
                var degree = _lexer.RawOption();
                return degree is null
                    ? MathMl.Element("msqrt", ParseArgument())
                    : MathMl.Element("mroot", ParseArgument(), new TexParser(degree, _depth).ParseAll());
            case "text" or "textrm" or "mbox" or "textnormal" or "texttt":
                return MathMl.Text(_lexer.RawGroup());
            case "textbf" or "textit" or "emph":
                return $"<mrow style=\"{(name == "textbf" ? "font-weight:bold" : "font-style:italic")}\">{MathMl.Text(_lexer.RawGroup())}</mrow>";
            case "mathrm" or "operatorname" or "mathop":
                return ParseUpright();
            case "left":
                return ParseFenced();
            case "begin":
                return ParseEnvironment();
            case "underbrace":
                return $"<munder>{ParseArgument()}<mo stretchy=\"true\">⏟</mo></munder>";
            case "overbrace":
                return $"<mover>{ParseArgument()}<mo stretchy=\"true\">⏞</mo></mover>";
            case "underline":
                return $"<munder>{ParseArgument()}<mo stretchy=\"true\">_</mo></munder>";
            case "overset" or "stackrel":
                var over = ParseArgument();
                return MathMl.Element("mover", ParseArgument(), over);
            case "underset":
                var under = ParseArgument();
                return MathMl.Element("munder", ParseArgument(), under);
            case "not":
                return MathMl.Operator(Negated(_lexer.Next()));
            case "displaystyle" or "textstyle" or "nonumber" or "notag" or "scriptstyle":
                return "";
            case "bmod":
                return MathMl.Operator("mod");
            case "%" or "$" or "#" or "&" or "_":
                return MathMl.Operator(name);
            case " ":
                return MathMl.Space("0.25");
            default:
                return SizeOf(name) is double size ? MathMl.Sized(ParseDelimiter(), size) : throw new TexException($"unknown \\{name}");
        }
    }

    private static double? SizeOf(string name) => name.TrimEnd('l', 'r', 'm') switch
    {
        "big" => 1.2,
        "Big" => 1.8,
        "bigg" => 2.4,
        "Bigg" => 3,
        _ => null,
    };

    private string ParseUpright()
    {
        var raw = _lexer.RawGroup();
        return raw.All(character => char.IsLetterOrDigit(character) || character is ' ' or '-')
            ? raw.Contains(' ') || raw.Contains('-') ? MathMl.Text(raw) : MathMl.Upright(raw)
            : new TexParser(raw, _depth).ParseAll();
    }

    private static string Negated(TexToken token) => token.Text switch
    {
        "=" => "≠",
        "in" => "∉",
        "subset" => "⊄",
        "equiv" => "≢",
        "exists" => "∄",
        _ => throw new TexException($"unknown \\not{token.Text}"),
    };
}
