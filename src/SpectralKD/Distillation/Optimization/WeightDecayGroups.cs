using SpectralKD.Models;
using TorchSharp.Modules;

namespace SpectralKD.Distillation;

/// <summary>
/// timm's weight-decay groups: biases, other vectors and what a model names in <see cref="VisionModel.NoWeightDecay"/> take none.
/// </summary>
public sealed class WeightDecayGroups
{
    private WeightDecayGroups(IReadOnlyList<(string Name, Parameter Parameter)> plain, IReadOnlyList<(string Name, Parameter Parameter)> decayed) =>
        (Plain, Decayed) = (plain, decayed);

    /// <summary>Parameters without weight decay, by name, in the model's order.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Plain { get; }

    /// <summary>Parameters with weight decay, by name, in the model's order.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Decayed { get; }

    /// <summary>Sorts a model's trainable parameters.</summary>
    public static WeightDecayGroups Of(VisionModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Of([.. model.named_parameters()], model.NoWeightDecay);
    }

    internal static WeightDecayGroups Of(IReadOnlyList<(string Name, Parameter Parameter)> parameters, IReadOnlySet<string> exempt)
    {
        var sorted = parameters.Where(entry => entry.Parameter.requires_grad).ToLookup(entry => IsPlain(entry.Name, entry.Parameter, exempt));
        return new WeightDecayGroups([.. sorted[true]], [.. sorted[false]]);
    }

    private static bool IsPlain(string name, Parameter parameter, IReadOnlySet<string> exempt) =>
        parameter.dim() <= 1 || name.EndsWith(".bias", StringComparison.Ordinal) || exempt.Contains(name);
}
