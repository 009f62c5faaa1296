using Microsoft.DotNet.Interactive;

namespace SpectralKD.Notebook.Session;

/// <summary>A magic command that belongs to the C# session itself rather than to the product: it runs parts of the cell, or sees all of the session.</summary>
/// <typeparam name="TArguments">As of <see cref="MagicCommand{TArguments}"/>.</typeparam>
internal abstract class SessionCommand<TArguments> : MagicCommand<TArguments>
    where TArguments : class, new()
{
    protected sealed override Task RunAsync(TArguments arguments, INotebookHost host, CancellationToken cancellationToken)
        => RunAsync(arguments, (SessionHost)host);

    /// <summary>Runs it.</summary>
    /// <param name="arguments">What stands on its line.</param>
    /// <param name="host">The cell that it is in.</param>
    protected abstract Task RunAsync(TArguments arguments, SessionHost host);
}

/// <summary>No parameters.</summary>
internal sealed class NoArguments;

/// <summary>All magic commands of the session's cells.</summary>
internal static class SessionCommands
{
    /// <summary>The session's own, the languages, and the product's.</summary>
    public static IReadOnlyList<MagicCommand> All { get; } =
    [
        new ReferenceCommand(), new PackageSourceCommand(), new LoadCommand(), new ImportCommand(), new TimeCommand(), new WhoCommand(),
        new WhosCommand(), new SetCommand(), new ShareCommand(), new AboutCommand(), new ListMagicCommand(),
        .. CellLanguages.Lines, .. MagicCommandTable.All,
    ];

    /// <summary>What is said of <c>#!connect</c>, which joins a kernel to .NET Interactive; null for other lines. Its options may hold passwords, and are not repeated.</summary>
    public static (string What, SpectralKDException Refusal)? Connection(string line)
    {
        const string Word = "#!connect";
        if (MagicLine.NameOf(line) != Word)
        {
            return null;
        }

        var kind = line[Word.Length..].Trim().Split([' ', '\t', '"'])[0];
        var what = kind.Length == 0 || kind.StartsWith('-') ? Word : $"{Word} {kind}";
        return (what, new SpectralKDException(
            $"{what}: this notebook host runs C#, and no other kernels: leave the line out, open the notebook in a host that has them, or pass over such lines with --skip-unknown"));
    }

    /// <summary>What a line reads from another kernel, <c>@fsharp:x</c>; null where it reads nothing there.</summary>
    public static string? OfOtherKernel(MagicCall call) => call.Given.Values.SelectMany(words => words).FirstOrDefault(word => !word.Quoted && word.Text.StartsWith('@')
        && word.Text[1..].Split(':', 2) is [not (Languages.CSharp or Languages.Values), _] && InputTokens.KindOf(word.Text) is null).Text;

    /// <summary>The variable that a line asks the reader for, and whether for a password; null where it asks for none that becomes a variable.</summary>
    public static (string Name, bool IsPassword)? Asked(string line)
    {
        try
        {
            var call = MagicLine.Parse(line, All);
            foreach (var parameter in call.Command.Parameters)
            {
                if (call.Of(parameter.Name) is { Quoted: false, Text: var value } && InputTokens.KindOf(value) is { } kind && call.Of(parameter.Becomes ?? "") is { Text: var name })
                {
                    return (name, kind == InputTokens.Password);
                }
            }

            return null;
        }
        catch (SpectralKDException)
        {
            // The cell says what is wrong with its line when it runs.
            return null;
        }
    }
}

/// <summary>What a magic command sees of the session.</summary>
/// <param name="session">The session.</param>
/// <param name="program">The cell that runs; null for completion, which only reads.</param>
/// <param name="below">The text below the line, where it is the line's.</param>
internal sealed class SessionHost(CSharpSession session, CellProgram? program = null, string below = "") : INotebookHost
{
    /// <inheritdoc />
    public IReadOnlyList<MagicCommand> Commands => SessionCommands.All;

    /// <summary>The cell that runs.</summary>
    public CellProgram Program => program ?? throw new InvalidOperationException("Commands are run by cells.");

    /// <summary>The text below the line.</summary>
    public string Below => below;

    /// <inheritdoc />
    public string Folder => session.Options.WorkingDirectory;

    /// <inheritdoc />
    public IReadOnlyList<(string Name, Type Type)> Variables => [.. session.Variables.All.Select(variable => (variable.Name, variable.Type))];

    /// <inheritdoc />
    public IDisplayedValue Display(object value)
    {
        Program.Run.ThrowIfInterrupted();
        return DisplayedValue.Show(Program.Run, MimeBundles.From(value));
    }

    /// <inheritdoc />
    public bool TryGetVariable(string name, out object? value) => session.Variables.TryGet(name, out value);

    /// <inheritdoc />
    public Task SetVariableAsync(string name, object value, Type declaredType) => session.Variables.SetAsync(name, value, declaredType, Program.Run);

    /// <inheritdoc />
    public object? Answer(string word, string variable) => InputTokens.Answer(word, variable);

    /// <inheritdoc />
    public string? TextOf(object value)
    {
        if (value is not PasswordString password)
        {
            return MagicName.OfText(value);
        }

        session.Hidden.Add(password.GetClearTextPassword());
        return password.GetClearTextPassword();
    }
}
