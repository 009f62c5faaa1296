using System.Text.RegularExpressions;

namespace SpectralKD.Weights;

/// <summary>
/// Weights in the layout of another library with timm's keys: Hugging Face transformers' ViT, DeiT, DINOv2 (with registers too) and Swin, and DINOv2's own files with
/// registers. Queries, keys and values that lie apart are joined; a class token's position is added to the token where timm's model has none.
/// </summary>
/// <remarks>Sources: transformers' <c>modeling_vit.py</c>, <c>modeling_deit.py</c>, <c>modeling_dinov2.py</c>, <c>modeling_swin.py</c>; timm's <c>checkpoint_filter_fn</c>.</remarks>
internal sealed partial class ForeignLayout : ITensorSource
{
    private const string Anchor = "embeddings.patch_embeddings.projection.weight";
    private static readonly string[] Projections = ["query", "key", "value"];

    // What transformers calls a part of a block, and what timm does.
    private static readonly (string Theirs, string Timm)[] Parts =
    [
        ("attention.output.dense", "attn.proj"), ("intermediate.dense", "mlp.fc1"), ("output.dense", "mlp.fc2"),
        ("layernorm_before", "norm1"), ("layernorm_after", "norm2"), ("norm1", "norm1"), ("norm2", "norm2"),
        ("mlp.fc1", "mlp.fc1"), ("mlp.fc2", "mlp.fc2"), ("mlp.weights_in", "mlp.fc1"), ("mlp.weights_out", "mlp.fc2"),
        ("attention.self.relative_position_bias_table", "attn.relative_position_bias_table"), ("attention.self.relative_position_index", "attn.relative_position_index"),
        ("layer_scale1.lambda1", "ls1.gamma"), ("layer_scale2.lambda1", "ls2.gamma"),
    ];

    private static readonly (string Theirs, string Timm)[] Others =
    [
        ("embeddings.cls_token", "cls_token"), ("embeddings.distillation_token", "dist_token"), ("embeddings.register_tokens", "reg_token"),
        ("embeddings.position_embeddings", "pos_embed"), ("embeddings.patch_embeddings.projection", "patch_embed.proj"), ("embeddings.norm", "patch_embed.norm"),
        ("layernorm", "norm"),
    ];

    private static readonly (string Theirs, string Timm)[] Heads = [("classifier", "head"), ("cls_classifier", "head"), ("distillation_classifier", "head_dist")];

    private readonly ITensorSource _file;
    private readonly Dictionary<string, Made> _made;

    private ForeignLayout(ITensorSource file, Dictionary<string, Made> made, IEnumerable<string> notes)
    {
        (_file, _made) = (file, made);
        Tensors = made.ToDictionary(entry => entry.Key, entry => new TensorInfo(entry.Key, file.Tensors[entry.Value.Keys[0]].Type, entry.Value.Shape), StringComparer.Ordinal);
        Notes = [.. file.Notes, .. notes];
    }

    /// <inheritdoc/>
    public string Name => _file.Name;

    /// <inheritdoc/>
    public string? FilePath => _file.FilePath;

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => _file.Files;

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> PassedOver => _file.PassedOver;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>A source with timm's keys; the source itself where it has them already.</summary>
    /// <exception cref="SpectralKDException">The layout is known, but parts of it are missing or do not fit together; the source is disposed of.</exception>
    public static ITensorSource Of(ITensorSource file)
    {
        try
        {
            var anchor = file.Tensors.Keys.Where(key => key.EndsWith(Anchor, StringComparison.Ordinal)).MinBy(key => key.Length);
            return anchor is not null ? OfTransformers(file, anchor[..^Anchor.Length])
                : file.Tensors.ContainsKey("register_tokens") ? OfDinoV2(file)
                : file;
        }
        catch (SpectralKDException error)
        {
            file.Dispose();
            throw new SpectralKDException($"cannot take weights from '{file.FilePath ?? file.Name}': {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public Tensor Read(string key)
    {
        if (!_made.TryGetValue(key, out var made))
        {
            throw TensorCopy.Absent(this, key);
        }

        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var parts = made.Keys.Select(_file.Read).ToArray();
        var value = made.How switch
        {
            Join.Rows => cat(parts, 0),
            Join.AddFirstPosition => parts[0].Plus(parts[1].narrow(1, 0, 1)),
            Join.WithoutFirstPosition => parts[0].narrow(1, 1, parts[0].shape[1] - 1).clone(),
            _ => parts[0],
        };
        return value.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void ReadInto(string key, Tensor destination)
    {
        if (_made.TryGetValue(key, out var made) && made.How == Join.None)
        {
            _file.ReadInto(made.Keys[0], destination);
            return;
        }

        TensorCopy.Into(this, key, destination);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static ForeignLayout OfTransformers(ITensorSource file, string prefix)
    {
        var names = new Dictionary<string, Made>(StringComparer.Ordinal);
        var unused = new List<string>();
        var twoTokenHead = prefix.Contains("dinov2", StringComparison.Ordinal);
        foreach (var key in file.Tensors.Keys)
        {
            var name = key.StartsWith(prefix, StringComparison.Ordinal) ? Renamed(key[prefix.Length..]) : null;
            name ??= twoTokenHead ? null : Replaced(key, Heads) ?? (prefix.Contains('.', StringComparison.Ordinal) ? Replaced(key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..], Heads) : null);
            if (name is null)
            {
                unused.Add(key);
            }
            else if (!ProjectionKey().IsMatch(name))
            {
                names[name] = Made.From(file, key);
            }
        }

        foreach (var query in file.Tensors.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal) && QueryKey().IsMatch(key)))
        {
            var keys = Projections.Select(part => QueryKey().Replace(query, match => $".{part}.{match.Groups[1].Value}")).ToArray();
            names[Renamed(query[prefix.Length..])!.Replace(".query.", ".qkv.", StringComparison.Ordinal)] = Made.Rows(file, keys);
        }

        AddClassPosition(file, names);
        IEnumerable<string> told = unused.Where(key => !key.EndsWith("mask_token", StringComparison.Ordinal)).ToList() is { Count: > 0 } rest ? [CheckpointChoice.OtherParts(rest)] : [];
        return new ForeignLayout(file, names, told.Prepend("keys in Hugging Face transformers' layout, read as timm's"));
    }

    private static ForeignLayout OfDinoV2(ITensorSource file)
    {
        var names = file.Tensors.Keys.Where(key => key is not ("mask_token" or "register_tokens")).ToDictionary(key => key, key => Made.From(file, key), StringComparer.Ordinal);
        names["reg_token"] = Made.From(file, "register_tokens");
        AddClassPosition(file, names);
        return new ForeignLayout(file, names, ["DINOv2's own layout, read as timm's"]);
    }

    // timm's models with registers give the class token no position of its own.
    private static void AddClassPosition(ITensorSource file, Dictionary<string, Made> names)
    {
        if (names.ContainsKey("reg_token") && names.TryGetValue("cls_token", out var token) && names.TryGetValue("pos_embed", out var positions))
        {
            if (positions.Shape is not [1, > 1, var width] || token.Shape is not [1, 1, var dim] || width != dim)
            {
                throw new SpectralKDException($"its class token {TensorInfo.Text(token.Shape)} and positions {TensorInfo.Text(positions.Shape)} do not fit together");
            }

            names["cls_token"] = new Made([token.Keys[0], positions.Keys[0]], Join.AddFirstPosition, token.Shape);
            names["pos_embed"] = new Made(positions.Keys, Join.WithoutFirstPosition, [1, positions.Shape[1] - 1, width]);
        }
    }

    /// <summary>timm's name (queries keep theirs); null for what timm's models do not have.</summary>
    private static string? Renamed(string key)
    {
        if (BlockKey().Match(key) is { Success: true } block)
        {
            var place = block.Groups["stage"].Success ? $"layers.{block.Groups["stage"].Value}.blocks.{block.Groups["block"].Value}" : $"blocks.{block.Groups["block"].Value}";
            var rest = block.Groups["rest"].Value;
            var part = AttentionKey().Match(rest) is { Success: true } attention ? $"attn.{attention.Groups[1].Value}" : Replaced(rest, Parts) ?? rest;
            return $"{place}.{part}";
        }

        return DownsampleKey().Match(key) is { Success: true } merging ? $"layers.{merging.Groups[1].Value}" : Replaced(key, Others);
    }

    private static string? Replaced(string key, (string Theirs, string Timm)[] table) => table
        .Where(row => key == row.Theirs || key.StartsWith(row.Theirs + ".", StringComparison.Ordinal)).Select(row => row.Timm + key[row.Theirs.Length..]).FirstOrDefault();

    [GeneratedRegex(@"^encoder\.(?:layers\.(?<stage>[0-9]{1,4})\.blocks|layer)\.(?<block>[0-9]{1,4})\.(?<rest>.+)$")]
    private static partial Regex BlockKey();

    [GeneratedRegex(@"^attention\.(?:attention|self)\.((?:query|key|value)\.(?:weight|bias))$")]
    private static partial Regex AttentionKey();

    [GeneratedRegex(@"\.attn\.(?:query|key|value)\.")]
    private static partial Regex ProjectionKey();

    [GeneratedRegex(@"\.query\.(weight|bias)$")]
    private static partial Regex QueryKey();

    [GeneratedRegex(@"^encoder\.layers\.([0-9]{1,4}\.downsample\..+)$")]
    private static partial Regex DownsampleKey();

    private enum Join
    {
        None,
        Rows,
        AddFirstPosition,
        WithoutFirstPosition,
    }

    /// <summary>Of which tensors of the file one of timm's is made, and how.</summary>
    private sealed record Made(IReadOnlyList<string> Keys, Join How, IReadOnlyList<long> Shape)
    {
        public static Made From(ITensorSource file, string key) => new([key], Join.None, file.Tensors[key].Shape);

        public static Made Rows(ITensorSource file, string[] keys)
        {
            var infos = keys.Select(key => file.Tensors.TryGetValue(key, out var info) ? info : throw new SpectralKDException($"it has '{keys[0]}' but no '{key}'")).ToList();
            return infos.All(info => info.Type == infos[0].Type && info.Shape.Count > 0 && info.Shape.Skip(1).SequenceEqual(infos[0].Shape.Skip(1)))
                ? new Made(keys, Join.Rows, [infos.Sum(info => info.Shape[0]), .. infos[0].Shape.Skip(1)])
                : throw new SpectralKDException($"'{keys[0]}', key and value differ in type or width: {string.Join(", ", infos.Select(info => info.ShapeText))}");
        }
    }
}
