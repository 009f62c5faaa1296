namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <summary>Reads TeX mathematics and writes MathML; one method for each kind of construct.</summary>
internal sealed partial class TexParser(string source, int depth = 0)
{
    private const int DeepestNesting = 60;

    private readonly TexLexer _lexer = new(source);
    private int _depth = depth;

    public string ParseAll()
    {
        var row = ParseRow();
        return _lexer.Peek().Kind == TexTokenKind.End ? row : throw new TexException($"unexpected {_lexer.Peek().Text}");
    }

    // Ends before }, &, \\, \right, \end and at the end.
    private string ParseRow()
    {
        Descend();
        var nodes = new List<string>();
        while (!EndsRow(_lexer.Peek()))
        {
            nodes.Add(ParseScripted());
        }
        _depth--;
        return nodes.Count == 1 ? nodes[0] : MathMl.Row(nodes);
    }

    private void Descend()
    {
        if (++_depth > DeepestNesting)
        {
            throw new TexException("nested too deeply");
        }
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
        Descend();
        var atom = ParseAtomAtDepth();
        _depth--;
        return atom;
    }

    private string ParseAtomAtDepth()
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
            : raw.All(char.IsLetterOrDigit) ? MathMl.Identifier(MathAlphabet.Letters(name, raw)) : new TexParser(raw, _depth).ParseAll();
    }

    private static string Plain(TexToken token) => token.Kind switch
    {
        TexTokenKind.Command => TexSymbols.Identifiers.GetValueOrDefault(token.Text) ?? throw new TexException($"unknown \\{token.Text}"),
        _ => token.Text,
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
}
