using SpectralKD.Interactive.Charting;
using SpectralKD.Spectra;

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

    /// <summary>Depth from 0 to 1 instead of the block's index; null takes it where the models' depths differ.</summary>
    [MagicParameter("depth from 0 (first block) to 1 (last block) instead of the block's index; taken anyway where depths differ")]
    public bool? Relative { get; set; }

    /// <summary>The domain whose intensity is drawn; null draws the spatial one where there is one.</summary>
    [MagicParameter("whose intensity is drawn, where both domains were analysed (spatial)")]
    public SpectralDomain? Domain { get; set; }
}

/// <summary>Draws the U-curves of one or several models side by side.</summary>
public sealed class UCurveCommand : MagicCommand<UCurveArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-ucurve";

    /// <inheritdoc/>
    public override string Description => "U-curves of one or several spectra in one chart";

    /// <inheritdoc/>
    public override string Example => "#!spectral-ucurve spectrum --normalize --relative";

    /// <inheritdoc/>
    protected override Task RunAsync(UCurveArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var spectra = arguments.Spectra.Select(host.Spectrum).Select(spectrum => arguments.Domain is { } domain ? spectrum.InDomain(domain) : spectrum);
        host.Display(Charts.UCurve([.. spectra], arguments.Normalize, arguments.Relative));
        return Task.CompletedTask;
    }
}
