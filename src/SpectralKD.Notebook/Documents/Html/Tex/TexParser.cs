namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <summary>Reads TeX mathematics and writes MathML; one method for each kind of construct.</summary>
internal sealed class TexParser(string source)
{
    private const int DeepestNesting = 60;

    private readonly TexLexer _lexer = new(source);
    private int _depth;

    public string ParseAll()
    {
        var row = ParseRow();
        return _lexer.Peek().Kind == TexTokenKind.End ? row : throw new TexException($"unexpected {_lexer.Peek().Text}");
    }

    // Ends before }, &, \\, \right, \end and at the end.
    private string ParseRow()
    {
        if (++_depth > DeepestNesting)
        {
            throw new TexException("nested too deeply");
        }
        var nodes = new List<string>();
        while (!EndsRow(_lexer.Peek()))
        {
            nodes.Add(ParseScripted());
        }
        _depth--;
        return nodes.Count == 1 ? nodes[0] : MathMl.Row(nodes);
    }

    private static bool EndsRow(TexToken token) => token.Kind is TexTokenKind.End or TexTokenKind.Close or TexTokenKind.Cell or TexTokenKind.Row
        || token is { Kind: TexTokenKind.Command, Text: "right" or "end" or "middle" };

    private string ParseScripted()
    {
        var first = _lexer.Peek();
        var hasLimits = first.Kind == TexTokenKind.Command
            && ((TexSymbols.Large.TryGetValue(first.Text, out var large) && large.HasLimits)
                || TexSymbols.Functions.GetValueOrDefault(first.Text)
                || first.Text is "underbrace" or "overbrace");
        var basis = first.Kind is TexTokenKind.Subscript or TexTokenKind.Superscript or TexTokenKind.Prime ? MathMl.Row([]) : ParseAtom();
        hasLimits = ParseLimits(hasLimits);
        var (below, above) = ParseScripts();
        return (below, above) switch
        {
            (null, null) => basis,
            (not null, null) => MathMl.Element(hasLimits ? "munder" : "msub", basis, below),
            (null, not null) => MathMl.Element(hasLimits ? "mover" : "msup", basis, above),
            _ => MathMl.Element(hasLimits ? "munderover" : "msubsup", basis, below!, above!),
        };
    }

    private bool ParseLimits(bool hasLimits)
    {
        while (_lexer.Peek() is { Kind: TexTokenKind.Command, Text: "limits" or "nolimits" } token)
        {
            _lexer.Next();
            hasLimits = token.Text == "limits";
        }
        return hasLimits;
    }

    private (string? Below, string? Above) ParseScripts()
    {
        string? below = null;
        string? above = null;
        var primes = 0;
        while (true)
        {
            switch (_lexer.Peek().Kind)
            {
                case TexTokenKind.Subscript when below is null:
                    _lexer.Next();
                    below = ParseArgument();
                    break;
                case TexTokenKind.Superscript when above is null:
                    _lexer.Next();
                    above = ParseArgument();
                    break;
                case TexTokenKind.Prime:
                    _lexer.Next();
                    primes++;
                    break;
                default:
                    return (below, WithPrimes(above, primes));
            }
        }
    }

    private static string? WithPrimes(string? above, int primes)
    {
        if (primes == 0)
        {
            return above;
        }
        var marks = MathMl.Operator(new string('′', primes));
        return above is null ? marks : MathMl.Row([marks, above]);
    }

    private string ParseArgument() => _lexer.Peek().Kind == TexTokenKind.Number ? MathMl.Number(_lexer.Digit()) : ParseAtom();

    private string ParseGroup()
    {
        _lexer.Next();
        var row = ParseRow();
        return _lexer.Next().Kind == TexTokenKind.Close ? row : throw new TexException("a brace is not closed");
    }

    private string ParseAtom()
    {
        var token = _lexer.Peek();
        if (token.Kind == TexTokenKind.Open)
        {
            return ParseGroup();
        }
        _lexer.Next();
        return token.Kind switch
        {
            TexTokenKind.Letter => MathMl.Identifier(token.Text),
            TexTokenKind.Number => MathMl.Number(token.Text),
            TexTokenKind.Symbol => Symbol(token.Text),
            TexTokenKind.Command => ParseCommand(token.Text),
            _ => throw new TexException($"unexpected {(token.Kind == TexTokenKind.End ? "end" : token.Text)}"),
        };
    }

    private static string Symbol(string text) => text switch
    {
        "-" => MathMl.Operator("−"),
        "*" => MathMl.Operator("∗"),
        "(" or ")" or "[" or "]" or "|" => MathMl.Fence(text, grows: false),
        "$" or "#" => throw new TexException($"unexpected {text}"),
        _ => MathMl.Operator(text),
    };

    private string ParseCommand(string name)
    {
        if (TexSymbols.Identifiers.TryGetValue(name, out var identifier))
        {
            return char.IsUpper(identifier[0]) ? MathMl.Upright(identifier) : MathMl.Identifier(identifier);
        }
        if (TexSymbols.Operators.TryGetValue(name, out var symbol))
        {
            return MathMl.Operator(symbol);
        }
        if (TexSymbols.Large.TryGetValue(name, out var large))
        {
            return MathMl.Operator(large.Symbol);
        }
        if (TexSymbols.Functions.TryGetValue(name, out var isLimit))
        {
            return Function(name, isLimit);
        }
        if (TexSymbols.Delimiters.TryGetValue(name, out var delimiter))
        {
            return MathMl.Fence(delimiter, grows: false);
        }
        if (TexSymbols.Spaces.TryGetValue(name, out var space))
        {
            return MathMl.Space(space);
        }
        if (TexSymbols.Accents.TryGetValue(name, out var accent))
        {
            return MathMl.Over(ParseArgument(), accent);
        }
        return MathAlphabet.IsFont(name) ? ParseFont(name) : ParseConstruct(name);
    }

    private static string Function(string name, bool isLimit)
        => $"<mo form=\"prefix\" lspace=\"0\" rspace=\"0.167em\"{(isLimit ? " movablelimits=\"true\"" : "")}>{Spelled(name)}</mo>";

    private static string Spelled(string name) => name switch
    {
        "argmax" => "arg max",
        "argmin" => "arg min",
        "limsup" => "lim sup",
        "liminf" => "lim inf",
        _ => name,
    };

    private string ParseFont(string name)
    {
        if (_lexer.Peek().Kind != TexTokenKind.Open)
        {
            var token = _lexer.Next();
            return MathMl.Identifier(MathAlphabet.Letters(name, Plain(token)));
        }
        var raw = _lexer.RawGroup().Trim();
        return raw.StartsWith('\\')
            ? MathMl.Identifier(MathAlphabet.Letters(name, Plain(new TexLexer(raw).Next())))
            : raw.All(char.IsLetterOrDigit) ? MathMl.Identifier(MathAlphabet.Letters(name, raw)) : new TexParser(raw).ParseAll();
    }

    private static string Plain(TexToken token) => token.Kind switch
    {
        TexTokenKind.Command => TexSymbols.Identifiers.GetValueOrDefault(token.Text) ?? throw new TexException($"unknown \\{token.Text}"),
        _ => token.Text,
    };

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
                    : MathMl.Element("mroot", ParseArgument(), new TexParser(degree).ParseAll());
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
            : new TexParser(raw).ParseAll();
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

    private string ParseFenced()
    {
        var nodes = new List<string>();
        AddFence(nodes, ParseDelimiter());
        nodes.Add(ParseRow());
        while (_lexer.Peek() is { Kind: TexTokenKind.Command, Text: "middle" })
        {
            _lexer.Next();
            AddFence(nodes, ParseDelimiter());
            nodes.Add(ParseRow());
        }
        if (_lexer.Next() is not { Kind: TexTokenKind.Command, Text: "right" })
        {
            throw new TexException("\\left without \\right");
        }
        AddFence(nodes, ParseDelimiter());
        return MathMl.Row(nodes);
    }

    private static void AddFence(List<string> nodes, string delimiter)
    {
        if (delimiter != ".")
        {
            nodes.Add(MathMl.Fence(delimiter, grows: true));
        }
    }

    private string ParseDelimiter()
    {
        var token = _lexer.Next();
        return token.Kind switch
        {
            TexTokenKind.Symbol when token.Text is "<" => "⟨",
            TexTokenKind.Symbol when token.Text is ">" => "⟩",
            TexTokenKind.Symbol => token.Text,
            TexTokenKind.Command when TexSymbols.Delimiters.TryGetValue(token.Text, out var delimiter) => delimiter,
            _ => throw new TexException($"{token.Text} is no delimiter"),
        };
    }

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
