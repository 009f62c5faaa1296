namespace SpectralKD.Weights;

/// <summary>
/// One set of weights among those that a file may hold: the dictionary in which it lies (<c>model</c>, <c>state_dict_ema</c>; empty for the file itself)
/// and what stands before its keys (<c>backbone.</c>). Found by what fits: the key of the patch embedding, which every model of this library has.
/// </summary>
/// <param name="Nest">Path of the dictionary.</param>
/// <param name="Prefix">What stands before timm's keys.</param>
/// <param name="Fits">True if width, patch size and depth are the model's, as far as that is known.</param>
internal sealed record CheckpointPart(string Nest, string Prefix, bool Fits)
{
    /// <summary>The keys by which a set of weights is recognised where the model is not known: those of the families' first parameters.</summary>
    private static readonly string[] Anchors = ["patch_embed.proj.weight", "patch_embeds.0.proj.weight", "patch_embed.projs.0.weight"];

    private const int MostParts = 100;

    // timm's load_state_dict takes the averaged weights first; DINO is evaluated by its teacher.
    private static readonly string[] Order =
        ["state_dict_ema", "model_ema", "state_dict", "model", "model_state_dict", "", "module", "backbone", "teacher", "student"];

    /// <summary>True for the average over the training: a name with the word <c>ema</c>.</summary>
    public bool IsAveraged => Names.Any(name => name.Split('_').Contains("ema"));

    /// <summary>How the part is called after <c>#</c>: the dictionary's name, else the prefix without its dot.</summary>
    public string Name => Nest.Length > 0 ? Nest : Prefix.TrimEnd('.');

    /// <summary>The part in words: <c>'state_dict', keys without 'backbone.'</c>.</summary>
    public string Words => (Nest.Length > 0 ? $"'{Short(Nest)}'" : Prefix.Length > 0 ? "" : "the file's top")
        + (Prefix.Length > 0 ? $"{(Nest.Length > 0 ? ", " : "")}keys without '{Short(Prefix)}'" : "");

    /// <summary>The part to which a key belongs: the one with the longest prefix that it has. Null for a key of none.</summary>
    /// <param name="key">A key of the dictionary.</param>
    /// <param name="parts">The parts of that dictionary.</param>
    public static CheckpointPart? OwnerOf(string key, IReadOnlyList<CheckpointPart> parts) =>
        parts.Where(part => key.StartsWith(part.Prefix, StringComparison.Ordinal)).MaxBy(part => part.Prefix.Length);

    private IEnumerable<string> Names => (Nest + "." + Prefix).Split('.', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The sets of weights among the keys of one dictionary.</summary>
    public static IEnumerable<CheckpointPart> In(
        string nest, IEnumerable<string> keys, Func<string, IReadOnlyList<long>> shapeOf, ModelSpec? spec)
    {
        var all = keys.ToHashSet(StringComparer.Ordinal);
        var first = spec?.FirstParameter;
        string[] anchors = first is null ? Anchors : [first.Value.Key];
        foreach (var (i, (anchor, end)) in all.Select(key => (Key: key, End: anchors.FirstOrDefault(end => IsAnchor(key, end)))).Where(found => found.End is not null).Select((found, i) => (i, found)))
        {
            if (i == MostParts)
            {
                throw new SpectralKDException($"it holds more than {MostParts} sets of weights; save the one that is meant");
            }

            var prefix = anchor[..^end!.Length];
            yield return new CheckpointPart(
                nest, CheckpointRules.WithoutWrapper(prefix).Length == 0 ? "" : prefix,
                (first is null || shapeOf(anchor).SequenceEqual(first.Value.Shape)) && DepthFits(all, prefix, spec));
        }
    }

    /// <summary>Takes what was asked for, else as timm does: what fits the model, of that the average, of that the best known name.</summary>
    /// <param name="parts">All that the file has.</param>
    /// <param name="wanted"><c>ema</c>, <c>plain</c>, a part's name, or null.</param>
    /// <param name="holds">What the file holds, for the message.</param>
    /// <exception cref="SpectralKDException">The file has no such part.</exception>
    public static CheckpointPart Choose(IReadOnlyList<CheckpointPart> parts, string? wanted, string holds) =>
        Best(parts, wanted) ?? throw Absent(parts, wanted!, holds);

    private static CheckpointPart? Best(IReadOnlyList<CheckpointPart> parts, string? wanted)
    {
        var asked = parts.Where(part => wanted switch
        {
            null => true,
            "ema" => part.IsAveraged,
            "plain" => !part.IsAveraged,
            _ => part.Name == wanted || part.Prefix.TrimEnd('.') == wanted,
        });
        return asked.OrderByDescending(part => part.Fits).ThenByDescending(part => part.IsAveraged).ThenBy(part => part.Rank)
            .ThenBy(part => part.Prefix.Length).FirstOrDefault();
    }

    /// <summary>The error for a part that a file lacks.</summary>
    public static SpectralKDException Absent(IReadOnlyList<CheckpointPart> parts, string wanted, string holds) => new(wanted switch
    {
        "ema" => $"it holds no averaged weights (model_ema or state_dict_ema); it has: {holds}",
        "plain" => $"it holds averaged weights only ({parts[0].Words}); take them by '#ema'; it has: {holds}",
        _ => $"it holds no part '{Short(wanted)}'; it has: {holds}",
    });

    /// <summary>What the user is told of the choice: nothing where there was none.</summary>
    public IEnumerable<string> Notes(IReadOnlyList<CheckpointPart> parts)
    {
        var others = parts.Where(part => part != this).Select(part => part.Nest.Length + part.Prefix.Length == 0 ? "plain keys" : part.Words).Distinct(StringComparer.Ordinal).ToList();
        if (Nest.Length + Prefix.Length + others.Count == 0)
        {
            yield break;
        }

        var other = parts.FirstOrDefault(part => part != this && part.IsAveraged != IsAveraged) ?? parts.FirstOrDefault(part => part != this);
        yield return $"weights taken from {Words}{(IsAveraged ? " (averaged)" : "")}"
            + (other is null ? "" : $"; the file has {string.Join(" and ", others.Take(3))} too{Advice(other, parts)}");
    }

    // Only words that do choose it.
    private string Advice(CheckpointPart other, IReadOnlyList<CheckpointPart> parts)
    {
        var average = other.IsAveraged ? "ema" : "plain";
        string[] words = other.IsAveraged != IsAveraged ? [average, other.Name, other.Prefix.TrimEnd('.')] : [other.Name, other.Prefix.TrimEnd('.'), average];
        return words.FirstOrDefault(word => word.Length > 0 && Best(parts, word) == other) is { } word
            ? $": write #{Short(word)} after its path for that" : ": save that alone to use it";
    }

    private int Rank => Array.IndexOf(Order, Name) is >= 0 and var rank ? rank : Order.Length;

    private static bool IsAnchor(string key, string end) =>
        key.EndsWith(end, StringComparison.Ordinal) && (key.Length == end.Length || key[^(end.Length + 1)] == '.');

    /// <summary>True if the last block is there and no further one.</summary>
    private static bool DepthFits(HashSet<string> keys, string prefix, ModelSpec? spec)
    {
        if (spec is null)
        {
            return true;
        }

        var blocks = spec.ListBlocks();
        var (last, beyond) = ($"{prefix}{blocks[^1].Name}.", $"{prefix}{blocks[^1].Name[..^(blocks.Count - 1).ToString().Length]}{blocks.Count}.");
        return keys.Any(key => key.StartsWith(last, StringComparison.Ordinal)) && !keys.Any(key => key.StartsWith(beyond, StringComparison.Ordinal));
    }

    private static string Short(string name) => name.Length > 60 ? name[..60] + "…" : name;
}

/// <summary>A set of weights inside a file without dictionaries (safetensors, TorchSharp's): the tensors whose keys begin alike, without that beginning.</summary>
internal sealed class SourcePart : ITensorSource
{
    private readonly ITensorSource _whole;
    private readonly string _prefix;

    private SourcePart(ITensorSource whole, CheckpointPart part, IReadOnlyList<CheckpointPart> parts)
    {
        _whole = whole;
        _prefix = part.Prefix;
        Tensors = whole.Tensors.Where(pair => CheckpointPart.OwnerOf(pair.Key, parts)?.Prefix == _prefix)
            .ToDictionary(pair => pair.Key[_prefix.Length..], pair => pair.Value with { Key = pair.Key[_prefix.Length..] }, StringComparer.Ordinal);
        var others = whole.Tensors.Keys.Where(key => CheckpointPart.OwnerOf(key, parts) is null).ToList();
        Notes = [.. whole.Notes, .. part.Notes(parts), .. others.Count == 0 ? Array.Empty<string>() : [CheckpointChoice.OtherParts(others)]];
    }

    /// <inheritdoc/>
    public string Name => _whole.Name;

    /// <inheritdoc/>
    public string? FilePath => _whole.FilePath;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => _whole.Files;

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>The chosen part of a source: the source itself where its keys are plain and there is nothing to choose.</summary>
    /// <exception cref="SpectralKDException">The source has no such part; it is disposed of.</exception>
    public static ITensorSource Choose(ITensorSource whole, string? wanted, ModelSpec? spec)
    {
        try
        {
            var parts = CheckpointPart.In("", [.. whole.Tensors.Keys], key => whole.Tensors[key].Shape, spec).Distinct().ToList();
            if (parts.Count == 0)
            {
                return wanted is null or "plain" ? whole : throw CheckpointPart.Absent(parts, wanted, Holds(whole));
            }

            var part = CheckpointPart.Choose(parts, wanted, Holds(whole));
            return part.Prefix.Length == 0 && parts.Count == 1 ? whole : new SourcePart(whole, part, parts);
        }
        catch (SpectralKDException error)
        {
            whole.Dispose();
            throw new SpectralKDException($"cannot take weights from '{whole.FilePath ?? whole.Name}': {error.Message}", error);
        }
        catch
        {
            whole.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Tensor Read(string key) => _whole.Read(_prefix + key);

    /// <inheritdoc/>
    public void ReadInto(string key, Tensor destination) => _whole.ReadInto(_prefix + key, destination);

    /// <inheritdoc/>
    public void Dispose() => _whole.Dispose();

    private static string Holds(ITensorSource source) =>
        source.Tensors.Count == 0 ? "nothing" : string.Join(", ", source.Tensors.Keys.Take(3)) + (source.Tensors.Count > 3 ? $" and {source.Tensors.Count - 3} more tensors" : "");
}
