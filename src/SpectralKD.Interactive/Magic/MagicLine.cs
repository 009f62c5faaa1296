using System.Globalization;
using System.Text;

namespace SpectralKD.Interactive.Magic;

/// <summary>
/// Parses and runs one magic line, in every host: <c>#!name value --option value --flag</c>. Double quotes keep spaces
/// together; <c>@name</c> (or <c>@csharp:name</c>) stands for the value of a variable, <c>@input:"Question?"</c> for an answer; <c>--help</c> shows the command's help instead.
/// </summary>
internal static class MagicLine
{
    /// <summary>Runs one magic line of the notebook's commands.</summary>
    /// <param name="line">The whole line, beginning with <c>#!</c>.</param>
    /// <param name="host">The notebook it runs in.</param>
    /// <param name="cancellationToken">Stops the command, leaving what was there before intact.</param>
    /// <exception cref="SpectralKDException">Unknown command (the nearest is suggested), a bad parameter, or the command's own error.</exception>
    public static Task ExecuteAsync(string line, INotebookHost host, CancellationToken cancellationToken = default) =>
        Parse(line, host.Commands).ExecuteAsync(host, cancellationToken);

    /// <summary>Finds a line's command and gives each of its parameters the words that are typed for it.</summary>
    /// <exception cref="SpectralKDException">The command or a parameter is unknown, or a parameter has no place for a word or no value.</exception>
    public static MagicCall Parse(string line, IReadOnlyList<MagicCommand> commands)
    {
        var words = Scan(line).ToList();
        var command = MagicCommandTable.Find(words.Count > 0 ? words[0].Word.Text : "", commands);
        if (AsksForHelp([.. words.Select(word => word.Word)]))
        {
            return new MagicCall(command, new Dictionary<string, IReadOnlyList<MagicWord>>(), AsksForHelp: true);
        }

        var found = $"found \"{(words.Count > 1 ? line[words[1].Start..].Trim() : "")}\"";
        if (words.Count > 1 && command.Parameters.Count == 0)
        {
            throw new SpectralKDException($"{command.Name} stands on a line of its own; {found} after it");
        }

        var given = new Dictionary<string, IReadOnlyList<MagicWord>>();
        bool HasPlace(MagicParameter? parameter) =>
            parameter is not null && (parameter.IsMany || given.GetValueOrDefault(parameter.Name) is not { Count: > 0 });

        var first = command.Parameters.FirstOrDefault(p => p.Implicit);
        var current = first;
        for (var i = 1; i < words.Count; i++)
        {
            var (word, start, _) = words[i];
            if (word.IsOption)
            {
                // --name=value is --name value.
                var equals = word.Text.IndexOf('=', StringComparison.Ordinal);
                current = FindParameter(command, equals < 0 ? word.Text : word.Text[..equals]);
                if (!given.TryAdd(current.Name, []) && !current.IsMany)
                {
                    throw new SpectralKDException($"{command.Name} takes {current.Name} once; {found}");
                }

                if (equals < 0 || equals == word.Text.Length - 1)
                {
                    continue;
                }

                start += equals + 1;
                word = WordAt(line, start, words[i].End);
            }

            current = HasPlace(current) ? current : first;
            if (!HasPlace(current))
            {
                throw new SpectralKDException($"{command.Name} has no place for \"{word.Text}\"; it takes {Usage(command)}");
            }

            var last = i;
            while (current!.IsRest && last + 1 < words.Count && !words[last + 1].Word.IsOption)
            {
                last++;
            }

            given[current.Name] = [.. given.GetValueOrDefault(current.Name) ?? [], last == i ? word : new MagicWord(line[start..words[last].End], true)];
            i = last;
        }

        var empty = command.Parameters.FirstOrDefault(p => !p.IsFlag && given.GetValueOrDefault(p.Name) is { Count: 0 });
        return empty is null ? new MagicCall(command, given, AsksForHelp: false)
            : throw new SpectralKDException($"{command.Name} {empty.Name} needs a value ({empty.Description}); {found}");
    }

    /// <summary>Splits a line into words; double quotes group and are stripped.</summary>
    /// <exception cref="SpectralKDException">A quote is not closed.</exception>
    public static IReadOnlyList<MagicWord> Words(string line) => [.. Scan(line).Select(found => found.Word)];

    /// <summary>A line's first word: <c>#r</c> of <c>#r"x.dll"</c>, <c>#!time</c> of <c>#!time</c>.</summary>
    public static string NameOf(string line) => line[..EndOfName(line, 0)];

    private static bool AsksForHelp(IReadOnlyList<MagicWord> words) => words.Where((word, i) =>
        !word.Quoted && (word.Text == "--help" || (word.Text == "-h" && !words[Math.Max(i - 1, 0)].IsOption))).Any();

    private static IEnumerable<(MagicWord Word, int Start, int End)> Scan(string line)
    {
        var isName = true;
        for (var at = 0; at < line.Length;)
        {
            if (char.IsWhiteSpace(line[at]))
            {
                at++;
                continue;
            }

            var end = isName && line[at] == '#' ? EndOfName(line, at) : EndOfWord(line, at);
            yield return (WordAt(line, at, end), at, end);
            (at, isName) = (end, false);
        }
    }

    private static MagicWord WordAt(string line, int start, int end) =>
        line[start] == '"' ? new MagicWord(line[(start + 1)..(end - 1)], true) : new MagicWord(line[start..end], false);

    private static int EndOfName(string line, int start)
    {
        var end = line.IndexOfAny([' ', '\t', '\r', '\n', '"'], start);
        return end < 0 ? line.Length : end;
    }

    // A quote may also begin within a word, --name="some text" and @input:"Which one?"; so may the options of a question, @input:{"prompt": "Which one?"}.
    private static int EndOfWord(string line, int start)
    {
        if (line[start] == '"')
        {
            return AfterQuote(line, start);
        }

        var end = start;
        while (end < line.Length && !char.IsWhiteSpace(line[end]))
        {
            end = line[end] switch
            {
                '"' when end > start && line[end - 1] is '=' or ':' => AfterQuote(line, end),
                '{' when line[start..end] is "@input:" or "@password:" && line.IndexOf('}', end) is > 0 and var close => close + 1,
                _ => end + 1,
            };
        }

        return end;
    }

    private static int AfterQuote(string line, int quote) => line.IndexOf('"', quote + 1) is > 0 and var close ? close + 1
        : throw new SpectralKDException($"a quote is not closed on this line: {line.Trim()}");

    private static MagicParameter FindParameter(MagicCommand command, string name) =>
        command.Parameters.FirstOrDefault(p => p.Name == name) ?? throw new SpectralKDException(
            command.OtherNames.TryGetValue(name, out var instead) ? $"{command.Name} has no {name}: take {instead}"
            : $"{command.Name} has no {name}{NearestName.Suggestion(name, command.Parameters.Select(p => p.Name))} (it takes {Usage(command)})");

    private static string Usage(MagicCommand command) =>
        command.Parameters.Count == 0 ? "no parameters" : string.Join(", ", command.Parameters.Select(p => p.Name));
}

/// <summary>A magic line that was understood.</summary>
/// <param name="Command">Its command.</param>
/// <param name="Given">Parameter name (<c>--model</c>) to the words given for it; flags may have none.</param>
/// <param name="AsksForHelp">True where <c>--help</c> stands on it; nothing is given then.</param>
internal sealed record MagicCall(MagicCommand Command, IReadOnlyDictionary<string, IReadOnlyList<MagicWord>> Given, bool AsksForHelp)
{
    /// <summary>The word that is given for a parameter, the last where there are many; null where none is.</summary>
    public MagicWord? Of(string parameter) => Given.GetValueOrDefault(parameter) is [.., var word] ? word : null;

    /// <summary>Runs the command, or shows its help.</summary>
    public Task ExecuteAsync(INotebookHost host, CancellationToken cancellationToken)
    {
        if (!AsksForHelp)
        {
            return Command.ExecuteAsync(this, host, cancellationToken);
        }

        host.Display(new CommandHelpView(Command));
        return Task.CompletedTask;
    }
}

/// <summary>One word of a magic line.</summary>
/// <param name="Text">The word without its quotes.</param>
/// <param name="Quoted">True where it stood in double quotes.</param>
internal readonly record struct MagicWord(string Text, bool Quoted)
{
    /// <summary>True for <c>--name</c>.</summary>
    public bool IsOption => !Quoted && Text.StartsWith("--", StringComparison.Ordinal) && Text.Length > 2;
}

/// <summary>Spelling of names and values on a magic line.</summary>
internal static class MagicName
{
    /// <summary><c>ImageSize</c> to <c>image-size</c>.</summary>
    public static string FromPascal(string name)
    {
        var text = new StringBuilder();
        foreach (var c in name)
        {
            if (char.IsUpper(c) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }

    /// <summary>True for what C# takes as a variable's name.</summary>
    public static bool IsVariable(string text) => text.Length > 0 && !char.IsDigit(text[0]) && text.All(c => char.IsLetterOrDigit(c) || c == '_')
        && !Keywords.Contains(text);

    private static readonly HashSet<string> Keywords =
    [
        .. ("abstract as base bool break byte case catch char checked class const continue decimal default delegate do double else enum event "
            + "explicit extern false finally fixed float for foreach goto if implicit in int interface internal is lock long namespace new null "
            + "object operator out override params private protected public readonly ref return sbyte sealed short sizeof stackalloc static string "
            + "struct switch this throw true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while").Split(' '),
    ];

    /// <summary>A text or a number as text; null for what is neither.</summary>
    public static string? OfText(object value) => value is string or IFormattable or bool ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;

    /// <summary>A value as it would be typed; empty for null and false.</summary>
    public static string OfValue(object? value) => value switch
    {
        null or false => "",
        Enum e => FromPascal(e.ToString()),
        IEnumerable<string> many => string.Join(' ', many),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
