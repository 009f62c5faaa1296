using SpectralKD.Interactive.Magic;
using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary>The session's own magic lines.</summary>
internal static class SessionCommandTable
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<SessionCommand> All { get; } =
    [
        new ReferenceCommand(), new PackageSourceCommand(), new LoadCommand(), new ImportCommand(), new TimeCommand(), new WhoCommand(),
        new WhosCommand(), new SetCommand(), new ShareCommand(), new AboutCommand(), new ListMagicCommand(),
    ];

    /// <summary>The command of a magic line; null where the line belongs to the product's table.</summary>
    /// <exception cref="SpectralKDException">Neither has such a command; the nearest name is suggested.</exception>
    public static SessionCommand? Find(string line)
    {
        var name = NameOf(line);
        var own = All.FirstOrDefault(command => command.Name == name);
        if (own is null && MagicCommandTable.All.All(command => command.Name != name && command.Name != "#!spectral-" + name[2..]))
        {
            string[] known =
            [
                .. All.Select(command => command.Name), .. MagicCommandTable.All.Select(command => command.Name), .. CellLanguages.Runnable,
            ];
            throw new SpectralKDException($"there is no magic command {name}{NearestName.Suggestion(name, known)}; #!lsmagic lists them");
        }

        return own;
    }

    /// <summary>Runs a command with what follows its name; <c>--help</c> there says what it does.</summary>
    /// <exception cref="SpectralKDException">The command takes nothing, or its own error.</exception>
    public static Task RunAsync(SessionCommand command, string line, CellProgram program)
    {
        var rest = line[NameOf(line).Length..].Trim();
        if (rest is "--help" or "-h")
        {
            program.Write($"{command.Name}: {command.Description}{Environment.NewLine}");
            return Task.CompletedTask;
        }

        return command.TakesMore || rest.Length == 0 ? command.RunAsync(rest, program)
            : throw new SpectralKDException($"{command.Name} stands on a line of its own; found \"{rest}\" after it");
    }

    /// <summary><c>#r</c> of <c>#r"x.dll"</c>, <c>#!time</c> of <c>#!time</c>.</summary>
    public static string NameOf(string line)
    {
        var end = line.IndexOfAny([' ', '\t', '"']);
        return end < 0 ? line : line[..end];
    }
}
