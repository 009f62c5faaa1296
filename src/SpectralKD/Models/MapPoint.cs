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
