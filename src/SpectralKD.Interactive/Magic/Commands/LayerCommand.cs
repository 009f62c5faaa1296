using SpectralKD.Interactive.Charting;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-layer</c>.</summary>
public sealed class LayerArguments
{
    /// <summary>Variable that holds the spectrum.</summary>
    [MagicParameter("variable that holds the spectrum", Implicit = true, Value = MagicValue.SpectrumVariable)]
    public string Spectrum { get; set; } = "spectrum";

    /// <summary>The block.</summary>
    [MagicParameter("block index, negative ones count from the end")]
    public int Layer { get; set; } = -1;
}

/// <summary>Shows one block in detail.</summary>
public sealed class LayerCommand : MagicCommand<LayerArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-layer";

    /// <inheritdoc/>
    public override string Description => "one block: 2-D amplitude map, radial profile, channel spectrum";

    /// <inheritdoc/>
    public override string Example => "#!spectral-layer spectrum --layer 5";

    /// <inheritdoc/>
    protected override Task RunAsync(LayerArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        host.Display(Charts.Layer(host.Spectrum(arguments.Spectrum), arguments.Layer));
        return Task.CompletedTask;
    }
}
