namespace SpectralKD.Tests.Distillation;

/// <summary>
/// Tests that compare training runs bit for bit: stochastic depth draws from torch's one generator, so nothing else may draw meanwhile.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TorchGenerator
{
    public const string Name = "draws from torch's generator";
}
