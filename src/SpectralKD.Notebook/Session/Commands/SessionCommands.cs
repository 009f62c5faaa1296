using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SpectralKD.Notebook.Session;

/// <summary>A magic line that belongs to the C# session itself rather than to the product.</summary>
internal abstract class SessionCommand
{
    /// <summary>As typed: <c>#r</c>, <c>#!time</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What it does, one line.</summary>
    public abstract string Description { get; }

    /// <summary>False where nothing may follow the name.</summary>
    public virtual bool TakesMore => true;

    /// <summary>Runs it.</summary>
    /// <param name="rest">What stands after the name, trimmed.</param>
    /// <param name="program">The cell that it is in.</param>
    public abstract Task RunAsync(string rest, CellProgram program);

    /// <summary>The text between the quotes of <c>#r "…"</c>, or the word itself.</summary>
    public static string Unquote(string text)
    {
        var trimmed = text.Trim();
        if (!trimmed.StartsWith('"'))
        {
            return trimmed;
        }

        var end = trimmed.IndexOf('"', 1);
        return end > 0 ? trimmed[1..end] : throw new SpectralKDException($"a quote is not closed in {trimmed}");
    }
}

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

    /// <summary>What is said of <c>#!connect</c>, which joins a kernel to .NET Interactive; null for other lines. Its options may hold passwords, and are not repeated.</summary>
    public static (string What, SpectralKDException Refusal)? Connection(string line)
    {
        const string Word = "#!connect";
        if (NameOf(line) != Word)
        {
            return null;
        }

        var kind = line[Word.Length..].Trim().Split([' ', '\t', '"'])[0];
        var what = kind.Length == 0 || kind.StartsWith('-') ? Word : $"{Word} {kind}";
        return (what, new SpectralKDException(
            $"{what}: this notebook host runs C#, and no other kernels: leave the line out, open the notebook in a host that has them, or pass over such lines with --skip-unknown"));
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

/// <summary><c>#!about</c>: the version of this host.</summary>
internal sealed class AboutCommand : SessionCommand
{
    public override string Name => "#!about";

    public override string Description => "shows the version of this notebook host";

    public override bool TakesMore => false;

    public override Task RunAsync(string rest, CellProgram program)
    {
        program.Write(string.Join(
            Environment.NewLine,
            $"SpectralKD.Interactive {typeof(AboutCommand).Assembly.GetName().Version?.ToString(3)}, a C# notebook host of its own",
            $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}",
            $"#!spectral-device says what it computes on, #!lsmagic what it can do{Environment.NewLine}"));
        return Task.CompletedTask;
    }
}

/// <summary><c>#!lsmagic</c>.</summary>
internal sealed class ListMagicCommand : SessionCommand
{
    public override string Name => "#!lsmagic";

    public override string Description => "lists all magic lines";

    public override bool TakesMore => false;

    public override Task RunAsync(string rest, CellProgram program)
    {
        var lines = SessionCommandTable.All.Select(command => (command.Name, command.Description))
            .Concat(CellLanguages.Runnable.Select(name => (Name: name, Description: CellLanguages.Description(name))))
            .Concat(MagicCommandTable.All.Select(command => (command.Name, command.Description)))
            .ToArray();
        var width = lines.Max(line => line.Name.Length);
        program.Write(string.Concat(lines.Select(line => $"{line.Name.PadRight(width)}  {line.Description}{Environment.NewLine}")));
        return Task.CompletedTask;
    }
}

/// <summary><c>#load "file.csx"</c>: runs a script as if it stood in the cell.</summary>
internal sealed class LoadCommand : SessionCommand
{
    public override string Name => "#load";

    public override string Description => "runs a C# script: #load \"file.csx\"";

    public override Task RunAsync(string rest, CellProgram program) => program.RunFileAsync(Unquote(rest));
}

/// <summary><c>#i "nuget:source"</c>.</summary>
internal sealed class PackageSourceCommand : SessionCommand
{
    private const string Prefix = "nuget:";

    public override string Name => "#i";

    public override string Description => "adds a source of packages: #i \"nuget:https://…\" or a folder";

    public override Task RunAsync(string rest, CellProgram program)
    {
        var target = Unquote(rest);
        if (!target.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || target.Length == Prefix.Length)
        {
            throw new SpectralKDException(
                $"#i takes \"nuget:\" and a source, for example #i \"nuget:https://example.org/v3/index.json\"; found \"{target}\"");
        }

        var source = target[Prefix.Length..].Trim();
        var isAddress = source.Contains("://", StringComparison.Ordinal);
        program.Session.Packages.AddSource(
            isAddress ? source
            : Directory.Exists(program.FullPath(source)) ? program.FullPath(source)
            : throw new SpectralKDException($"#i \"nuget:{source}\": there is no folder {program.FullPath(source)}; give a folder of packages or an address"));
        return Task.CompletedTask;
    }
}

/// <summary><c>#r "path.dll"</c> and <c>#r "nuget: Name, Version"</c>.</summary>
internal sealed class ReferenceCommand : SessionCommand
{
    public override string Name => "#r";

    public override string Description => "uses an assembly or a package: #r \"path.dll\", #r \"nuget: Name, Version\"";

    public override async Task RunAsync(string rest, CellProgram program)
    {
        var targets = rest.Split('\n')
            .Select(line => Unquote(line.StartsWith(Name, StringComparison.Ordinal) ? line[Name.Length..] : line))
            .ToArray();
        var packages = targets.Select(PackageRequest.Parse).OfType<PackageRequest>().ToArray();
        foreach (var path in packages.Length == 0 ? targets : [])
        {
            program.Session.References.Add(program.FullPath(path), path, program);
        }

        await program.Session.Packages.UseAsync(packages, program).ConfigureAwait(false);
    }
}

/// <summary><c>#!time</c>: how long the rest of the cell takes.</summary>
internal sealed class TimeCommand : SessionCommand
{
    public override string Name => "#!time";

    public override string Description => "measures how long the rest of the cell takes";

    public override bool TakesMore => false;

    public override Task RunAsync(string rest, CellProgram program)
    {
        var start = Stopwatch.GetTimestamp();
        program.AtEnd(() => program.Display(string.Create(
            CultureInfo.InvariantCulture, $"Wall time: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0###} ms")));
        return Task.CompletedTask;
    }
}
