namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <summary>Cuts TeX mathematics into tokens; text arguments are read raw, with their spaces.</summary>
internal sealed class TexLexer(string source)
{
    private int _position;

    public TexToken Peek()
    {
        var before = _position;
        var token = Next();
        _position = before;
        return token;
    }

    public TexToken Next()
    {
        SkipBlank();
        if (_position == source.Length)
        {
            return new TexToken(TexTokenKind.End, "");
        }
        var character = source[_position];
        return character switch
        {
            '\\' => Command(),
            >= '0' and <= '9' => Number(),
            '{' => One(TexTokenKind.Open),
            '}' => One(TexTokenKind.Close),
            '_' => One(TexTokenKind.Subscript),
            '^' => One(TexTokenKind.Superscript),
            '\'' => One(TexTokenKind.Prime),
            '&' => One(TexTokenKind.Cell),
            '~' => Advance(new TexToken(TexTokenKind.Command, " "), 1),
            _ => char.IsLetter(character) ? One(TexTokenKind.Letter) : One(TexTokenKind.Symbol),
        };
    }

    /// <summary>One digit: an argument without braces (<c>\frac12</c>) is one token of TeX, not a whole number.</summary>
    public string Digit()
    {
        SkipBlank();
        return source[_position++].ToString();
    }

    /// <summary>The raw text between braces.</summary>
    public string RawGroup()
    {
        SkipBlank();
        if (_position == source.Length || source[_position] != '{')
        {
            throw new TexException("a group in braces is needed");
        }
        var start = ++_position;
        for (var depth = 1; _position < source.Length; _position++)
        {
            depth += source[_position] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
            {
                return source[start.._position++];
            }
        }
        throw new TexException("a brace is not closed");
    }

    /// <summary>The raw text between brackets if one opens here (as in <c>\sqrt[3]{x}</c>).</summary>
    public string? RawOption()
    {
        SkipBlank();
        if (_position == source.Length || source[_position] != '[')
        {
            return null;
        }
        var end = source.IndexOf(']', _position);
        if (end < 0)
        {
            throw new TexException("a bracket is not closed");
        }
        var option = source[(_position + 1)..end];
        _position = end + 1;
        return option;
    }

    private void SkipBlank()
    {
        while (_position < source.Length && (char.IsWhiteSpace(source[_position]) || source[_position] == '%'))
        {
            if (source[_position] == '%')
            {
                var lineEnd = source.IndexOf('\n', _position);
                _position = lineEnd < 0 ? source.Length - 1 : lineEnd;
            }
            _position++;
        }
    }

    private TexToken Command()
    {
        var end = _position + 1;
        while (end < source.Length && char.IsAsciiLetter(source[end]))
        {
            end++;
        }
        if (end == _position + 1)
        {
            end = Math.Min(end + 1, source.Length);
        }
        var name = source[(_position + 1)..end];
        return Advance(new TexToken(name == "\\" ? TexTokenKind.Row : TexTokenKind.Command, name), end - _position);
    }

    private TexToken Number()
    {
        var end = _position;
        while (end < source.Length && (char.IsAsciiDigit(source[end]) || IsDecimalPoint(end)))
        {
            end++;
        }
        return Advance(new TexToken(TexTokenKind.Number, source[_position..end]), end - _position);
    }

    private bool IsDecimalPoint(int index) => source[index] == '.' && index + 1 < source.Length && char.IsAsciiDigit(source[index + 1]);

    private TexToken One(TexTokenKind kind)
    {
        var length = char.IsSurrogatePair(source, _position) ? 2 : 1;
        return Advance(new TexToken(kind, source.Substring(_position, length)), length);
    }

    private TexToken Advance(TexToken token, int length)
    {
        _position += length;
        return token;
    }
}
