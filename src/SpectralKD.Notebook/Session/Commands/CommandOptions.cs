using System.Text.RegularExpressions;
using Microsoft.DotNet.Interactive;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// What stands after the name of a magic line of .NET Interactive: <c>--name x --value "some text"</c>. A value is a text, <c>@variable</c>, or a
/// question to the reader, <c>@input:"Question?"</c> or <c>@password:"Question?"</c>.
/// </summary>
internal sealed partial class CommandOptions
{
    private readonly string _command;
    private readonly CellProgram _program;
    private readonly Dictionary<string, string?> _values = [];

    /// <summary>Reads a line.</summary>
    /// <param name="command">Its name, for errors.</param>
    /// <param name="rest">What follows the name.</param>
    /// <param name="program">The cell.</param>
    /// <param name="known">The options that it takes.</param>
    /// <exception cref="SpectralKDException">An option is unknown, or there twice.</exception>
    public CommandOptions(string command, string rest, CellProgram program, IReadOnlyList<string> known)
    {
        (_command, _program) = (command, program);
        foreach (Match option in GivenOptions().Matches(rest))
        {
            var name = option.Groups["option"].Value;
            if (!known.Contains(name) && name != "--byref")
            {
                throw new SpectralKDException($"{command} has no {name}{NearestName.Suggestion(name, known)}; it takes {string.Join(", ", known)}");
            }

            var given = option.Groups["value"] is { Success: true, Value: var value } ? value : null;
            if (given is null && name != "--byref")
            {
                throw new SpectralKDException($"{command} {name} needs something after it; found \"{rest.Trim()}\"");
            }

            if (!_values.TryAdd(name, given))
            {
                throw new SpectralKDException($"{command} takes {name} once; found \"{rest}\"");
            }
        }
    }

    /// <summary>An option's text as it is, without quotes; null where it is not there.</summary>
    public string? Text(string option) => ValueOf(option)?.ToString();

    /// <summary>What an option names, holds or asks for; null where it is not there.</summary>
    /// <param name="option">Its name.</param>
    /// <param name="variable">The variable that an answer is for; empty where it is for none.</param>
    /// <exception cref="SpectralKDException">There is no such variable, or nobody can answer.</exception>
    public object? ValueOf(string option, string variable = "")
    {
        var value = _values.GetValueOrDefault(option) is not { } given ? null
            : InputTokens.Answer(given, variable) is { } answer ? answer
            : given.StartsWith('@') ? OfVariable(option, given)
            : SessionCommand.Unquote(given);
        if (value is PasswordString password)
        {
            _program.Session.Hidden.Add(password.GetClearTextPassword());
        }

        return value;
    }

    /// <summary>The variable that is asked for on a line of <c>#!set</c> or <c>#!value</c>, and whether for a password; null where it asks for none.</summary>
    public static (string Name, bool IsPassword)? Asked(string line)
    {
        var options = GivenOptions().Matches(line).Cast<Match>().ToLookup(option => option.Groups["option"].Value, option => option.Groups["value"].Value);
        var value = ((string[])["--value", .. ValueCell.Sources]).SelectMany(option => options[option]).FirstOrDefault();
        return options["--name"].FirstOrDefault() is { Length: > 0 } name && InputTokens.KindOf(value ?? "") is { } kind ? (name, kind == "password") : null;
    }

    private object OfVariable(string option, string text)
    {
        var parts = text[1..].Split(':', 2);
        if (parts.Length == 2 && parts[0] is not (Languages.CSharp or Languages.Values))
        {
            throw new SpectralKDException($"{_command} {option} {text}: this notebook host has one kernel, csharp, and none named {parts[0]}");
        }

        var variables = _program.Session.Variables;
        return variables.TryGet(parts[^1], out var value)
            ? value ?? throw new SpectralKDException($"{_command} {option} {text}: the variable holds null")
            : throw new SpectralKDException($"{_command} {option} {text}: there is no variable {parts[^1]}"
                + NearestName.Suggestion(parts[^1], variables.All.Select(variable => variable.Name)));
    }

    /// <summary>An option and what follows it up to the next one.</summary>
    [GeneratedRegex("""(?<=^|\s)(?<option>--[a-z-]+)(?:(?:\s+|=)(?!--)(?<value>"[^"]*"|@(?:input|password):"[^"]*"|(?:(?!\s+--|\s*$).)+))?""")]
    private static partial Regex GivenOptions();
}
