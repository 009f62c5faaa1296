using SpectralKD.Interactive.Magic.Commands;

namespace SpectralKD.Interactive.Magic;

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
