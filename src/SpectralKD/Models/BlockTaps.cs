using TorchSharp;

namespace SpectralKD.Models;

/// <summary>
/// Where in a block a feature map is taken. A pre-norm block computes <c>mid = x + attn(norm(x))</c>, then <c>resid = mid + mlp(norm(mid))</c>: so
/// <c>resid</c> is the block before's <c>resid</c> plus <c>attn</c> plus <c>mlp</c>, in evaluation mode.
/// </summary>
public enum MapPoint
{
    /// <summary>The residual stream after the block: timm's <c>forward_intermediates</c>, the paper's feature maps.</summary>
    Resid,

    /// <summary>What the attention branch adds to the stream, layer scale included.</summary>
    Attn,

    /// <summary>What the MLP branch adds to the stream, layer scale included.</summary>
    Mlp,

    /// <summary>The residual stream between both branches.</summary>
    Mid,
}

/// <summary>Checks what is asked of a block before a model runs.</summary>
internal static class MapPoints
{
    /// <summary>The word for a point, as <c>--at</c> takes it.</summary>
    public static string Word(MapPoint at) => at.ToString().ToLowerInvariant();

    /// <summary>Fails where a model's blocks do not give maps at a point.</summary>
    /// <exception cref="SpectralKDException">They do not; the message says which they give.</exception>
    public static void Require(VisionModel model, MapPoint at)
    {
        if (!model.MapPoints.Contains(at))
        {
            throw new SpectralKDException(
                $"{model.Spec.Name} ({model.Spec.Family}) gives maps at {string.Join(", ", model.MapPoints.Select(Word))}, not at {Word(at)}: take one of those, or another model");
        }
    }

    /// <summary>The attention maps that are asked for.</summary>
    /// <exception cref="SpectralKDException">The model has none of that name.</exception>
    public static IReadOnlyCollection<string> Attention(VisionModel model, IReadOnlyList<string>? names)
    {
        if (model.AttentionNames.Count == 0)
        {
            throw new SpectralKDException($"{model.Spec.Name} ({model.Spec.Family}) attends in windows or in ways of its own, so it has no attention maps [B, heads, N, N]");
        }

        foreach (var name in names ?? [])
        {
            if (!model.AttentionNames.Contains(name))
            {
                throw new SpectralKDException(
                    $"{model.Spec.Name} has no attention map '{name}'{NearestName.Suggestion(name, model.AttentionNames)}: it has {model.AttentionNames[0]} to {model.AttentionNames[^1]}");
            }
        }

        return (names ?? model.AttentionNames).ToHashSet(StringComparer.Ordinal);
    }
}

/// <summary>
/// What a block hands over on its way, where somebody asked for it: a block without a tap does nothing more than it must. What is handed over may be written
/// over afterwards, so that a map is copied at once.
/// </summary>
internal sealed class BlockTap(KeptMaps kept, int block, string? attention, DisposeScope scope, Func<Tensor, Tensor> toMap, Func<Tensor, Tensor>? inRows = null)
{
    /// <summary>True where the block's attention map was asked for, which no fused kernel gives.</summary>
    public bool WantsAttention => attention is not null;

    /// <summary>Takes a branch, or the stream.</summary>
    public void Offer(MapPoint at, Tensor values)
    {
        if (at == kept.At && kept.Wants(block))
        {
            kept.Keep(block, Outside(toMap(at is MapPoint.Attn or MapPoint.Mlp ? values.clone() : values)));
        }
    }

    /// <summary>Takes what multiplies the values, <c>[B, heads, N, M]</c>.</summary>
    public void OfferAttention(Tensor weights) => kept.KeepAttention(attention!, Outside(inRows is null ? weights : inRows(weights)));

    /// <summary>Works out softmax(q k^T / sqrt(d) + bias) where it was asked for.</summary>
    /// <param name="queries">float <c>[B, heads, N, d]</c>.</param>
    /// <param name="keys">float <c>[B, heads, M, d]</c>.</param>
    /// <param name="bias">float <c>[heads, N, M]</c>, or null.</param>
    public void OfferAttention(Tensor queries, Tensor keys, Tensor? bias = null)
    {
        if (WantsAttention)
        {
            using var products = NewDisposeScope();
            var logits = matmul(queries.Times(Math.Pow(queries.shape[3], -0.5)), keys.transpose(-2, -1)); // (B, nh, N, M)
            OfferAttention((bias is null ? logits : logits.Plus(bias)).softmax(-1));
        }
    }

    // The block's own scopes end before the pass does.
    private Tensor Outside(Tensor values)
    {
        scope.Attach(values.DetachFromDisposeScope());
        return values;
    }
}

/// <summary>What the blocks of a stage hand over; nothing where nobody asked.</summary>
internal readonly record struct StageTaps(IReadOnlyList<BlockTap?>? Blocks)
{
    /// <summary>Of the last block, which stands for the stage.</summary>
    public BlockTap? Last => Blocks?[^1];

    /// <summary>Of one block.</summary>
    public BlockTap? Of(int block) => Blocks?[block];
}

/// <summary>Collects the feature maps that were asked for during one forward pass.</summary>
public sealed class KeptMaps
{
    private readonly IReadOnlyCollection<int> _wanted;
    private readonly IReadOnlyCollection<string> _attention = [];
    private readonly DisposeScope? _scope;
    private readonly List<FeatureMap> _maps = [];
    private readonly Dictionary<string, Tensor> _attentionMaps = [];

    internal KeptMaps(IReadOnlyCollection<int> wanted) => _wanted = wanted;

    internal KeptMaps(IReadOnlyCollection<int> wanted, MapPoint at, IReadOnlyCollection<string> attention, DisposeScope scope) =>
        (_wanted, At, _attention, _scope) = (wanted, at, attention, scope);

    /// <summary>The point of the blocks that is asked for.</summary>
    public MapPoint At { get; }

    /// <summary>The attention maps kept so far.</summary>
    internal IReadOnlyDictionary<string, Tensor> Attention => _attentionMaps;

    /// <summary>For passes that only want logits.</summary>
    internal static KeptMaps None { get; } = new([]);

    /// <summary>The maps kept so far, in the order of the blocks.</summary>
    public IReadOnlyList<FeatureMap> Maps => _maps;

    /// <summary>What a block hands its values to on the way; null where nothing of it was asked for.</summary>
    /// <param name="block">0-based index.</param>
    /// <param name="module">The name of the block whose <c>.attn</c> may be asked for.</param>
    /// <param name="toMap">The block's values as a map <c>[B, C, H, W]</c> of their own memory.</param>
    /// <param name="inRows">An attention map whose tokens stand row by row; null where they do already.</param>
    internal BlockTap? TapOf(int block, string module, Func<Tensor, Tensor> toMap, Func<Tensor, Tensor>? inRows = null)
    {
        var attention = _attention.Count > 0 && $"{module}.attn" is var name && _attention.Contains(name) ? name : null;
        return _scope is not null && (attention is not null || Wants(block)) ? new BlockTap(this, block, attention, _scope, toMap, inRows) : null;
    }

    /// <summary>What the blocks of a stage hand their values to; the stage's map is the last one's.</summary>
    /// <param name="stage">0-based index.</param>
    /// <param name="blocks">The name of the list that holds them.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="toMap">As for <see cref="TapOf"/>.</param>
    internal StageTaps TapsOf(int stage, string blocks, int count, Func<Tensor, Tensor> toMap) => _scope is null ? default
        : new StageTaps([.. Enumerable.Range(0, count).Select(i => TapOf(i == count - 1 ? stage : NoBlock, $"{blocks}.{i}", toMap))]);

    /// <summary>Stands for a block that has no feature map of its own.</summary>
    internal const int NoBlock = -1;

    internal void KeepAttention(string name, Tensor weights) => _attentionMaps.Add(name, weights);

    /// <summary>True if a block's map was asked for.</summary>
    /// <param name="block">0-based index.</param>
    public bool Wants(int block) => _wanted.Contains(block);

    /// <summary>Takes a block's map.</summary>
    /// <param name="block">0-based index; ascending from call to call.</param>
    /// <param name="map">float <c>[B, C, H, W]</c>, patch tokens only.</param>
    public void Keep(int block, Tensor map) => _maps.Add(new FeatureMap(block, map));
}

/// <summary>A block, or a stage of blocks, that hands its values over on the way.</summary>
internal interface ITappedBlock
{
    /// <summary>The block, with somebody who may take its values on the way.</summary>
    Tensor Run(Tensor input, BlockTap? tap);
}

/// <summary>Blocks one after another.</summary>
internal static class TappedBlocks
{
    /// <summary>All blocks in turn. What a block gets is freed as soon as it has given its own, the first one's input too.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <param name="input">What the first block gets.</param>
    /// <param name="tapOf">To whom a block of a number hands its values.</param>
    public static Tensor Run<T>(this TorchSharp.Modules.ModuleList<T> blocks, Tensor input, Func<int, BlockTap?> tapOf)
        where T : nn.Module, ITappedBlock
    {
        for (var i = 0; i < blocks.Count; i++)
        {
            var before = input;
            input = blocks[i].Run(before, tapOf(i));
            before.Dispose();
        }

        return input;
    }
}
