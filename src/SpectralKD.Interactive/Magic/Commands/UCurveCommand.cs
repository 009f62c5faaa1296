using SpectralKD.Interactive.Charting;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-ucurve</c>.</summary>
public sealed class UCurveArguments
{
    /// <summary>Variables that hold spectra.</summary>
    [MagicParameter(
        "variables that hold spectra, separated by commas", Implicit = true, Required = true, Value = MagicValue.SpectrumVariable)]
    public IReadOnlyList<string> Spectra { get; set; } = [];

    /// <summary>Divide each curve by its largest intensity.</summary>
    [MagicParameter("divide each curve by its largest intensity")]
    public bool Normalize { get; set; }
}

/// <summary>Draws the U-curves of one or several models side by side.</summary>
public sealed class UCurveCommand : MagicCommand<UCurveArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-ucurve";

    /// <inheritdoc/>
    public override string Description => "U-curves of one or several spectra in one chart";

    /// <inheritdoc/>
    public override string Example => "#!spectral-ucurve spectrum --normalize";

    /// <inheritdoc/>
    protected override Task RunAsync(UCurveArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        host.Display(Charts.UCurve([.. arguments.Spectra.Select(host.Spectrum)], arguments.Normalize));
        return Task.CompletedTask;
    }
}
