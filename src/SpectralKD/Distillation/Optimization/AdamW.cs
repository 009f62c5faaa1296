using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>
/// TorchSharp's AdamW with a step whose numbers live until torch has answered (see <see cref="HeldScalars"/>): the same operations in the same order, so
/// the weights are to the bit those of TorchSharp's. Moments, options and their file format are its own; the format begins with the class's name,
/// which is why this one bears the same. Of its options neither amsgrad nor maximize is known.
/// </summary>
internal sealed class AdamW(IEnumerable<TorchSharp.Modules.AdamW.ParamGroup> groups, double beta1, double beta2, double eps)
    : TorchSharp.Modules.AdamW(groups, beta1: beta1, beta2: beta2, eps: eps)
{
    /// <summary>Moves every parameter that has a gradient.</summary>
    /// <param name="closure">Computes the loss anew, with gradients; none is needed.</param>
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(Step, closure);

    private void Step(ParamGroup group)
    {
        var options = group.Options;
        var (beta1, beta2, rate) = (options.beta1!.Value, options.beta2!.Value, options.LearningRate!.Value);
        foreach (var parameter in group.Parameters)
        {
            if (parameter.grad is not { } gradient)
            {
                continue;
            }

            var state = (State)_state[parameter.Handle];
            state.step++;
            parameter.MultiplyInPlace(1 - (rate * options.weight_decay!.Value));
            state.exp_avg.MultiplyInPlace(beta1).AddInPlace(gradient, 1 - beta1);
            state.exp_avg_sq.MultiplyInPlace(beta2).AddProductInPlace(gradient, gradient, 1 - beta2);
            var root = state.exp_avg_sq.sqrt().Over(Math.Sqrt(1 - Math.Pow(beta2, state.step))).AddInPlace(options.eps!.Value);
            parameter.AddQuotientInPlace(state.exp_avg, root, -(rate / (1 - Math.Pow(beta1, state.step))));
        }
    }
}
