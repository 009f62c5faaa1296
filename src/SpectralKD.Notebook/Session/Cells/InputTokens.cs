using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.DotNet.Interactive;
using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Session.Cells;

/// <summary>
/// <c>@input</c> and <c>@password</c> in place of a value on a magic line, as in .NET Interactive: the reader of the notebook is asked for it.
/// </summary>
internal static partial class InputTokens
{
    private const string Password = "password";

    /// <summary>The line with answers, in quotes, in place of the tokens. The cell's errors will not show the passwords among them.</summary>
    /// <exception cref="SpectralKDException">Nobody can answer, or the answer cannot stand on a magic line.</exception>
    public static string FillIn(string line, CellRun run) => !line.StartsWith("#!", StringComparison.Ordinal) ? line : Token().Replace(line, token =>
    {
        var answer = Ask(token, "");
        if (token.Groups["kind"].Value == Password)
        {
            run.Hide(answer);
        }

        return !answer.Contains('"', StringComparison.Ordinal)
            ? $"\"{answer}\""
            : throw new SpectralKDException($"a magic line cannot hold a double quote; {token.Value} was answered with one: set a C# variable and use @variable");
    });

    /// <summary>The answer to a token, a <see cref="PasswordString"/> for a password; null for a text that is no token.</summary>
    /// <param name="text">The text.</param>
    /// <param name="variable">The variable that it is for.</param>
    /// <exception cref="SpectralKDException">Nobody can answer.</exception>
    public static object? Answer(string text, string variable)
        => Whole(text) is not { } token ? null : token.Groups["kind"].Value == Password ? new PasswordString(Ask(token, variable)) : Ask(token, variable);

    /// <summary><c>input</c> or <c>password</c>; null for a text that is no token.</summary>
    public static string? KindOf(string text) => Whole(text)?.Groups["kind"].Value;

    private static Match? Whole(string text) => Token().Match(" " + text) is { Success: true } token && token.Length == text.Length ? token : null;

    private static string Ask(Match token, string variable)
        => CellConsole.Ask(PromptOf(token), password: token.Groups["kind"].Value == Password, variable) ?? "";

    private static string PromptOf(Match token)
    {
        if (token.Groups["json"] is not { Success: true, Value: var json })
        {
            return token.Groups["prompt"].Value;
        }

        try
        {
            using var options = JsonDocument.Parse(json);
            return options.RootElement.TryGetProperty("prompt", out var prompt) ? prompt.ToString() : "";
        }
        catch (JsonException error)
        {
            throw new SpectralKDException($"the options of {token.Value} are no JSON: {error.Message}", error);
        }
    }

    [GeneratedRegex("""(?<=\s)@(?<kind>input|password)(?::(?:"(?<prompt>[^"]*)"|(?<json>\{[^}]*\})|(?<prompt>\S+)))?(?=\s|$)""")]
    private static partial Regex Token();
}
