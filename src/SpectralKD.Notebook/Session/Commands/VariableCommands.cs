using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Session;

/// <summary><c>#!who</c>: the variables' names.</summary>
internal sealed class WhoCommand : SessionCommand
{
    public override string Name => "#!who";

    public override string Description => "lists the variables' names";

    public override bool TakesMore => false;

    public override Task RunAsync(string rest, CellProgram program)
    {
        var names = program.Session.Variables.All.Select(variable => variable.Name).Order(StringComparer.Ordinal);
        program.Write(string.Join(Environment.NewLine, names) + Environment.NewLine);
        return Task.CompletedTask;
    }
}

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

/// <summary><c>#!set --name x --value y</c>: a variable from a magic line, as in .NET Interactive.</summary>
internal sealed class SetCommand : SessionCommand
{
    private const string Example = "#!set --name x --value \"some text\", @variable, @input:\"Question?\" or @password:\"Question?\"";

    /// <summary>The command's name.</summary>
    public const string Word = "#!set";

    /// <summary>What it takes.</summary>
    public static IReadOnlyList<string> Options { get; } = ["--name", "--value", "--mime-type"];

    public override string Name => Word;

    public override string Description => $"sets a variable: {Example}";

    public override async Task RunAsync(string rest, CellProgram program)
    {
        var options = new CommandOptions(Word, rest, program, Options);
        if (options.Text("--name") is not { Length: > 0 } name || options.ValueOf("--value", name) is not { } value)
        {
            throw new SpectralKDException($"#!set needs --name and --value: {Example}; found \"{rest}\"");
        }

        await program.Session.Variables.SetAsync(name, value, value.GetType(), program.Run).ConfigureAwait(false);
    }
}

/// <summary><c>#!share</c>: .NET Interactive's way between its languages; here all variables are C#'s, those of <c>#!value</c> too.</summary>
internal sealed class ShareCommand : SessionCommand
{
    public override string Name => "#!share";

    public override string Description => "shares variables between languages: all cells of C# see all variables, a cell of a shell gets them: #!share --from csharp x";

    public override Task RunAsync(string rest, CellProgram program)
    {
        var (from, name, other) = Read(rest);
        var variables = program.Session.Variables;
        if (from is not (Languages.CSharp or Languages.Values))
        {
            var refusal = new SpectralKDException(
                $"this notebook host has one kernel, csharp, whose cells see all variables: leave out #!share {rest}, or open the notebook in a host that has the other language");
            return program.PassOver($"#!share {rest}", refusal);
        }

        if (other is null && from == Languages.CSharp)
        {
            return Task.CompletedTask;
        }

        return variables.TryGet(name, out var value)
            ? other is null || value is null ? Task.CompletedTask : variables.SetAsync(other, value, value.GetType(), program.Run)
            : throw new SpectralKDException($"there is no variable {name}{NearestName.Suggestion(name, variables.All.Select(variable => variable.Name))}: "
                + $"set it by #!value --name {name}, or leave out #!share {rest}");
    }

    /// <summary>The kernel, the variable and the name that it gets, null for its own.</summary>
    public static (string? From, string Name, string? Other) Read(string rest)
    {
        var words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string? After(string option) => Array.IndexOf(words, option) is >= 0 and var at && at + 1 < words.Length ? words[at + 1] : null;
        string?[] taken = [After("--from"), After("--as"), After("--mime-type")];
        var name = words.FirstOrDefault(word => !word.StartsWith("--", StringComparison.Ordinal) && !taken.Contains(word))
            // #!share --from csharp csharp
            ?? taken[0] ?? "";
        return (taken[0], name, taken[1]);
    }
}
