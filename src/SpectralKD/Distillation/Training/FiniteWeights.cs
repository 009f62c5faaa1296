using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>Finds weights that hold NaN or infinity, so that a run says so before it begins instead of ending in a loss that is not finite.</summary>
internal static class FiniteWeights
{
    /// <summary>The name of the first tensor with such a value; null where every value is a finite number.</summary>
    public static string? FirstBroken(IEnumerable<(string Name, Tensor Values)> weights)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return weights.FirstOrDefault(weight => weight.Values.is_floating_point() && !weight.Values.isfinite().all().item<bool>()).Name;
    }
}
