using System.Globalization;
using System.Text;

namespace SpectralKD.Interactive.Magic;

/// <summary>
/// Parses and runs one magic line, in every host: <c>#!name value --option value --flag</c>. Double quotes keep spaces
/// together; <c>@name</c> (or <c>@csharp:name</c>) stands for the value of a variable; <c>--help</c> shows the command's help instead.
/// </summary>
public static class MagicLine
{
    /// <summary>Runs one magic line of the command table.</summary>
    /// <param name="line">The whole line, beginning with <c>#!</c>.</param>
    /// <param name="host">The notebook it runs in.</param>
    /// <param name="cancellationToken">Stops the command, leaving what was there before intact.</param>
    /// <exception cref="SpectralKDException">Unknown command (the nearest is suggested), a bad parameter, or the command's own error.</exception>
    public static Task ExecuteAsync(string line, INotebookHost host, CancellationToken cancellationToken = default)
    {
        var words = Words(line);
        var command = MagicCommandTable.Find(words.Count > 0 ? words[0].Text : "");
        if (words.Any(word => !word.Quoted && word.Text is "--help" or "-h"))
        {
            return ExecuteAsync($"#!spectral-help {command.Name}", host, cancellationToken);
        }

        return command.ExecuteAsync(Bind(command, words.Skip(1), (word, parameter) => Resolve(word, parameter, host)), host, cancellationToken);
    }

    /// <summary>Splits a line into words; double quotes group and are stripped.</summary>
    /// <exception cref="SpectralKDException">A quote is not closed.</exception>
    internal static IReadOnlyList<MagicWord> Words(string line)
    {
        var words = new List<MagicWord>();
        for (var at = 0; at < line.Length;)
        {
            if (char.IsWhiteSpace(line[at]))
            {
                at++;
                continue;
            }

            var quoted = line[at] == '"';
            var start = quoted ? at + 1 : at;
            var end = quoted ? line.IndexOf('"', start) : EndOfWord(line, start);
            if (end < 0)
            {
                throw new SpectralKDException($"a quote is not closed on this line: {line.Trim()}");
            }

            words.Add(new MagicWord(line[start..end], quoted));
            at = quoted ? end + 1 : end;
        }

        return words;
    }

    private static int EndOfWord(string line, int start)
    {
        var end = start;
        while (end < line.Length && !char.IsWhiteSpace(line[end]))
        {
            end++;
        }

        return end;
    }

    /// <summary>Gives each parameter the words that are typed for it.</summary>
    /// <exception cref="SpectralKDException">A parameter is unknown, or has no place for a word or no value.</exception>
    internal static Dictionary<string, IReadOnlyList<string>> Bind(MagicCommand command, IEnumerable<MagicWord> words, Func<MagicWord, MagicParameter, string> resolve)
    {
        var values = new Dictionary<string, IReadOnlyList<string>>();
        var current = command.Parameters.FirstOrDefault(p => p.Implicit);
        foreach (var word in words)
        {
            var typed = word;
            if (word.IsOption)
            {
                // --name=value is --name value.
                var parts = word.Text.Split('=', 2, StringSplitOptions.RemoveEmptyEntries);
                current = FindParameter(command, parts[0]);
                values.TryAdd(current.Name, []);
                if (parts.Length == 1)
                {
                    continue;
                }

                typed = new MagicWord(parts[1], false);
            }

            var open = current is not null && (current.IsMany || values.GetValueOrDefault(current.Name) is not { Count: > 0 });
            if (!open)
            {
                throw new SpectralKDException($"{command.Name} has no place for \"{typed.Text}\"; it takes {Usage(command)}");
            }

            values[current!.Name] = [.. values.GetValueOrDefault(current.Name) ?? [], resolve(typed, current)];
        }

        var empty = command.Parameters.FirstOrDefault(p => !p.IsFlag && values.GetValueOrDefault(p.Name) is { Count: 0 });
        return empty is null ? values : throw new SpectralKDException($"{command.Name} {empty.Name} needs a value ({empty.Description})");
    }

    private static MagicParameter FindParameter(MagicCommand command, string name) =>
        command.Parameters.FirstOrDefault(p => p.Name == name) ?? throw new SpectralKDException(
            command.OtherNames.TryGetValue(name, out var instead) ? $"{command.Name} has no parameter {name}: take {instead}"
            : $"{command.Name} has no parameter {name}{NearestName.Suggestion(name, command.Parameters.Select(p => p.Name))} (it takes {Usage(command)})");

    private static string Usage(MagicCommand command) =>
        command.Parameters.Count == 0 ? "no parameters" : string.Join(", ", command.Parameters.Select(p => p.Name));

    // A parameter that takes a variable takes its name, with or without the @.
    private static string Resolve(MagicWord word, MagicParameter parameter, INotebookHost host)
    {
        if (word.Quoted || !word.Text.StartsWith('@') || word.Text.Length == 1)
        {
            return word.Text;
        }

        var name = word.Text[(word.Text.IndexOf(':') is var colon and > 0 ? colon + 1 : 1)..];
        if (parameter.IsVariable)
        {
            return name;
        }

        return host.TryGetVariable(name, out var value)
            ? value is string or IFormattable or bool
                ? Convert.ToString(value, CultureInfo.InvariantCulture)!
                : throw new SpectralKDException($"{parameter.Name} {word.Text}: the variable holds {(value is null ? "null" : "a " + value.GetType().Name)}; "
                    + "a magic line takes text and numbers")
            : throw new SpectralKDException($"{parameter.Name} {word.Text}: there is no variable {name}"
                + NearestName.Suggestion(name, host.Variables.Select(v => v.Name)));
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
