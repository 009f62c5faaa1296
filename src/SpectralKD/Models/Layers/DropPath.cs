using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>
/// Stochastic depth: in training a sample's branch is dropped with probability <paramref name="rate"/>, and kept branches are
/// scaled by 1 / (1 - rate). It has no state; randomness comes from torch's generator of the tensor's device.
/// </summary>
internal sealed class DropPath(double rate)
{
    public double Rate { get; } = rate;

    /// <summary>The rates of <paramref name="depth"/> blocks, rising linearly from 0 to <paramref name="last"/>.</summary>
    public static double[] Linear(double last, int depth) =>
        [.. Enumerable.Range(0, depth).Select(i => depth == 1 ? 0 : last * i / (depth - 1))];

    /// <summary>input + branch, with the branch dropped for some samples. Dimension 0 counts samples.</summary>
    public Tensor Add(Tensor input, Tensor branch, bool training)
    {
        if (!training || Rate == 0)
        {
            return input.Plus(branch);
        }

        var shape = branch.shape.Select((size, dimension) => dimension == 0 ? size : 1).ToArray();
        var keep = HeldScalars.Filled(1 - Rate, shape, branch.dtype, branch.device).bernoulli();
        return input.Plus((branch * keep).Over(1 - Rate));
    }
}
