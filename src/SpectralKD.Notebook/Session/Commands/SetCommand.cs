using System.Text.RegularExpressions;
using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#!set --name x --value y</c>: a variable from a magic line, as in .NET Interactive.</summary>
internal sealed partial class SetCommand : SessionCommand
{
    private const string Example = "#!set --name x --value \"some text\", @variable or @input:\"Question?\"";

    /// <summary>The command's name.</summary>
    public const string Word = "#!set";

    /// <summary>What it takes.</summary>
    public static IReadOnlyList<string> Options { get; } = ["--name", "--value"];

    public override string Name => Word;

    public override string Description => $"sets a variable: {Example}";

    public override async Task RunAsync(string rest, CellProgram program)
    {
        var options = GivenOptions().Matches(rest).ToLookup(option => option.Groups["option"].Value, option => option.Groups["value"]);
        if (options.FirstOrDefault(option => option.Count() > 1) is { } twice)
        {
            throw new SpectralKDException($"#!set takes {twice.Key} once; found \"{rest}\"");
        }

        if (options["--name"].FirstOrDefault()?.Value is not { Length: > 0 } name || options["--value"].FirstOrDefault() is not { Success: true } given)
        {
            throw new SpectralKDException($"#!set needs --name and --value: {Example}; found \"{rest}\"");
        }

        var value = given.Value.StartsWith('@') ? OfVariable(given.Value, program) : Unquote(given.Value);
        await program.Session.Variables.SetAsync(name, value, value.GetType(), program.Run).ConfigureAwait(false);
    }

    private static object OfVariable(string text, CellProgram program)
    {
        var parts = text[1..].Split(':', 2);
        if (parts.Length == 2 && parts[0] is not CellPart.CSharp)
        {
            throw new SpectralKDException($"#!set --value {text}: this notebook host has one kernel, csharp, and none named {parts[0]}");
        }

        return program.Session.Variables.TryGet(parts[^1], out var value)
            ? value ?? throw new SpectralKDException($"#!set --value {text}: the variable holds null")
            : throw new SpectralKDException($"#!set --value {text}: there is no variable {parts[^1]}"
                + NearestName.Suggestion(parts[^1], program.Session.Variables.All.Select(variable => variable.Name)));
    }

    /// <summary>An option and what follows it up to the next one.</summary>
    [GeneratedRegex("""(?<=^|\s)(?<option>--[a-z-]+)(?:(?:\s+|=)(?!--)(?<value>"[^"]*"|(?:(?!\s+--|\s*$).)+))?""")]
    private static partial Regex GivenOptions();
}
