using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// A cell of <c>#!bash</c>, <c>#!pwsh</c> and the like: the installed shell runs it in the notebook's folder, with its output shown as it comes and nothing to
/// read from. Each cell starts a new shell; C# variables reach it by <c>#!share --from csharp x</c> lines above its text, as environment variables.
/// </summary>
internal static partial class ShellCell
{
    private const int EndKept = 4096;
    private const int LongestLine = 200;
    // What still writes after the shell has ended, a server started by & say, is not waited for.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);
    private static readonly ShareCommand ShareLine = new();
    private static readonly SetCommand Set = new();
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Runs a script to its end.</summary>
    /// <param name="shell">The language.</param>
    /// <param name="text">The cell's text.</param>
    /// <param name="name">What errors call it: <c>cell [3]</c>.</param>
    /// <param name="program">The cell.</param>
    /// <exception cref="SpectralKDException">There is no such shell, or it ended with a code other than 0.</exception>
    public static async Task<object?> RunAsync(string shell, string text, string name, CellProgram program)
    {
        program.Run.ThrowIfInterrupted();
        if (program.Session.Options.SkipUnknown && OfOtherKernel(text) is { } elsewhere)
        {
            // A script without its variable might do anything.
            program.Run.Output.Stream("stderr", CellLanguages.Skipped($"{elsewhere}, and so what follows it in {shell},"));
            return null;
        }

        var (path, arguments, extension) = Find(shell);
        var (script, variables, others) = TakeCommands(text, program);
        foreach (var line in others)
        {
            await program.RunMagicAsync(line).ConfigureAwait(false);
        }

        using var folder = new TemporaryFolder("shell");
        var file = Path.Combine(folder.Path, new string([.. name.Select(c => char.IsLetterOrDigit(c) || c == '.' ? c : '-')]).Trim('-') + extension);
        // Windows PowerShell reads a file without a mark in the system's code page.
        await File.WriteAllTextAsync(file, script, extension == ".ps1" ? Encoding.UTF8 : Utf8, CancellationToken.None).ConfigureAwait(false);
        var (code, complaint) = await RunAsync(path, arguments, file, name, variables, program).ConfigureAwait(false);
        return code == 0 ? null
            : throw new SpectralKDException($"{Path.GetFileNameWithoutExtension(path)} ended with exit code {code}{(complaint.Length > 0 ? $": {complaint}" : "")}");
    }

    private static (string Path, string[] Arguments, string Extension) Find(string shell)
    {
        string[] quiet = ["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"];
        return shell switch
        {
            "pwsh" => (OtherPrograms.OnPath("pwsh", "powershell") ?? throw Missing("pwsh", "PowerShell (https://aka.ms/powershell)"), quiet, ".ps1"),
            "cmd" => (OtherPrograms.OnPath("cmd") ?? throw new SpectralKDException("#!cmd needs cmd, which is a part of Windows and not on the path (PATH) here: write the cell for #!bash or #!pwsh"), ["/d", "/q", "/c"], ".cmd"),
            "shell" when OperatingSystem.IsWindows() => OtherPrograms.OnPath("bash") is null ? Find("cmd") : Find("bash"),
            "shell" => OtherPrograms.OnPath("bash") is null ? Find("sh") : Find("bash"),
            _ => (OtherPrograms.OnPath(shell) ?? throw Missing(shell, OperatingSystem.IsWindows() ? "Git for Windows, which brings bash and sh" : $"the package {shell}"), [], ".sh"),
        };
    }

    private static SpectralKDException Missing(string shell, string package)
        => new($"#!{shell} needs {shell}, which is not on the path (PATH): install {package}");

    /// <summary>What is thrown for a line that names the program which a script is for, <c>#!/bin/bash</c>, where a cell of C# begins.</summary>
    public static SpectralKDException NoInterpreterHere(string line)
    {
        var words = line[2..].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        var name = Path.GetFileName(words[0]) == "env" && words.Length > 1 ? words[1] : Path.GetFileName(words[0]);
        return Languages.IsShell(name)
            ? new SpectralKDException($"a cell for {name} begins with #!{name}: write that in place of {line}")
            : new SpectralKDException($"{line} begins a script for {name}, which cells are not for here: run it from a cell that begins with #!bash");
    }

    /// <summary>The script without its magic lines, which a shell takes for comments; the variables that <c>#!share</c> and <c>#!set</c> name; and the other lines.</summary>
    private static (string Script, Dictionary<string, string> Variables, List<string> Others) TakeCommands(string text, CellProgram program)
    {
        var host = new SessionHost(program.Session, program);
        var variables = new Dictionary<string, string>();
        var others = new List<string>();
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (CommandOn(lines[i]) is not { } name)
            {
                continue;
            }

            var line = lines[i].Trim();
            lines[i] = "";
            if (name == ShareLine.Name)
            {
                var shared = ShareLine.Read(MagicLine.Parse(line, SessionCommands.All), host);
                Share(shared.As ?? shared.Name, ShareCommand.Shared(shared, host) ?? "");
            }
            else if (name == Set.Name)
            {
                var set = Set.Read(MagicLine.Parse(line, SessionCommands.All), host);
                Share(set.Name, set.Value);
            }
            else
            {
                others.Add(line);
            }
        }

        return (string.Join('\n', lines), variables, others);

        void Share(string name, object value) => variables[name] = host.TextOf(value) ?? Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
    }

    /// <summary>The name of the magic command on a line; null for a line of the script.</summary>
    private static string? CommandOn(string line) => line.TrimStart().StartsWith("#!", StringComparison.Ordinal) && MagicLine.NameOf(line.Trim()) is var name
        && SessionCommands.All.Any(command => command.Name == name) ? name : null;

    private static string? OfOtherKernel(string text) => text.ReplaceLineEndings("\n").Split('\n')
        .Where(line => CommandOn(line) is SetCommand.Word or ShareCommand.Word)
        .Select(line => MagicLine.Parse(line.Trim(), SessionCommands.All))
        .Select(call => SessionCommands.OfOtherKernel(call) is { } variable ? $"{call.Command.Name} {variable}"
            : call.Of("--from") is { Text: not (Languages.CSharp or Languages.Values) and var kernel } ? $"{call.Command.Name} --from {kernel}" : null)
        .FirstOrDefault(found => found is not null);

    private static async Task<(int Code, string Complaint)> RunAsync(
        string path, string[] arguments, string file, string name, Dictionary<string, string> variables, CellProgram program)
    {
        var start = new ProcessStartInfo(path, [.. arguments, file])
        {
            // That of the C# cells, which they may have changed.
            WorkingDirectory = Environment.CurrentDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (variable, value) in variables)
        {
            start.Environment[variable] = value;
        }

        var process = Start(start);
        var errors = new StringBuilder();
        try
        {
            process.StandardInput.Close();
            var output = Task.WhenAll(Copy(process.StandardOutput, "stdout"), Copy(process.StandardError, "stderr"));
            await process.WaitForExitAsync(program.Token).ConfigureAwait(false);
            await Task.WhenAny(output, Task.Delay(LastWords, program.Token)).ConfigureAwait(false);
            return (process.ExitCode, LastLine(errors));
        }
        finally
        {
            EndTree(process);
        }

        // The shell's own errors name its file, and may hold a password that it was given.
        Task Copy(StreamReader reader, string stream) => CopyAsync(
            reader,
            text =>
            {
                text = program.Session.Hidden.Mask(text.Replace(file, name, StringComparison.Ordinal));
                program.Run.Output.Stream(stream, text);
                if (stream == "stderr")
                {
                    KeepEnd(errors, text);
                }
            },
            text => program.Session.Hidden.BegunAtEndOf(text, file));
    }

    private static void KeepEnd(StringBuilder end, string text)
    {
        lock (end)
        {
            end.Append(text);
            end.Remove(0, Math.Max(0, end.Length - EndKept));
        }
    }

    /// <summary>The last line that says something, without colours, and without the bar that PowerShell draws before it.</summary>
    private static string LastLine(StringBuilder errors)
    {
        lock (errors)
        {
            var last = Colours().Replace(errors.ToString(), "").Split('\n', '\r').Select(line => line.Trim(' ', '\t', '|')).LastOrDefault(line => line.Length > 0) ?? "";
            return last.Length > LongestLine ? last[..LongestLine] + "…" : last;
        }
    }

    [GeneratedRegex(@"\e\[[0-9;?]*[A-Za-z]")]
    private static partial Regex Colours();

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new SpectralKDException($"{start.FileName} cannot be started in {start.WorkingDirectory}: {error.Message}", error);
        }
    }

    /// <summary>Copies what comes as it comes, but for the end of it that may go on as something to be replaced: that waits for what follows.</summary>
    private static async Task CopyAsync(StreamReader reader, Action<string> write, Func<string, int> begun)
    {
        var buffer = new char[4096];
        var waiting = "";
        try
        {
            for (int read; (read = await reader.ReadAsync(buffer).ConfigureAwait(false)) > 0;)
            {
                var text = waiting + new string(buffer, 0, read);
                waiting = text[^begun(text)..];
                write(text[..^waiting.Length]);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The shell was ended: what it had to say is said.
        }

        write(waiting);
    }

    private static void EndTree(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
