using System.Globalization;
using System.Text.RegularExpressions;

namespace SpectralKD.Weights;

/// <summary>
/// Translates the keys of checkpoints as people have them into timm 1.0.11's, as timm's <c>clean_state_dict</c> and each
/// family's <c>checkpoint_filter_fn</c> do: wrapper prefixes, Swin's original layout, DeiT III's layer scale names.
/// </summary>
internal sealed partial class CheckpointKeys
{
    private static readonly string[] WrapperPrefixes = ["module.", "_orig_mod."];

    private readonly bool originalSwin;
    private readonly bool layerScaleModules;

    /// <summary>Looks at both sides' keys to see which dialect the file speaks.</summary>
    public CheckpointKeys(IReadOnlyCollection<string> modelKeys, IEnumerable<string> fileKeys)
    {
        originalSwin = modelKeys.Contains("head.fc.weight") && !fileKeys.Select(WithoutWrapper).Contains("head.fc.weight");
        layerScaleModules = modelKeys.Any(key => key.EndsWith(".ls1.gamma", StringComparison.Ordinal));
    }

    /// <summary>timm's name for a key of the file, or null for a buffer that every model computes itself.</summary>
    public string? Translate(string fileKey)
    {
        var key = WithoutWrapper(fileKey);
        if (IsRecomputed(key))
        {
            return null;
        }

        if (originalSwin)
        {
            key = DownsampleKey().Replace(key, match => $"layers.{NextStage(match)}.downsample");
            key = key.Replace("head.", "head.fc.", StringComparison.Ordinal);
        }

        return layerScaleModules ? GammaKey().Replace(key, ".ls$1.gamma") : key;
    }

    private static string NextStage(Match match) =>
        (int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);

    private static bool IsRecomputed(string key) =>
        key.EndsWith("relative_position_index", StringComparison.Ordinal) || key.EndsWith("attn_mask", StringComparison.Ordinal);

    private static string WithoutWrapper(string key)
    {
        while (WrapperPrefixes.FirstOrDefault(prefix => key.StartsWith(prefix, StringComparison.Ordinal)) is { } prefix)
        {
            key = key[prefix.Length..];
        }

        return key;
    }

    [GeneratedRegex(@"^layers\.([0-9]{1,4})\.downsample")]
    private static partial Regex DownsampleKey();

    [GeneratedRegex(@"\.gamma_([12])$")]
    private static partial Regex GammaKey();
}
