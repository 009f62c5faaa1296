using SpectralKD.Distillation;
using SpectralKD.Interactive.Charting;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-dynamics</c>.</summary>
public sealed class DynamicsArguments
{
    /// <summary>Variable that holds the teacher's spectrum.</summary>
    [MagicParameter("variable that holds the teacher's spectrum", Required = true, Value = MagicValue.SpectrumVariable)]
    public string Teacher { get; set; } = "";

    /// <summary>Variable that holds the student's spectrum before training.</summary>
    [MagicParameter("variable that holds the student's spectrum before training", Required = true, Value = MagicValue.SpectrumVariable)]
    public string Before { get; set; } = "";

    /// <summary>Variable that holds the student's spectrum after training.</summary>
    [MagicParameter("variable that holds the student's spectrum after training", Required = true, Value = MagicValue.SpectrumVariable)]
    public string After { get; set; } = "";

    /// <summary>Variable for the comparison.</summary>
    [MagicParameter("C# variable for the comparison", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "dynamics";
}

/// <summary>Compares a student's spectra before and after training with its teacher's.</summary>
public sealed class DynamicsCommand : MagicCommand<DynamicsArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-dynamics";

    /// <inheritdoc/>
    public override string Description => "spectra of the student before and after training against the teacher's";

    /// <inheritdoc/>
    public override string Example => "#!spectral-dynamics --teacher teacherSpectrum --before before --after after";

    /// <inheritdoc/>
    protected override async Task RunAsync(DynamicsArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var (teacher, before, after) = (host.Spectrum(arguments.Teacher), host.Spectrum(arguments.Before), host.Spectrum(arguments.After));
        var dynamics = DistillationDynamics.Of(teacher, before, after);
        await host.SetVariableAsync(arguments.As, dynamics, typeof(DistillationDynamics));
        host.Display(Charts.Dynamics(teacher, before, after));
        if (dynamics.Distances.Any(entry => entry.Distance is not null))
        {
            host.Display(Charts.LayerDistances(dynamics));
        }

        host.Display(dynamics.ToDataFrame());
    }
}
