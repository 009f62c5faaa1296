using SpectralKD.Models;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>
/// How the checkpoints that people have become a model's tensors: wrapper prefixes go (timm's <c>clean_state_dict</c>), the
/// family translates keys and fits shapes (timm's <c>checkpoint_filter_fn</c>), the head may differ in its classes.
/// </summary>
internal sealed class CheckpointRules
{
    private static readonly string[] WrapperPrefixes = ["module.", "_orig_mod."];

    /// <summary>A file's key without wrappers, and all such keys of the file, to the model's key or null.</summary>
    public Func<string, IReadOnlyCollection<string>, string?> Map { get; init; } = (key, _) => key;

    /// <summary>A model's key and a stored tensor to the fitted tensor, or to the same one.</summary>
    public Func<string, Tensor, Tensor> Fit { get; init; } = (_, value) => value;

    /// <summary>Keys of the classifier.</summary>
    public IReadOnlyList<string> HeadKeys { get; init; } = ["head.weight", "head.bias"];

    /// <summary>The rules of a model's family.</summary>
    public static CheckpointRules Of(VisionModel model) =>
        new() { Map = model.MapCheckpointKey, Fit = model.FitCheckpointTensor, HeadKeys = model.HeadKeys };

    /// <summary>A key without what DataParallel and torch.compile put before it.</summary>
    public static string WithoutWrapper(string key)
    {
        while (WrapperPrefixes.FirstOrDefault(prefix => key.StartsWith(prefix, StringComparison.Ordinal)) is { } prefix)
        {
            key = key[prefix.Length..];
        }

        return key;
    }

    /// <summary>True if two shapes of a classifier's tensor differ in the first size, the number of classes, and in nothing else.</summary>
    public bool DifferInClassesOnly(string key, IReadOnlyList<long> stored, IReadOnlyList<long> wanted) =>
        HeadKeys.Contains(key) && stored.Count == wanted.Count && stored.Skip(1).SequenceEqual(wanted.Skip(1));
}
