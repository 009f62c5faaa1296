using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Session.Packages;

/// <summary>Runs <c>dotnet restore</c> on a project.</summary>
internal static partial class DotnetRestore
{
    private const int MostErrors = 3;

    /// <summary>Restores; on cancel the process is ended.</summary>
    /// <exception cref="SpectralKDException">The SDK is missing.</exception>
    /// <exception cref="RestoreFailed">NuGet's errors.</exception>
    public static async Task RunAsync(RestoreProject project, CancellationToken cancellationToken)
    {
        using var process = Start(project);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            if (process.ExitCode != 0)
            {
                throw Failed(await output.ConfigureAwait(false) + await error.ConfigureAwait(false));
            }
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static Process Start(RestoreProject project)
    {
        var start = new ProcessStartInfo(DotnetPath())
        {
            ArgumentList = { "restore", project.File, "--verbosity", "quiet", "-nodeReuse:false", "-tl:off" },
            WorkingDirectory = project.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment.Remove("MSBuildSDKsPath");
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw NoSdk($"{start.FileName} cannot be started ({error.Message})");
        }
    }

    /// <summary>The <c>dotnet</c> that runs this process, or the one on the path.</summary>
    private static string DotnetPath()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        var framework = Path.GetDirectoryName(typeof(object).Assembly.Location) ?? "";
        string?[] candidates =
        [
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH"),
            Path.GetFullPath(Path.Combine(framework, "..", "..", "..", name)),
            Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root ? Path.Combine(root, name) : null,
        ];
        return candidates.FirstOrDefault(File.Exists) ?? name;
    }

    private static Exception Failed(string output)
    {
        var knowsNoRestore = output.Contains("does not exist", StringComparison.Ordinal) && !ErrorLine().IsMatch(output);
        if (knowsNoRestore || output.Contains("No .NET SDKs were found", StringComparison.Ordinal))
        {
            return NoSdk("only the .NET runtime is installed");
        }

        var errors = ErrorLine().Matches(output).Select(match => match.Groups["text"].Value.Trim()).Distinct().ToArray();
        var found = errors.Length > 0 ? string.Join("; ", errors.Take(MostErrors).Select(error => error.TrimEnd('.'))) : output.Trim().ReplaceLineEndings(" ");
        var more = errors.Length > MostErrors ? $" (and {errors.Length - MostErrors} more)" : "";
        return new RestoreFailed(
            $"the packages could not be restored: {found}{more}. "
            + "Check the name and version, the network and your NuGet sources (dotnet nuget list source)",
            errors);
    }

    private static SpectralKDException NoSdk(string found)
        => new($"#r \"nuget: …\" needs the .NET SDK, but {found}: install the SDK, or reference assemblies by #r \"path.dll\"");

    [GeneratedRegex(@"error\s+(?<text>(NU|MSB|NETSDK)\d+:[^\[\r\n]*)")]
    private static partial Regex ErrorLine();
}
