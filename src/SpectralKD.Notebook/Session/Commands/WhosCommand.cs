using System.Net;
using System.Text.Json.Nodes;
using Microsoft.DotNet.Interactive.Formatting;
using SpectralKD.Notebook.Session.Cells;
using SpectralKD.Notebook.Session.Variables;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#!whos</c>: the variables with type and value.</summary>
internal sealed class WhosCommand : SessionCommand
{
    private const int LongestValue = 120;

    public override string Name => "#!whos";

    public override string Description => "lists the variables with their types and values";

    public override Task RunAsync(string rest, CellProgram program)
    {
        var rows = program.Session.Variables.All.OrderBy(variable => variable.Name, StringComparer.Ordinal).Select(Row).ToArray();
        program.Display(new MimeBundle(new Dictionary<string, JsonNode>
        {
            ["text/html"] = JsonValue.Create(Html(rows)),
            ["text/plain"] = JsonValue.Create(Text(rows)),
        }));
        return Task.CompletedTask;
    }

    private static string[] Row(SessionVariable variable) => [variable.Name, TypeNames.Short(variable.Type), ValueOf(variable)];

    private static string ValueOf(SessionVariable variable)
    {
        try
        {
            var text = variable.Value.ToDisplayString("text/plain").ReplaceLineEndings(" ");
            return text.Length > LongestValue ? text[..LongestValue] + "…" : text;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return $"({error.GetType().Name})";
        }
    }

    private static string Html(IEnumerable<string[]> rows)
    {
        var cells = rows.Select(row => string.Concat(row.Select(cell => $"<td>{WebUtility.HtmlEncode(cell)}</td>")));
        var body = string.Concat(cells.Select(row => $"<tr>{row}</tr>"));
        return $"<table><thead><tr><th>Variable</th><th>Type</th><th>Value</th></tr></thead><tbody>{body}</tbody></table>";
    }

    private static string Text(string[][] rows)
    {
        string[][] all = [["Variable", "Type", "Value"], .. rows];
        var widths = Enumerable.Range(0, 2).Select(column => all.Max(row => row[column].Length)).ToArray();
        return string.Join('\n', all.Select(row => $"{row[0].PadRight(widths[0])}  {row[1].PadRight(widths[1])}  {row[2]}".TrimEnd()));
    }
}
