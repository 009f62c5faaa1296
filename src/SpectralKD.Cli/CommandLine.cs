using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using System.Reflection;

namespace SpectralKD.Cli;

/// <summary>Where the program begins.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        // Figures, files and messages are the same in every country.
        CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        LibTorch.InstallResolver(); // whatever uses torch first, it is our libtorch that is found
        using var signals = new StopSignals();
        var code = await CommandLine.RunAsync(args, new InvocationConfiguration { EnableDefaultExceptionHandler = false }, signals);
        if (signals.ExitCode is { } stopped)
        {
            ProcessEnd.AfterStop(code == CommandLine.Stopped ? stopped : code);
        }

        return code;
    }
}

/// <summary>The <c>spectralkd</c> command: results on stdout, progress and errors on stderr, exit code 0, 1 for a failure, 2 for what was typed wrong.</summary>
internal static class CommandLine
{
    /// <summary>What a command returns that was stopped.</summary>
    public const int Stopped = 130;

    private const string Completion = "completion";

    // The other commands take no time, and the kernel (jupyter start) has signals of its own: SIGINT interrupts a cell.
    private static readonly string[] EndInOrder = ["run", "analyze", "report", "cache", "distill", "compare", "write", "similarity", "predict"];

    // In what a notebook shows, a notebook's advice is right.
    private static readonly string[] ReadInNotebooks = ["run", "start"];

    private static readonly (string Name, Func<Command> Create)[] Verbs =
    [
        ("run", RunVerb.Create),
        ("analyze", AnalyzeVerb.Create),
        ("report", ReportVerb.Create),
        ("cache", CacheVerb.Create),
        ("merge", MergeVerb.Create),
        ("features", FeaturesVerb.Create),
        ("recipes", RecipesVerb.Create),
        ("distill", DistillVerb.Create),
        ("compare", CompareVerb.Create),
        ("dynamics", DynamicsVerb.Create),
        ("similarity", SimilarityVerb.Create),
        ("predict", PredictVerb.Create),
        ("export", ExportVerb.Create),
        ("models", ModelsVerb.Create),
        ("methods", MethodsVerb.Create),
        ("jupyter", JupyterVerb.Create),
        ("device", DeviceVerb.Create),
        (Completion, CompletionVerb.Create),
    ];

    /// <param name="args">The program's arguments.</param>
    /// <param name="configuration">Where output goes.</param>
    /// <param name="signals">Stops the commands that can save what they have; null: nothing does.</param>
    public static async Task<int> RunAsync(string[] args, InvocationConfiguration configuration, StopSignals? signals = null)
    {
        (configuration.Output, configuration.Error) = (new PlainTextWriter(configuration.Output), new PlainTextWriter(configuration.Error));
        try
        {
            var parsed = Root(args).Parse(args);
            if (UsageError.Words(parsed) is { } wrong)
            {
                await configuration.Error.WriteLineAsync($"spectralkd: {wrong}");
                return UsageError.ExitCode;
            }

            var command = parsed.CommandResult.Command.Name;
            Advice.IsForCommandLine = !ReadInNotebooks.Contains(command);
            configuration.Error = parsed.GetValue(Results.Quiet) ? new QuietWriter(configuration.Error) : configuration.Error;
            configuration.ProcessTerminationTimeout = null; // see StopSignals
            if (EndInOrder.Contains(command))
            {
                signals?.Listen(configuration.Error);
            }

            return await parsed.InvokeAsync(configuration, signals?.Token ?? CancellationToken.None);
        }
        catch (SpectralKDException e)
        {
            await configuration.Error.WriteLineAsync($"spectralkd: {e.Message}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            await configuration.Error.WriteLineAsync("spectralkd: stopped");
            return Stopped;
        }
    }

    /// <summary>All commands, or where the arguments begin with one of them that one alone: what the others offer takes a tenth of a kernel's start to set up.</summary>
    /// <param name="args">The program's arguments.</param>
    public static RootCommand Root(params IReadOnlyList<string> args)
    {
        var root = new RootCommand("Spectral analysis of vision transformers and spectral distillation (SpectralKD, arXiv 2412.19055)");
        var named = Verbs.Where(verb => args.Count > 0 && verb.Name == args[0] && verb.Name != Completion).ToArray();
        foreach (var verb in named.Length > 0 ? named : Verbs)
        {
            root.Add(verb.Create());
        }

        root.Options.OfType<VersionOption>().Single().Action = new ShowVersion();
        return root;
    }

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var version = typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
            parseResult.InvocationConfiguration.Output.WriteLine(version.Split('+')[0]);
            return 0;
        }
    }
}
