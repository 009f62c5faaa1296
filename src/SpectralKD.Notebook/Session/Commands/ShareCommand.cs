using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#!share</c>: .NET Interactive's way between its languages; here all variables are C#'s, those of <c>#!value</c> too.</summary>
internal sealed class ShareCommand : SessionCommand
{
    public override string Name => "#!share";

    public override string Description => "shares variables between languages: all cells of C# see all variables, a cell of a shell gets them: #!share --from csharp x";

    public override Task RunAsync(string rest, CellProgram program)
    {
        var (from, name, other) = Read(rest);
        var variables = program.Session.Variables;
        if (from is not (CellPart.CSharp or CellPart.Values))
        {
            var refusal = new SpectralKDException(
                $"this notebook host has one kernel, csharp, whose cells see all variables: leave out #!share {rest}, or open the notebook in a host that has the other language");
            return program.PassOver($"#!share {rest}", refusal);
        }

        if (other is null && from == CellPart.CSharp)
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
