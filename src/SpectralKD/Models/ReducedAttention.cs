using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>How a block of a pyramid makes fewer keys than it has queries.</summary>
/// <param name="Step">Side of the square of patches that a convolution turns into one key; 1 keeps them all. What does not fill a square makes none.</param>
/// <param name="Pooled">True averages the map to 7x7 whatever its size, and passes it through GELU (PVT v2's linear attention); the step has no effect then.</param>
internal sealed record KeyReduction(int Step, bool Pooled = false)
{
    public const int PooledSide = 7;

    public bool Reduces => Pooled || Step > 1;

    public long Keys(long rows, long columns) => Pooled ? PooledSide * PooledSide : rows / Step * (columns / Step);
}

/// <summary>
/// Attention of all patches to a reduced map, as PVT v2 and Twins have it: <c>[B, H, W, C]</c> to the same shape.
/// </summary>
internal sealed class ReducedAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;
    private readonly bool _pooled;

    [ComponentName(Name = "q")]
    private readonly Linear _query;

    [ComponentName(Name = "kv")]
    private readonly Linear _keysAndValues;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    [ComponentName(Name = "sr")]
    private readonly Convolution? _reduction;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm? _norm;

    public ReducedAttention(int dim, int heads, KeyReduction reduction)
        : base(nameof(ReducedAttention))
    {
        (_heads, _pooled) = (heads, reduction.Pooled);
        _query = new Linear(dim, dim);
        _keysAndValues = new Linear(dim, 2 * dim);
        _projection = new Linear(dim, dim);
        var step = reduction.Pooled ? 1 : reduction.Step;
        _reduction = reduction.Reduces ? new Convolution(dim, dim, step, step) : null;
        _norm = reduction.Reduces ? new LayerNorm(dim, epsilon: 1e-5) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor map) => Run(map, tap: null);

    /// <summary>The attention; its map is computed apart where it was asked for.</summary>
    public Tensor Run(Tensor map, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var (batch, patches, dim) = (map.shape[0], map.shape[1] * map.shape[2], map.shape[3]);
        var queries = _query.forward(map).reshape(batch, patches, _heads, dim / _heads).transpose(1, 2);                                    // (B, nh, N, d)
        var pairs = _keysAndValues.forward(Reduced(map)).reshape(batch, -1, 2, _heads, dim / _heads).permute(2, 0, 3, 1, 4);                 // (2, B, nh, M, d)
        tap?.OfferAttention(queries, pairs[0]);
        var mixed = nn.functional.scaled_dot_product_attention(queries, pairs[0], pairs[1]);                                                // (B, nh, N, d)
        return _projection.forward(mixed.transpose(1, 2).reshape(map.shape)).MoveToOuterDisposeScope();                                     // (B, H, W, C)
    }

    /// <summary>Parameters of such a layer.</summary>
    public static long Count(long dim, KeyReduction reduction)
    {
        long step = reduction.Pooled ? 1 : reduction.Step;
        return (4 * Linear(dim, dim)) + (reduction.Reduces ? Linear(dim * step * step, dim) + Norm(dim) : 0);
    }

    /// <summary>Multiply-adds of one image's pass.</summary>
    public static long CountMultiplyAdds(long rows, long columns, long dim, KeyReduction reduction)
    {
        long step = reduction.Pooled ? 1 : reduction.Step, patches = rows * columns, keys = reduction.Keys(rows, columns);
        return (2 * patches * dim * dim) + (2 * keys * dim * dim) + (2 * patches * keys * dim) + (reduction.Reduces ? keys * step * step * dim * dim : 0);
    }

    private Tensor Reduced(Tensor map)
    {
        if (_reduction is null || _norm is null)
        {
            return map;
        }

        using var scope = NewDisposeScope();
        if (!_pooled)
        {
            return _norm.forward(_reduction.OnMap(map)).MoveToOuterDisposeScope();                          // (B, H/R, W/R, C)
        }

        var small = nn.functional.adaptive_avg_pool2d(map.permute(0, 3, 1, 2), [KeyReduction.PooledSide, KeyReduction.PooledSide]);
        var normed = _norm.forward(_reduction.forward(small).permute(0, 2, 3, 1));
        return nn.functional.gelu(normed, inplace: Overwriting.Allowed).MoveToOuterDisposeScope();          // (B, 7, 7, C)
    }
}
