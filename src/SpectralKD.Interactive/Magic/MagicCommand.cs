using System.Net;
using System.Reflection;

namespace SpectralKD.Interactive.Magic;

/// <summary>One magic command. It knows no host: what it needs of the notebook comes through <see cref="INotebookHost"/>.</summary>
internal abstract class MagicCommand
{
    /// <summary>Name as typed, for example <c>#!spectral-analyze</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What the command does, one line.</summary>
    public abstract string Description { get; }

    /// <summary>A line that works as it stands in a notebook where the commands before it have run.</summary>
    public abstract string Example { get; }

    /// <summary>Its parameters; the implicit one, if any, first.</summary>
    public abstract IReadOnlyList<MagicParameter> Parameters { get; }

    /// <summary>Names that a user may try, and what to take instead: parameters of earlier versions, the reference's spellings.</summary>
    public virtual IReadOnlyDictionary<string, string> OtherNames { get; } = new Dictionary<string, string>();

    /// <summary>Runs the command.</summary>
    /// <param name="call">What is typed for its parameters.</param>
    /// <param name="host">The notebook it runs in.</param>
    /// <param name="cancellationToken">Stops it within a second, leaving what was there before intact.</param>
    /// <exception cref="SpectralKDException">A parameter is wrong, or the command's own error.</exception>
    public abstract Task ExecuteAsync(MagicCall call, INotebookHost host, CancellationToken cancellationToken);
}

/// <summary>A magic command whose parameters are the properties of <typeparamref name="TArguments"/>.</summary>
/// <typeparam name="TArguments">A class with <see cref="MagicParameterAttribute"/> on its properties.</typeparam>
internal abstract class MagicCommand<TArguments> : MagicCommand
    where TArguments : class, new()
{
    /// <inheritdoc/>
    public sealed override IReadOnlyList<MagicParameter> Parameters { get; } =
    [
        .. typeof(TArguments).GetProperties()
            .Where(p => p.GetCustomAttribute<MagicParameterAttribute>() is not null)
            .OrderBy(p => p.DeclaringType == typeof(TArguments)) // what several commands share comes first
            .Select(p => new MagicParameter(p, p.GetCustomAttribute<MagicParameterAttribute>()!, new TArguments()))
            .OrderByDescending(p => p.Implicit),
    ];

    /// <inheritdoc/>
    public sealed override Task ExecuteAsync(MagicCall call, INotebookHost host, CancellationToken cancellationToken) =>
        RunAsync(Read(call, host), host, cancellationToken);

    /// <summary>The arguments on one of its lines.</summary>
    /// <exception cref="SpectralKDException">One that is required is missing, or of another type.</exception>
    public TArguments Read(MagicCall call, INotebookHost host)
    {
        var missing = Parameters.Where(parameter => parameter.Required && !call.Given.ContainsKey(parameter.Name)).ToList();
        if (missing.Count > 0)
        {
            throw new SpectralKDException($"{Name} needs {string.Join(" and ", Parameters.Where(parameter => parameter.Required).Select(parameter => parameter.Name))} "
                + $"({string.Join("; ", missing.Select(parameter => parameter.Description))}); for example {Example}");
        }

        var arguments = new TArguments();
        foreach (var parameter in Parameters.Where(parameter => call.Given.ContainsKey(parameter.Name)))
        {
            parameter.Set(arguments, call, host);
        }

        return arguments;
    }

    /// <summary>Runs the command with its parameters bound.</summary>
    protected abstract Task RunAsync(TArguments arguments, INotebookHost host, CancellationToken cancellationToken);
}

/// <summary>All magic commands: the single source of help, completion, documentation and the binding to notebook hosts.</summary>
internal static class MagicCommandTable
{
    private const string Lister = "#!lsmagic";

    /// <summary>The commands in the order in which a notebook uses them.</summary>
    public static IReadOnlyList<MagicCommand> All { get; } =
    [
        new HelpCommand(),
        new DeviceCommand(),
        new ModelsCommand(),
        new ModelCommand(),
        new ImagesCommand(),
        new AnalyzeCommand(),
        new FeaturesCommand(),
        new ReportCommand(),
        new UCurveCommand(),
        new LayerCommand(),
        new ChartCommand(),
        new SelectCommand(),
        new SimilarityCommand(),
        new PredictCommand(),
        new MethodsCommand(),
        new RecipesCommand(),
        new DistillCommand(),
        new CompareCommand(),
        new DynamicsCommand(),
        new RunsCommand(),
        new SaveCommand(),
        new ExportCommand(),
    ];

    /// <summary>Finds a command by its name; the <c>#!</c> and <c>spectral-</c> may be left out.</summary>
    /// <exception cref="SpectralKDException">There is none; the nearest name is suggested.</exception>
    public static MagicCommand Find(string name, IReadOnlyList<MagicCommand>? commands = null)
    {
        var known = commands ?? All;
        return known.FirstOrDefault(command => command.Name == name) ?? known.FirstOrDefault(command => ShortName(command) == name.TrimStart('#', '!'))
            ?? throw new SpectralKDException($"there is no magic command {name}{Suggestion(name, known)} ({(known.Any(command => command.Name == Lister) ? Lister : "#!spectral-help")} lists them)");
    }

    /// <summary>A command's name as it may be typed for short: <c>model</c>, <c>time</c>.</summary>
    public static string ShortName(MagicCommand command) => command.Name.TrimStart('#', '!') is var name && name.StartsWith("spectral-", StringComparison.Ordinal) ? name["spectral-".Length..] : name;

    private static string Suggestion(string name, IReadOnlyList<MagicCommand> known)
    {
        var near = NearestName.Of(name, known.Select(command => command.Name))
            ?? (NearestName.Of(name.TrimStart('#', '!'), known.Select(ShortName)) is { } brief ? known.First(command => ShortName(command) == brief).Name : null);
        return near is null ? "" : $"; did you mean {near}?";
    }
}

/// <summary>Parameters of <c>#!spectral-help</c>.</summary>
internal sealed class HelpArguments
{
    [MagicParameter("command to explain", Implicit = true, Value = MagicValue.CommandName)]
    public string? Command { get; set; }
}

/// <summary>Lists the magic commands, or explains one.</summary>
internal sealed class HelpCommand : MagicCommand<HelpArguments>
{
    public override string Name => "#!spectral-help";

    public override string Description => "lists the commands, or explains one with an example";

    public override string Example => "#!spectral-help analyze";

    protected override Task RunAsync(HelpArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        INotebookView view = arguments.Command is { } name
            ? new CommandHelpView(MagicCommandTable.Find(name, host.Commands))
            : new CommandListView(MagicCommandTable.All);
        host.Display(view);
        return Task.CompletedTask;
    }
}

/// <summary>What <c>#!spectral-help</c> shows: all commands.</summary>
internal sealed record CommandListView(IReadOnlyList<MagicCommand> Commands) : INotebookView
{
    private const string Hint = "#!spectral-help NAME explains one with its parameters. Everything that a command does, a plain C# call does too.";

    public string ToHtml() => $"{Table(Commands).ToHtml()}<div>{WebUtility.HtmlEncode(Hint)}</div>";

    public string ToPlainText() => $"{Table(Commands).ToPlainText()}{Environment.NewLine}{Hint}";

    /// <summary>The commands alone.</summary>
    public static TextTable Table(IReadOnlyList<MagicCommand> commands) =>
        commands.Aggregate(new TextTable("command", "what it does"), (table, c) => table.Add(c.Name, c.Description));
}

/// <summary>What <c>#!spectral-help command</c> shows: one command with its parameters.</summary>
internal sealed record CommandHelpView(MagicCommand Command) : INotebookView
{
    public string ToHtml() => $"<div><b><code>{Command.Name}</code></b> {WebUtility.HtmlEncode(Command.Description)}</div>"
        + (Command.Parameters.Count > 0 ? Table().ToHtml() : "")
        + $"<div>Example: <code>{WebUtility.HtmlEncode(Command.Example)}</code></div>";

    public string ToPlainText() => string.Join(
        Environment.NewLine,
        [$"{Command.Name}: {Command.Description}", .. Command.Parameters.Count > 0 ? [Table().ToPlainText()] : Array.Empty<string>(), $"Example: {Command.Example}"]);

    private TextTable Table() => Command.Parameters.Aggregate(
        new TextTable("parameter", "default", "what it means"),
        (table, p) => table.Add(p.Name, p.Required ? "(required)" : p.IsFlag ? "off" : p.Default, Meaning(p)));

    private static string Meaning(MagicParameter p) =>
        p.Description + (p.Choices.Count > 0 ? $": {string.Join(", ", p.Choices)}" : "") + (p.Implicit ? " (may stand without its name)" : "");
}
