using System.Text.Json;
using System.Text.RegularExpressions;
using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Session.Cells;

/// <summary>
/// <c>@input</c> and <c>@password</c> in place of a value on a magic line, as in .NET Interactive: the reader of the notebook is asked for it.
/// </summary>
internal static partial class InputTokens
{
    /// <summary>The line with answers, in quotes, in place of the tokens.</summary>
    /// <exception cref="SpectralKDException">Nobody can answer, or the answer cannot stand on a magic line.</exception>
    public static string FillIn(string line) => Token().Replace(line, token =>
    {
        var answer = CellConsole.Ask(PromptOf(token), password: token.Groups["kind"].Value == "password") ?? "";
        return !answer.Contains('"', StringComparison.Ordinal)
            ? $"\"{answer}\""
            : throw new SpectralKDException($"a magic line cannot hold a double quote; {token.Value} was answered with one: set a C# variable and use @variable");
    });

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
