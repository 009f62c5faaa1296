using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-models</c>.</summary>
public sealed class ModelsArguments
{
    /// <summary>Part of a name or a family.</summary>
    [MagicParameter("part of a name or a family", Implicit = true)]
    public string? Filter { get; set; }
}

/// <summary>Shows the catalogue of models.</summary>
public sealed class ModelsCommand : MagicCommand<ModelsArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-models";

    /// <inheritdoc/>
    public override string Description => "the catalogue: name, family, parameters, blocks, input size, weights source";

    /// <inheritdoc/>
    public override string Example => "#!spectral-models deit";

    /// <inheritdoc/>
    protected override Task RunAsync(ModelsArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        host.Display(CatalogueView.Of(arguments.Filter));
        return Task.CompletedTask;
    }
}
