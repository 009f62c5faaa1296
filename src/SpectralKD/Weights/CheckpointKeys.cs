using System.Globalization;
using System.Text.RegularExpressions;

namespace SpectralKD.Weights;

/// <summary>
/// Translates the keys of checkpoints as people have them into timm 1.0.11's, as each family's
/// <c>checkpoint_filter_fn</c> does: Swin's original layout, DeiT III's layer scale names, buffers that models compute.
/// </summary>
internal sealed partial class CheckpointKeys
{
    private readonly bool originalSwin;
    private readonly bool layerScaleModules;

    /// <summary>Looks at both sides' keys to see which dialect the file speaks.</summary>
    public CheckpointKeys(IReadOnlyCollection<string> modelKeys, IReadOnlyCollection<string> fileKeys)
    {
        originalSwin = modelKeys.Contains("head.fc.weight") && !fileKeys.Contains("head.fc.weight");
        layerScaleModules = modelKeys.Any(key => key.EndsWith(".ls1.gamma", StringComparison.Ordinal));
    }

    /// <summary>timm's name for a key of the file, or null for what no model needs: buffers that it computes itself, a removed layer.</summary>
    public string? Translate(string key)
    {
        if (IsOfNoUse(key))
        {
            return null;
        }

        if (originalSwin)
        {
            key = DownsampleKey().Replace(key, match => $"layers.{NextStage(match)}.downsample");
            key = key.StartsWith("head.", StringComparison.Ordinal) ? "head.fc." + key["head.".Length..] : key;
        }

        return layerScaleModules ? GammaKey().Replace(key, ".ls$1.gamma") : key;
    }

    private static string NextStage(Match match) =>
        (int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);

    /// <summary>True for buffers that every model works out itself, so that nothing is lost without them.</summary>
    public static bool IsComputed(string key) =>
        key.EndsWith("relative_position_index", StringComparison.Ordinal) || key.EndsWith("attn_mask", StringComparison.Ordinal);

    // A layer that timm took out; what counters (thop) and BatchNorm leave in a state_dict.
    private static bool IsOfNoUse(string key) => IsComputed(key) || key.StartsWith("pre_logits.", StringComparison.Ordinal)
        || LastName(key) is "total_ops" or "total_params" or "num_batches_tracked";

    private static string LastName(string key) => key[(key.LastIndexOf('.') + 1)..];

    [GeneratedRegex(@"^layers\.([0-9]{1,4})\.downsample")]
    private static partial Regex DownsampleKey();

    [GeneratedRegex(@"\.gamma_([12])$")]
    private static partial Regex GammaKey();
}
