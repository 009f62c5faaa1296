using SpectralKD.Models;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>
/// How the checkpoints that people have become a model's tensors: wrapper prefixes go (timm's <c>clean_state_dict</c>), keys are
/// translated (<see cref="CheckpointKeys"/>), the family fits shapes to its image size, the head may differ in its classes.
/// </summary>
internal sealed class CheckpointRules
{
    private static readonly string[] WrapperPrefixes = ["module.", "_orig_mod."];
    private static readonly string[] Heads = ["head", "head.fc", "head_dist"];

    /// <summary>A model's key and a stored tensor to the fitted tensor, or to the same one.</summary>
    public Func<string, Tensor, Tensor> Fit { get; init; } = (_, value) => value;

    /// <summary>The rules of a model's family.</summary>
    public static CheckpointRules Of(VisionModel model) => new() { Fit = model.FitCheckpointTensor };

    /// <summary>A key without what DataParallel and torch.compile put before it.</summary>
    public static string WithoutWrapper(string key)
    {
        while (WrapperPrefixes.FirstOrDefault(prefix => key.StartsWith(prefix, StringComparison.Ordinal)) is { } prefix)
        {
            key = key[prefix.Length..];
        }

        return key;
    }

    /// <summary>True for the weight or bias of a classifier: <c>head</c>, Swin's <c>head.fc</c>, DeiT's <c>head_dist</c>.</summary>
    public static bool IsHead(string key) => Heads.Any(head => key == head + ".weight" || key == head + ".bias");

    /// <summary>True if two shapes of a classifier's tensor differ in the first size, the number of classes, and in nothing else.</summary>
    public static bool DifferInClassesOnly(string key, IReadOnlyList<long> stored, IReadOnlyList<long> wanted) =>
        IsHead(key) && stored.Count == wanted.Count && stored.Skip(1).SequenceEqual(wanted.Skip(1));
}
