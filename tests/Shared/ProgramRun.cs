using System.Diagnostics;

namespace SpectralKD.Tests;

/// <summary>Runs another program to its end.</summary>
internal static class ProgramRun
{
    /// <summary>Debian's own Python first: its packages are not seen by another one that stands earlier on the path.</summary>
    public static string Python { get; } = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

    /// <summary>The .NET that runs the tests.</summary>
    public static string Dotnet { get; } = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    /// <summary>Whether the tests were built as Debug or Release.</summary>
    public static string Configuration { get; } =
        AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}") ? "Release" : "Debug";

    /// <summary>The command line's assembly where its own build left it, beside all that it needs.</summary>
    public static string CommandLine { get; } = Path.Combine(
        SharedData.RepositoryRoot, "src", "SpectralKD.Cli", "bin", Configuration, "net10.0", "SpectralKD.Cli.dll");

    /// <summary>Exit code and everything that the program said; code 127 where there is no such program.</summary>
    public static async Task<(int Code, string Output)> RunAsync(
        string program, IEnumerable<string> arguments, string? folder = null, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? SharedData.RepositoryRoot,
        };
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, await output + await error);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (127, e.Message);
        }
    }

    /// <summary>Runs a program that must succeed; what it said is the message of the failure.</summary>
    public static async Task<string> SucceedAsync(
        string program, IEnumerable<string> arguments, string? folder = null, params (string Name, string Value)[] variables)
    {
        var (code, output) = await RunAsync(program, arguments, folder, variables);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)} ended with {code}:\n{output}");
        return output;
    }
}
