using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

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
