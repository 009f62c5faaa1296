using SpectralKD.Models;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>The classifier's rows: how many a file has, and timm's initial values for a fresh one.</summary>
internal static class HeadRows
{
    private static readonly string[] Weights = ["head.weight", "head.fc.weight"];

    /// <summary>Number of classes of a file's classifier; null if it has none.</summary>
    public static int? Of(ITensorSource file)
    {
        var head = file.Tensors.Values.FirstOrDefault(tensor => Weights.Contains(CheckpointRules.WithoutWrapper(tensor.Key)));
        return head is { Shape: [> 0 and <= int.MaxValue, _] } ? (int)head.Shape[0] : null;
    }

    /// <summary>Gives tensors of a model timm's initial values, from seed 0.</summary>
    public static void Fill(VisionModel model, IReadOnlyList<string> keys)
    {
        using var guard = no_grad();
        foreach (var (name, parameter) in model.named_parameters().Where(pair => keys.Contains(pair.name)))
        {
            using var scope = NewDisposeScope();
            var values = new float[parameter.NumberOfElements];
            TimmInitialization.Fill(values, model.Spec, name, parameter.shape, seed: 0);
            parameter.copy_(tensor(values, parameter.shape));
        }
    }
}
