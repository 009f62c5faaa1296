namespace SpectralKD.Tests;

/// <summary>
/// Tests that ask much of torch's one generator, from which stochastic depth draws: nothing else may draw meanwhile.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TorchGenerator
{
    public const string Name = "draws from torch's generator";
}
