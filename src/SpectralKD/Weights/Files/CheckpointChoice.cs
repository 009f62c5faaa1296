using System.Globalization;
using System.Text.RegularExpressions;

namespace SpectralKD.Weights;

/// <summary>The weights that were chosen from a checkpoint: tensors by timm's keys, what else lay among them, and what to tell the user.</summary>
internal sealed record ChosenWeights(
    IReadOnlyDictionary<string, PickleTensor> Tensors, IReadOnlyDictionary<string, string> PassedOver, IReadOnlyList<string> Notes);

/// <summary>
/// Finds the state_dict in what a training script saved, wherever it lies: every dictionary that holds the patch embedding's key is one
/// (<see cref="CheckpointPart"/>). Without any, the names that timm knows (<c>model</c>, <c>state_dict</c>, each with <c>_ema</c>) or the whole file.
/// </summary>
internal static class CheckpointChoice
{
    private const int DeepestNest = 4, LongestList = 16, MostNests = 50_000;
    private const long MostEntries = 20_000_000; // looked at; dictionaries may share their entries, so their number is not bound by the file's size
    private static readonly string[] Names = ["state_dict_ema", "model_ema", "state_dict", "model"];

    /// <summary>The tensors of the chosen part by key.</summary>
    /// <param name="root">The pickle's value.</param>
    /// <param name="wanted">See <see cref="CheckpointPart.Choose"/>.</param>
    /// <param name="spec">The model to be filled, where it is known.</param>
    public static ChosenWeights Choose(object? root, string? wanted, ModelSpec? spec)
    {
        var dictionaries = Dictionaries(root);
        var parts = dictionaries.SelectMany(entry => CheckpointPart.In(
            entry.Key, Tensors(entry.Value).Select(pair => pair.Key), key => ((PickleTensor)entry.Value.Entries[key]!).Shape, spec)).Distinct().ToList();
        if (parts.Count == 0)
        {
            parts = [.. Names.Where(dictionaries.ContainsKey).Select(name => new CheckpointPart(name, "", true))];
            if (parts.Count == 0 && dictionaries.ContainsKey(""))
            {
                parts = [new CheckpointPart("", "", true)];
            }
        }

        if (parts.Count == 0)
        {
            throw wanted == "ema" && root is PickleDict ? CheckpointPart.Absent(parts, wanted, Holds(root)) : Nothing(root);
        }

        var part = CheckpointPart.Choose(parts, wanted, Holds(root));
        return Take(dictionaries[part.Nest], part, parts);
    }

    private static ChosenWeights Take(PickleDict state, CheckpointPart part, IReadOnlyList<CheckpointPart> parts)
    {
        List<string> notes = [.. part.Notes(parts)];
        var tensors = new Dictionary<string, PickleTensor>(StringComparer.Ordinal);
        var passedOver = new Dictionary<string, string>(StringComparer.Ordinal);
        var foreign = new List<string>();
        var siblings = parts.Where(other => other.Nest == part.Nest).ToList();
        foreach (var (key, value) in state.Entries)
        {
            var owner = CheckpointPart.OwnerOf(key, siblings);
            var (inside, name) = (owner?.Prefix == part.Prefix, key[Math.Min(part.Prefix.Length, key.Length)..]);
            if (value is PickleTensor tensor)
            {
                if (inside)
                {
                    tensors[name] = tensor;
                }
                else if (owner is null)
                {
                    foreign.Add(key);
                }
            }
            else if (inside && What(value) is { } what)
            {
                passedOver[name] = what;
            }
        }

        if (foreign.Count > 0)
        {
            notes.Add(OtherParts(foreign));
        }

        if (passedOver.Count > 0)
        {
            notes.Add($"{passedOver.Count} of its values passed over: '{passedOver.First().Key}' is {passedOver.First().Value}{(passedOver.Count > 1 ? ", …" : "")}");
        }

        return new ChosenWeights(tensors, passedOver, notes);
    }

    /// <summary>What is told of keys that lie beside the chosen ones.</summary>
    public static string OtherParts(IReadOnlyList<string> keys) =>
        $"{keys.Count} {(keys.Count == 1 ? "tensor" : "tensors")} of other parts not used ({string.Join(", ", keys.Take(3))}{(keys.Count > 3 ? ", …" : "")})";

    private static string? What(object? value) => value switch
    {
        PickleOther other => other.What,
        PickleDict { IsObject: true } dict => $"an object of {dict.ClassName}",
        PickleStorage => "a bare storage",
        _ => null,
    };

    /// <summary>All dictionaries that hold tensors, by their path: <c>""</c>, <c>model</c>, <c>state_dict.teacher</c>.</summary>
    private static Dictionary<string, PickleDict> Dictionaries(object? root)
    {
        var found = new Dictionary<string, PickleDict>(StringComparer.Ordinal);
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var queue = new Queue<(string Path, object? Value, int Depth)>([("", root, 0)]);
        long entries = 0;
        while (queue.TryDequeue(out var next))
        {
            if (next.Value is not (PickleDict or PickleItems) || !seen.Add(next.Value))
            {
                continue;
            }

            var children = next.Value is PickleDict dict
                ? dict.Entries.Select(pair => (pair.Key, pair.Value))
                : ((PickleItems)next.Value).Items.Take(LongestList).Select((value, i) => (Key: FormattableString.Invariant($"{i}"), Value: value));
            foreach (var (key, value) in children)
            {
                if (++entries > MostEntries || queue.Count > MostNests)
                {
                    throw new SpectralKDException("its pickle holds too many dictionaries to look through; save only the state_dict (torch.save(model.state_dict(), …))");
                }

                if (value is PickleTensor && next.Value is PickleDict state)
                {
                    found.TryAdd(next.Path, state);
                }
                else if (next.Depth < DeepestNest && value is PickleDict or PickleItems)
                {
                    queue.Enqueue((next.Path.Length == 0 ? Short(key) : $"{next.Path}.{Short(key)}", value, next.Depth + 1));
                }
            }
        }

        return found;
    }

    private static IEnumerable<KeyValuePair<string, object?>> Tensors(PickleDict state) => state.Entries.Where(pair => pair.Value is PickleTensor);

    private static SpectralKDException Nothing(object? root) => root switch
    {
        PickleGlobal global => TorchGlobals.Refuse(global.Name),
        PickleDict { IsObject: true } whole => TorchGlobals.Refuse(whole.ClassName),
        PickleDict file => new($"it holds no state_dict (under 'model', 'state_dict' or at the top); it has: {Holds(root)}"
            + (file.Entries.Values.Any(value => value is PickleOther { What: TorchGlobals.NumpyArray }) ? "; save tensors instead of numpy arrays (torch.from_numpy(x))" : "")),
        _ => new("it holds no dictionary of tensors; save model.state_dict() instead of single values or lists"),
    };

    private static string Holds(object? root)
    {
        const int shown = 10;
        if (root is not PickleDict { Entries.Count: > 0 } file)
        {
            return "nothing";
        }

        var names = file.Entries.Take(shown).Select(pair => Short(pair.Key) + (What(pair.Value) is { } what ? $" ({what})" : ""));
        return string.Join(", ", names) + (file.Entries.Count > shown ? ", …" : "");
    }

    private static string Short(string key) => key.Length > 60 ? key[..60] + "…" : key;
}

/// <summary>
/// Translates the keys of checkpoints as people have them into timm 1.0.11's, as each family's
/// <c>checkpoint_filter_fn</c> does: Swin's, PVT v2's and Hiera's original layouts, DeiT III's layer scale names, buffers that models compute.
/// </summary>
internal sealed partial class CheckpointKeys
{
    private readonly IReadOnlyCollection<string> _modelKeys;
    private readonly bool _originalSwin; // patches are merged at the end of a stage there, at the beginning in timm
    private readonly bool _plainHead;
    private readonly bool _originalPvt;
    private readonly bool _hiera;
    private readonly bool _layerScaleModules;

    /// <summary>Looks at both sides' keys to see which dialect the file speaks.</summary>
    public CheckpointKeys(IReadOnlyCollection<string> modelKeys, IReadOnlyCollection<string> fileKeys)
    {
        _modelKeys = modelKeys;
        _hiera = modelKeys.Contains("head.norm.weight");
        _originalSwin = Has(modelKeys, "layers.1.downsample.") && !Has(modelKeys, "layers.0.downsample.") && Has(fileKeys, "layers.0.downsample.");
        _plainHead = !_hiera && modelKeys.Contains("head.fc.weight") && !fileKeys.Contains("head.fc.weight");
        _originalPvt = modelKeys.Contains("stages.0.norm.weight") && !fileKeys.Contains("patch_embed.proj.weight");
        _layerScaleModules = modelKeys.Any(key => key.EndsWith(".ls1.gamma", StringComparison.Ordinal));

        static bool Has(IEnumerable<string> keys, string start) => keys.Any(key => key.StartsWith(start, StringComparison.Ordinal));
    }

    /// <summary>timm's name for a key of the file, or null for what no model needs: buffers that it computes itself, a removed layer.</summary>
    public string? Translate(string key)
    {
        if (!_modelKeys.Contains(key) && IsOfNoUse(key))
        {
            return null;
        }

        key = _originalSwin ? DownsampleKey().Replace(key, match => $"layers.{NextStage(match)}.downsample") : key;
        key = _plainHead && key.StartsWith("head.", StringComparison.Ordinal) ? "head.fc." + key["head.".Length..] : key;
        key = _originalPvt ? PvtKey(key) : _hiera ? HieraKey(key) : key;

        return _layerScaleModules ? GammaKey().Replace(key, ".ls$1.gamma") : key;
    }

    // patch_embed1, block1.0, norm1 are the first stage's, of which timm keeps the patches outside; dwconv is a module of its own there.
    private static string PvtKey(string key) => PvtStage().Replace(key.Replace("dwconv.dwconv", "dwconv", StringComparison.Ordinal), match =>
    {
        var stage = int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture) - 1;
        return match.Groups[1].Value switch
        {
            "patch_embed" => stage == 0 ? "patch_embed." : FormattableString.Invariant($"stages.{stage}.downsample."),
            "block" => FormattableString.Invariant($"stages.{stage}.blocks."),
            _ => FormattableString.Invariant($"stages.{stage}.norm."),
        };
    });

    private static string HieraKey(string key) => key switch
    {
        "pos_embed_abs" => "pos_embed",
        _ when key.StartsWith("head.projection.", StringComparison.Ordinal) => "head.fc." + key["head.projection.".Length..],
        _ when key.StartsWith("encoder_norm.", StringComparison.Ordinal) => "head.norm." + key["encoder_norm.".Length..],
        _ when key.StartsWith("norm.", StringComparison.Ordinal) => "head." + key,
        _ => key,
    };

    private static string NextStage(Match match) =>
        (int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);

    /// <summary>True for buffers that every model works out itself, so that nothing is lost without them.</summary>
    public static bool IsComputed(string key) =>
        key.EndsWith("relative_position_index", StringComparison.Ordinal) || key.EndsWith("attn_mask", StringComparison.Ordinal)
        || key.EndsWith("relative_coords_table", StringComparison.Ordinal) || key.EndsWith(".attn.biases", StringComparison.Ordinal);

    // A layer that timm took out; what counters (thop) and BatchNorm leave in a state_dict.
    private static bool IsOfNoUse(string key) => IsComputed(key) || key.StartsWith("pre_logits.", StringComparison.Ordinal)
        || LastName(key) is "total_ops" or "total_params" or "num_batches_tracked";

    private static string LastName(string key) => key[(key.LastIndexOf('.') + 1)..];

    [GeneratedRegex(@"^layers\.([0-9]{1,4})\.downsample")]
    private static partial Regex DownsampleKey();

    [GeneratedRegex(@"^(patch_embed|block|norm)([1-4])\.")]
    private static partial Regex PvtStage();

    [GeneratedRegex(@"\.gamma_([12])$")]
    private static partial Regex GammaKey();
}

/// <summary>
/// How the checkpoints that people have become a model's tensors: wrapper prefixes go (timm's <c>clean_state_dict</c>), keys are
/// translated (<see cref="CheckpointKeys"/>), the family fits shapes to its image size, the head may differ in its classes.
/// </summary>
internal sealed class CheckpointRules
{
    private static readonly string[] WrapperPrefixes = ["module.", "_orig_mod."];
    private static readonly string[] Heads = ["head", "head.fc", "head_dist", Lift.BasePrefix + "head"];

    /// <summary>A model's key and a stored tensor to the fitted tensor, or to the same one.</summary>
    public Func<string, Tensor, Tensor> Fit { get; init; } = (_, value) => value;

    /// <summary>What is the matter with a file that does not fit, in one line; null where the list of differences says as much.</summary>
    public Func<IReadOnlyDictionary<string, IReadOnlyList<long>>, CheckpointMisfit?> Explain { get; init; } = _ => null;

    /// <summary>The rules of a model's family.</summary>
    public static CheckpointRules Of(VisionModel model) => new() { Fit = model.FitCheckpointTensor, Explain = model.ExplainMisfit };

    /// <summary>A key without what DataParallel and torch.compile put before it.</summary>
    public static string WithoutWrapper(string key)
    {
        while (WrapperPrefixes.FirstOrDefault(prefix => key.StartsWith(prefix, StringComparison.Ordinal)) is { } prefix)
        {
            key = key[prefix.Length..];
        }

        return key;
    }

    /// <summary>True for the weight or bias of a classifier: <c>head</c>, Swin's <c>head.fc</c>, DeiT's <c>head_dist</c>, the unused one of what Lift lifts.</summary>
    public static bool IsHead(string key) => Heads.Any(head => key == head + ".weight" || key == head + ".bias");

    /// <summary>True if two shapes of a classifier's tensor differ in the first size, the number of classes, and in nothing else.</summary>
    public static bool DifferInClassesOnly(string key, IReadOnlyList<long> stored, IReadOnlyList<long> wanted) =>
        IsHead(key) && stored.Count == wanted.Count && stored.Skip(1).SequenceEqual(wanted.Skip(1));
}
