using TorchSharp.Utils;

namespace SpectralKD.Models;

/// <summary>
/// Hiera's order of patches, in which the 2x2 that a pooling joins, and those of a mask unit, lie evenly apart, so that both are reshapes. Each halving of the grid that is still to come
/// splits a row's number into its last bit and the rest; the bits go to the front, rows before columns: <c>[row bit 0, column bit 0, row bit 1, …, row / 2^k, column / 2^k]</c>.
/// </summary>
/// <param name="halvings">How often the grid can be halved.</param>
internal sealed class PatchOrder(int halvings)
{
    /// <summary>Patches in that order: <c>[B, H, W, C]</c> to <c>[B, N, C]</c>.</summary>
    public Tensor ToTokens(Tensor map)
    {
        using var scope = NewDisposeScope();
        var (shape, twos) = (map.shape, Enumerable.Repeat(2L, halvings).ToArray());
        long[] split = [shape[0], shape[1] >> halvings, .. twos, shape[2] >> halvings, .. twos, shape[3]];
        var bits = Enumerable.Range(0, halvings).SelectMany(bit => new long[] { 1 + halvings - bit, 2 + (2 * halvings) - bit });
        return map.reshape(split).permute([0, .. bits, 1, 2 + halvings, 3 + (2 * halvings)]).reshape(shape[0], -1, shape[3]).MoveToOuterDisposeScope();
    }

    /// <summary>Undoes it for the halvings that no pooling has used up: <c>[B, N, C]</c> to <c>[B, C, H, W]</c>.</summary>
    public Tensor ToMap(Tensor tokens, HieraBlockSizes block)
    {
        using var scope = NewDisposeScope();
        var (left, shape) = (halvings - block.Poolings, tokens.shape);
        var twos = Enumerable.Repeat(2L, 2 * left).ToArray();
        long[] split = [shape[0], .. twos, block.Rows >> left, block.Columns >> left, shape[2]];
        var rows = Enumerable.Range(0, left).Select(bit => 1L + (2 * (left - 1 - bit)));
        long last = 1 + (2 * left);
        return tokens.reshape(split).permute([0, last + 2, last, .. rows, last + 1, .. rows.Select(row => row + 1)])
            .reshape(shape[0], shape[2], block.Rows, block.Columns).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>An attention map whose queries and keys stand row by row: <c>[B, nh, N, M]</c> to the same shape.</summary>
    public Tensor InRows(Tensor weights, HieraBlockSizes block)
    {
        using var scope = NewDisposeScope();
        var before = block.Pools ? block with { Poolings = block.Poolings - 1, Rows = 2 * block.Rows, Columns = 2 * block.Columns } : block;
        return weights.index_select(2, Places(block)).index_select(3, Places(before)).MoveToOuterDisposeScope();

        Tensor Places(HieraBlockSizes of) => ToMap(tensor(Enumerable.Range(0, of.Rows * of.Columns).Select(place => (long)place).ToArray()).view(1, -1, 1), of).view(-1).to(weights.device);
    }
}

/// <summary>
/// Self-attention within mask units or over all patches, with the largest of 2x2 queries where the block pools. Patch n of unit w stands at n * units + w.
/// </summary>
internal sealed class UnitAttention : nn.Module<Tensor, Tensor>
{
    private readonly HieraBlockSizes _sizes;

    [ComponentName(Name = "qkv")]
    private readonly Linear _qkv;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public UnitAttention(HieraBlockSizes block)
        : base(nameof(UnitAttention))
    {
        _sizes = block;
        _qkv = new Linear(block.InputDim, 3 * block.Dim);
        _projection = new Linear(block.Dim, block.Dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens) => Run(tokens, tap: null);

    /// <summary>The attention; its map is computed apart where it was asked for, which only blocks that attend to all patches can be.</summary>
    public Tensor Run(Tensor tokens, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var (batch, count, heads, head) = (tokens.shape[0], tokens.shape[1], _sizes.Heads, _sizes.Dim / _sizes.Heads);
        var units = _sizes.Unit is { } patches ? count / (patches * _sizes.Pooled) : 1;
        var qkv = _qkv.forward(tokens).reshape(batch, count / units, units, 3, heads, head).permute(3, 0, 2, 4, 1, 5)
            .reshape(3, batch * units, heads, count / units, head);                                                       // (3, B*units, nh, n, d)
        var queries = _sizes.Pools ? qkv[0].reshape(batch * units, heads, _sizes.Pooled, -1, head).amax([2]) : qkv[0];    // (B*units, nh, n or n/4, d)
        tap?.OfferAttention(queries, qkv[1]);
        var mixed = nn.functional.scaled_dot_product_attention(queries, qkv[1], qkv[2]);
        var joined = mixed.reshape(batch, units, heads, -1, head).permute(0, 3, 1, 2, 4).reshape(batch, -1, _sizes.Dim);  // (B, N or N/4, C)
        return _projection.forward(joined).MoveToOuterDisposeScope();
    }
}
