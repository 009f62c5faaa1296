using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SpectralKD.Notebook.Session;

/// <summary><c>#!about</c>: the version of this host.</summary>
internal sealed class AboutCommand : SessionCommand<NoArguments>
{
    public override string Name => "#!about";

    public override string Description => "shows the version of this notebook host";

    public override string Example => Name;

    protected override Task RunAsync(NoArguments arguments, SessionHost host)
    {
        host.Program.Run.Write(string.Join(
            Environment.NewLine,
            $"SpectralKD.Interactive {typeof(AboutCommand).Assembly.GetName().Version?.ToString(3)}, a C# notebook host of its own",
            $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}",
            $"#!spectral-device says what it computes on, #!lsmagic what it can do{Environment.NewLine}"));
        return Task.CompletedTask;
    }
}

/// <summary><c>#!lsmagic</c>.</summary>
internal sealed class ListMagicCommand : SessionCommand<NoArguments>
{
    public override string Name => "#!lsmagic";

    public override string Description => "lists all magic lines";

    public override string Example => Name;

    protected override Task RunAsync(NoArguments arguments, SessionHost host)
    {
        host.Program.Run.Write(CommandListView.Table(host.Commands).ToPlainText() + Environment.NewLine);
        return Task.CompletedTask;
    }
}

/// <summary>Parameters of <c>#!import</c>.</summary>
internal sealed class ImportArguments
{
    [MagicParameter("notebook or script", Implicit = true, Required = true, Rest = true, Value = MagicValue.NotebookPath, Endings = [".ipynb", ".dib", ".csx", ".cs"])]
    public string File { get; set; } = "";
}

/// <summary><c>#!import file</c>: runs the code of another notebook or script.</summary>
internal sealed class ImportCommand : SessionCommand<ImportArguments>
{
    public override string Name => "#!import";

    public override string Description => "runs the cells of another notebook or script (.ipynb, .dib, .cs, .csx)";

    public override string Example => "#!import setup.ipynb";

    protected override Task RunAsync(ImportArguments arguments, SessionHost host)
    {
        var (file, program) = (arguments.File, host.Program);
        return Path.GetExtension(file).ToLowerInvariant() switch
        {
            ".ipynb" or ".dib" => RunNotebookAsync(program.FullPath(file), program),
            ".cs" or ".csx" => program.RunFileAsync(file),
            var other => throw new SpectralKDException($"#!import takes .ipynb, .dib, .cs and .csx; found {other} in {file}"),
        };
    }

    private static async Task RunNotebookAsync(string path, CellProgram program)
    {
        var notebook = NotebookDocument.Load(path);
        foreach (var note in notebook.Notes)
        {
            program.Run.Output.Stream("stderr", $"warning: {path}: {note}\n");
        }
        var number = 0;
        foreach (var cell in notebook.Cells.Where(cell => cell.Kind == CellKind.Code))
        {
            number++;
            var name = $"{Path.GetFileName(path)} cell {number}";
            if (Languages.OtherKernel(CellLanguage.Of(cell, notebook)) is { } kernel)
            {
                await program.PassOver($"{kernel} ({name})", CellLanguages.NotHere(kernel)).ConfigureAwait(false);
                continue;
            }

            await program.RunNestedAsync(CellLanguage.Submission(cell, notebook), name, path).ConfigureAwait(false);
        }
    }
}

/// <summary>Parameters of <c>#load</c>.</summary>
internal sealed class LoadArguments
{
    [MagicParameter("script of C#", Implicit = true, Required = true, Rest = true, Value = MagicValue.NotebookPath, Endings = [".csx", ".cs"])]
    public string File { get; set; } = "";
}

/// <summary><c>#load "file.csx"</c>: runs a script as if it stood in the cell.</summary>
internal sealed class LoadCommand : SessionCommand<LoadArguments>
{
    public override string Name => "#load";

    public override string Description => "runs a C# script as if it stood in the cell";

    public override string Example => "#load \"setup.csx\"";

    protected override Task RunAsync(LoadArguments arguments, SessionHost host) => host.Program.RunFileAsync(arguments.File);
}

/// <summary>Parameters of <c>#i</c>.</summary>
internal sealed class PackageSourceArguments
{
    [MagicParameter("\"nuget:\" and an address or a folder", Implicit = true, Required = true, Rest = true)]
    public string Source { get; set; } = "";
}

/// <summary><c>#i "nuget:source"</c>.</summary>
internal sealed class PackageSourceCommand : SessionCommand<PackageSourceArguments>
{
    private const string Prefix = "nuget:";

    public override string Name => "#i";

    public override string Description => "adds a source of packages, an address or a folder";

    public override string Example => "#i \"nuget:https://api.nuget.org/v3/index.json\"";

    protected override Task RunAsync(PackageSourceArguments arguments, SessionHost host)
    {
        var target = arguments.Source;
        if (!target.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || target.Length == Prefix.Length)
        {
            throw new SpectralKDException(
                $"#i takes \"nuget:\" and a source, for example #i \"nuget:https://example.org/v3/index.json\"; found \"{target}\"");
        }

        var source = target[Prefix.Length..].Trim();
        var isAddress = source.Contains("://", StringComparison.Ordinal);
        host.Program.Session.Packages.AddSource(
            isAddress ? source
            : Directory.Exists(host.Program.FullPath(source)) ? host.Program.FullPath(source)
            : throw new SpectralKDException($"#i \"nuget:{source}\": there is no folder {host.Program.FullPath(source)}; give a folder of packages or an address"));
        return Task.CompletedTask;
    }
}

/// <summary>Parameters of <c>#r</c>.</summary>
internal sealed class ReferenceArguments
{
    [MagicParameter("an assembly's file, or \"nuget: Name, Version\"; several where a cell names several", Implicit = true, Required = true, Value = MagicValue.NotebookPath, Endings = [".dll"])]
    public IReadOnlyList<string> Files { get; set; } = [];
}

/// <summary><c>#r "path.dll"</c> and <c>#r "nuget: Name, Version"</c>.</summary>
internal sealed class ReferenceCommand : SessionCommand<ReferenceArguments>
{
    public override string Name => "#r";

    public override string Description => "uses an assembly or a package";

    public override string Example => "#r \"nuget: Humanizer.Core, 2.14.1\"";

    protected override async Task RunAsync(ReferenceArguments arguments, SessionHost host)
    {
        var packages = arguments.Files.Select(PackageRequest.Parse).OfType<PackageRequest>().ToArray();
        foreach (var path in packages.Length == 0 ? arguments.Files : [])
        {
            host.Program.Session.References.Add(host.Program.FullPath(path), path, host.Program.Run);
        }

        await host.Program.Session.Packages.UseAsync(packages, host.Program.Run).ConfigureAwait(false);
    }
}

/// <summary><c>#!time</c>: how long the rest of the cell takes.</summary>
internal sealed class TimeCommand : SessionCommand<NoArguments>
{
    public override string Name => "#!time";

    public override string Description => "measures how long the rest of the cell takes";

    public override string Example => Name;

    protected override Task RunAsync(NoArguments arguments, SessionHost host)
    {
        var start = Stopwatch.GetTimestamp();
        host.Program.AtEnd(() => host.Program.Display(string.Create(
            CultureInfo.InvariantCulture, $"Wall time: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0###} ms")));
        return Task.CompletedTask;
    }
}
