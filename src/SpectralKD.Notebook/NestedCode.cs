using System.Buffers;

namespace SpectralKD.Notebook;

/// <summary>
/// Tells code whose brackets are nested so deeply that the compiler's parser, which asks for no room on the stack where it looks for types, would end the
/// process: some 4,000 opening parentheses do.
/// </summary>
internal static class NestedCode
{
    /// <summary>How deep brackets may be nested.</summary>
    public const int Deepest = 500;

    private static readonly SearchValues<char> Opening = SearchValues.Create("([{<");

    /// <summary>
    /// True where more than <see cref="Deepest"/> brackets are open at a time. Those in texts and comments do not count, unless it cannot be told what is one:
    /// in code with <c>#if</c>, and where one has no end.
    /// </summary>
    public static bool IsTooDeep(string code)
    {
        if (code.AsSpan().CountAny(Opening) <= Deepest)
        {
            return false;
        }
        var scanner = new Scanner(code);
        return scanner.IsTooDeep() || (scanner.IsUnsure && IsTooDeepAsPlainText(code));
    }

    private static bool IsTooDeepAsPlainText(string code)
    {
        var depth = new Depth();
        foreach (var character in code)
        {
            depth.Add(character);
        }
        return depth.WasTooDeep;
    }

    /// <summary>The brackets that are open.</summary>
    private sealed class Depth
    {
        private int _angles;

        public int Open { get; set; }

        public bool WasTooDeep { get; private set; }

        public void Add(char character)
        {
            switch (character)
            {
                case '(' or '[' or '{':
                    Open++;
                    break;
                case ')' or ']' or '}':
                    Open = Math.Max(Open - 1, 0);
                    break;
                case '<':
                    _angles++;
                    break;
                case '>':
                    _angles = Math.Max(_angles - 1, 0);
                    break;
                case ';':
                    _angles = 0;
                    break;
            }
            WasTooDeep |= Open > Deepest || _angles > Deepest;
        }
    }

    /// <summary>A string: how many quotes end it (one, or three and more), how many braces begin code in it (none: it holds no code), and what was open before that code.</summary>
    private readonly record struct Text(int Quotes, int Dollars, bool Verbatim, bool OneLine, int Open = 0, int Braces = 0);

    /// <summary>Reads code from its start to its end. Strings within the code of strings wait on a stack of its own, so that nothing can overflow.</summary>
    private sealed class Scanner(string code)
    {
        private readonly Depth _depth = new();
        private readonly Depth _documentation = new(); // the compiler parses it too
        private readonly Stack<Text> _around = new();
        private int _at;
        private int _braces; // open in the code within the innermost string
        private bool _lineStart = true;

        /// <summary>True where what was taken for text may be code.</summary>
        public bool IsUnsure { get; private set; }

        public bool IsTooDeep()
        {
            while (_at < code.Length && !_depth.WasTooDeep)
            {
                Next();
            }
            IsUnsure |= _around.Count > 0;
            return _depth.WasTooDeep || _documentation.WasTooDeep;
        }

        private void Next()
        {
            var character = code[_at];
            var atLineStart = _lineStart;
            _lineStart = IsLineEnd(character) || (atLineStart && char.IsWhiteSpace(character));
            switch (character)
            {
                case '#' when atLineStart:
                    Directive();
                    break;
                case '/' when Follows("//"):
                    Skip(LineEnd(), Follows("///") ? _documentation : null);
                    break;
                case '/' when Follows("/*"):
                    var end = code.IndexOf("*/", Math.Min(_at + 2, code.Length), StringComparison.Ordinal);
                    IsUnsure |= end < 0;
                    Skip(end < 0 ? code.Length : end + 2, Follows("/**") ? _documentation : null);
                    break;
                case '"' or '$' or '@':
                    Begin();
                    break;
                case '\'':
                    Character();
                    break;
                case '<' when Follows("<=") || Follows("<<"):
                    _at += 2;
                    break;
                case '}' when _around.Count > 0 && _braces == 0:
                    var text = _around.Pop();
                    (_depth.Open, _braces) = (text.Open, text.Braces);
                    _at += Math.Min(Run('}'), text.Dollars);
                    Read(text);
                    break;
                default:
                    _braces += character == '{' ? 1 : character == '}' ? -1 : 0;
                    _depth.Add(character);
                    _at++;
                    break;
            }
        }

        // A line of its own, in which quotes and comments begin nothing. What #if leaves out is no code, but who knows which lines those are.
        private void Directive()
        {
            IsUnsure |= code.AsSpan(_at + 1).TrimStart(" \t").StartsWith("if");
            var line = new Depth { Open = _depth.Open };
            Skip(LineEnd(), line);
            if (line.WasTooDeep)
            {
                _depth.Open = Deepest;
                _depth.Add('(');
            }
        }

        private void Skip(int end, Depth? counted)
        {
            for (; _at < end; _at++)
            {
                counted?.Add(code[_at]);
            }
        }

        private void Character()
        {
            for (_at++; _at < code.Length && !IsLineEnd(code[_at]); _at++)
            {
                if (code[_at] == '\'')
                {
                    _at++;
                    return;
                }
                _at += code[_at] == '\\' ? 1 : 0;
            }
        }

        private void Begin()
        {
            var (dollars, verbatim) = (0, false);
            for (; _at < code.Length && code[_at] is '$' or '@'; _at++)
            {
                dollars += code[_at] == '$' ? 1 : 0;
                verbatim |= code[_at] == '@';
            }
            var quotes = _at < code.Length ? Run('"') : 0;
            if (quotes == 0)
            {
                return; // @name
            }
            if (verbatim || quotes < 3)
            {
                _at++;
                Read(new Text(1, Math.Min(dollars, 1), verbatim, OneLine: !verbatim));
                return;
            }
            _at += quotes;
            Read(new Text(quotes, dollars, Verbatim: true, OneLine: !code.AsSpan(_at, LineEnd() - _at).IsWhiteSpace()));
        }

        // Up to the text's end, or to code in it.
        private void Read(Text text)
        {
            while (_at < code.Length)
            {
                var character = code[_at];
                if (character == '"')
                {
                    var quotes = Run('"');
                    var doubled = text is { Verbatim: true, Quotes: 1 } && quotes > 1;
                    _at += doubled ? 2 : text.Quotes == 1 ? 1 : quotes;
                    if (!doubled && quotes >= text.Quotes)
                    {
                        return;
                    }
                }
                else if (character == '{' && text.Dollars > 0)
                {
                    var braces = Run('{');
                    _at += braces;
                    if (text.Quotes == 1 ? braces % 2 == 1 : braces >= text.Dollars)
                    {
                        _around.Push(text with { Open = _depth.Open, Braces = _braces });
                        _braces = 0;
                        _depth.Add('{');
                        return;
                    }
                }
                else if (text.OneLine && IsLineEnd(character))
                {
                    return;
                }
                else
                {
                    _at += character == '\\' && !text.Verbatim ? 2 : 1;
                }
            }
            IsUnsure = true;
        }

        private bool Follows(string what) => code.AsSpan(_at).StartsWith(what);

        private int Run(char character)
        {
            var rest = code.AsSpan(_at);
            var length = rest.IndexOfAnyExcept(character);
            return length < 0 ? rest.Length : length;
        }

        private int LineEnd()
        {
            var length = code.AsSpan(_at).IndexOfAny("\r\n\u0085\u2028\u2029");
            return length < 0 ? code.Length : _at + length;
        }

        private static bool IsLineEnd(char character) => character is '\r' or '\n' or '\u0085' or '\u2028' or '\u2029';
    }
}
