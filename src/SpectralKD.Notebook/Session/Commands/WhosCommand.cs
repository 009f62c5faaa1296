using System.Text.Json.Nodes;
using SpectralKD.Interactive.Views;
using SpectralKD.Notebook.Session.Cells;
using SpectralKD.Notebook.Session.Display;
using SpectralKD.Notebook.Session.Variables;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#!whos</c>: the variables with type and value.</summary>
internal sealed class WhosCommand : SessionCommand
{
    private const int LongestValue = 120;

    public override string Name => "#!whos";

    public override string Description => "lists the variables with their types and values";

    public override bool TakesMore => false;

    public override Task RunAsync(string rest, CellProgram program)
    {
        var table = new TextTable("Variable", "Type", "Value");
        foreach (var variable in program.Session.Variables.All.OrderBy(variable => variable.Name, StringComparer.Ordinal))
        {
            table.Add(variable.Name, TypeNames.Short(variable.Type), ValueOf(variable));
        }

        program.Display(new MimeBundle(new Dictionary<string, JsonNode>
        {
            ["text/html"] = JsonValue.Create(table.ToHtml()),
            ["text/plain"] = JsonValue.Create(table.ToPlainText()),
        }));
        return Task.CompletedTask;
    }

    private static string ValueOf(SessionVariable variable)
    {
        try
        {
            var text = MimeBundles.From(variable.Value, "text/plain").Data["text/plain"].GetValue<string>().ReplaceLineEndings(" ");
            return text.Length > LongestValue ? text[..LongestValue] + "…" : text;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return $"({error.GetType().Name})";
        }
    }
}
