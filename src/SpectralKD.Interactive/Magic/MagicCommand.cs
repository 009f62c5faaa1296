using System.Reflection;

namespace SpectralKD.Interactive.Magic;

/// <summary>One magic command. It knows no host: what it needs of the notebook comes through <see cref="INotebookHost"/>.</summary>
public abstract class MagicCommand
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
    /// <param name="values">Parameter name (<c>--model</c>) to the words given for it; flags have none.</param>
    /// <param name="host">The notebook it runs in.</param>
    /// <param name="cancellationToken">Stops it within a second, leaving what was there before intact.</param>
    /// <exception cref="SpectralKDException">A parameter is wrong, or the command's own error.</exception>
    public abstract Task ExecuteAsync(
        IReadOnlyDictionary<string, IReadOnlyList<string>> values, INotebookHost host, CancellationToken cancellationToken);
}

/// <summary>A magic command whose parameters are the properties of <typeparamref name="TArguments"/>.</summary>
/// <typeparam name="TArguments">A class with <see cref="MagicParameterAttribute"/> on its properties.</typeparam>
public abstract class MagicCommand<TArguments> : MagicCommand
    where TArguments : class, new()
{
    /// <inheritdoc/>
    public sealed override IReadOnlyList<MagicParameter> Parameters { get; } =
    [
        .. typeof(TArguments).GetProperties()
            .Where(p => p.GetCustomAttribute<MagicParameterAttribute>() is not null)
            .Select(p => new MagicParameter(p, p.GetCustomAttribute<MagicParameterAttribute>()!, new TArguments()))
            .OrderByDescending(p => p.Implicit),
    ];

    /// <inheritdoc/>
    public sealed override Task ExecuteAsync(
        IReadOnlyDictionary<string, IReadOnlyList<string>> values, INotebookHost host, CancellationToken cancellationToken)
    {
        var arguments = new TArguments();
        foreach (var parameter in Parameters)
        {
            if (values.TryGetValue(parameter.Name, out var texts))
            {
                parameter.Set(arguments, parameter.IsFlag && texts.Count == 0 ? ["true"] : texts, host);
            }
            else if (parameter.Required)
            {
                throw new SpectralKDException($"{Name} needs {parameter.Name} ({parameter.Description}); for example {Example}");
            }
        }

        return RunAsync(arguments, host, cancellationToken);
    }

    /// <summary>Runs the command with its parameters bound.</summary>
    protected abstract Task RunAsync(TArguments arguments, INotebookHost host, CancellationToken cancellationToken);
}

/// <summary>All magic commands: the single source of help, completion, documentation and the binding to notebook hosts.</summary>
public static class MagicCommandTable
{
    /// <summary>The commands in the order in which a notebook uses them.</summary>
    public static IReadOnlyList<MagicCommand> All { get; } =
    [
        new HelpCommand(),
        new DeviceCommand(),
        new ModelsCommand(),
        new ModelCommand(),
        new ImagesCommand(),
        new AnalyzeCommand(),
        new UCurveCommand(),
        new LayerCommand(),
        new ChartCommand(),
        new SelectCommand(),
        new DistillCommand(),
        new DynamicsCommand(),
        new RunsCommand(),
        new SaveCommand(),
    ];

    /// <summary>Finds a command by its name; the <c>#!</c> may be left out.</summary>
    /// <exception cref="SpectralKDException">There is none; the nearest name is suggested.</exception>
    public static MagicCommand Find(string name)
    {
        var full = name.StartsWith("#!", StringComparison.Ordinal) ? name : "#!" + name;
        return All.FirstOrDefault(c => c.Name == full || c.Name == "#!spectral-" + full[2..]) ?? throw new SpectralKDException(
            $"there is no magic command {full}{NearestName.Suggestion(full, All.Select(c => c.Name))} (#!spectral-help lists them)");
    }
}
