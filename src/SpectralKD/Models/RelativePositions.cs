using TorchSharp.Modules;
using TorchSharp.Utils;

namespace SpectralKD.Models;

/// <summary>Queries, keys and values by one matrix whose key part has no bias (BEiT, Swin v2): <c>[…, C]</c> to <c>[…, 3C]</c>.</summary>
internal sealed class BiasedProjection : nn.Module
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public BiasedProjection(int dim)
        : base(nameof(BiasedProjection))
    {
        _weight = NewParameter.Zeros(3 * dim, dim);
        RegisterComponents();
    }

    public Tensor forward(Tensor input, Tensor queryBias, Tensor valueBias)
    {
        using var scope = NewDisposeScope();
        return LinearProduct.Of(input, _weight, cat([queryBias, zeros_like(queryBias), valueBias])).MoveToOuterDisposeScope();
    }
}

/// <summary>softmax(q k^T / sqrt(d) + bias) v for a bias that is learned.</summary>
internal static class BiasedAttention
{
    /// <param name="queries">float <c>[B, nh, N, d]</c>.</param>
    /// <param name="keys">float <c>[B, nh, M, d]</c>.</param>
    /// <param name="values">float <c>[B, nh, M, d]</c>.</param>
    /// <param name="bias">float <c>[nh, N, M]</c> or <c>[B, nh, N, M]</c>.</param>
    public static Tensor Of(Tensor queries, Tensor keys, Tensor values, Tensor bias)
    {
        using var scope = NewDisposeScope();
        if (Overwriting.Allowed)
        {
            var mask = (bias.shape.Length == 3 ? bias.unsqueeze(0) : bias).contiguous();
            return nn.functional.scaled_dot_product_attention(queries, keys, values, attn_mask: mask).MoveToOuterDisposeScope();
        }

        // The fused kernel has no gradient for a bias: with one it would fall back to these steps, less sparingly.
        var scaled = queries.Times(Math.Pow(queries.shape[3], -0.5));
        return matmul(matmul(scaled, keys.transpose(-2, -1)).Plus(bias).softmax(-1), values).MoveToOuterDisposeScope();
    }

    /// <summary>The same of tokens whose queries, keys and values stand side by side: <c>[B, N, 3C]</c> to <c>[B, N, C]</c>.</summary>
    public static Tensor OfTokens(Tensor qkv, int heads, Tensor bias)
    {
        using var scope = NewDisposeScope();
        var (batch, count, dim) = (qkv.shape[0], qkv.shape[1], qkv.shape[2] / 3);
        var parts = qkv.reshape(batch, count, 3, heads, dim / heads).permute(2, 0, 3, 1, 4); // (3, B, nh, N, d)
        var mixed = Of(parts[0], parts[1], parts[2], bias);                                  // (B, nh, N, d)
        return mixed.transpose(1, 2).reshape(batch, count, dim).MoveToOuterDisposeScope();
    }
}

/// <summary>Which row of a bias table belongs to a pair of patches: the offset between them, rows first.</summary>
internal static class RelativePositions
{
    /// <summary>Rows of BEiT's tables beyond the offsets: class token to patch, patch to class token, class token to itself.</summary>
    public const int ClassRows = 3;

    /// <summary>Row for each pair of patches of a window, int64 <c>[h*w, h*w]</c>.</summary>
    public static Tensor Between(int height, int width) => tensor(Rows(height, width, 0));

    /// <summary>The same with a class token before the patches, int64 <c>[1 + h*w, 1 + h*w]</c>.</summary>
    public static Tensor WithClassToken(int height, int width) => tensor(Rows(height, width, 1));

    /// <summary>Row and column offset for each row of a table without class rows, <c>[(2h-1)(2w-1), 2]</c>.</summary>
    public static float[,] Offsets(int height, int width)
    {
        var reach = (2 * width) - 1;
        var offsets = new float[((2 * height) - 1) * reach, 2];
        for (var row = 0; row < offsets.GetLength(0); row++)
        {
            (offsets[row, 0], offsets[row, 1]) = ((row / reach) - height + 1, (row % reach) - width + 1);
        }

        return offsets;
    }

    /// <summary>A table <c>[rows, nh]</c> laid out for each pair by an index <c>[N, N]</c>: <c>[nh, N, N]</c>.</summary>
    public static Tensor Bias(Tensor table, Tensor index)
    {
        using var scope = NewDisposeScope();
        return table.index_select(0, index.view(-1)).view(index.shape[0], index.shape[1], -1).permute(2, 0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>A bias <c>[nh, N, N]</c> with a mask <c>[nW, N or 1, N]</c> added for each window of each image: <c>[windows, nh, N, N]</c>. Without a mask the bias itself.</summary>
    public static Tensor Masked(Tensor bias, Tensor? mask, long windows)
    {
        using var scope = NewDisposeScope();
        if (mask is null)
        {
            return bias.alias().MoveToOuterDisposeScope();
        }

        var each = mask.unsqueeze(1).Plus(bias);                                                         // (nW, nh, N, N)
        return each.unsqueeze(0).expand(windows / each.shape[0], -1, -1, -1, -1).flatten(0, 1).MoveToOuterDisposeScope();
    }

    private static long[,] Rows(int height, int width, int prefix)
    {
        var (area, reach, offsets) = (height * width, (2 * width) - 1, ((2 * height) - 1) * ((2 * width) - 1));
        var rows = new long[prefix + area, prefix + area];
        for (var from = 0; from < prefix + area; from++)
        {
            for (var to = 0; to < prefix + area; to++)
            {
                var (a, b) = (from - prefix, to - prefix);
                rows[from, to] = (a < 0, b < 0) switch
                {
                    (true, true) => offsets + 2,
                    (true, false) => offsets,
                    (false, true) => offsets + 1,
                    _ => (((a / width) - (b / width) + height - 1) * reach) + (a % width) - (b % width) + width - 1,
                };
            }
        }

        return rows;
    }
}

/// <summary>Works out a bias for each head from an offset: <c>[rows, 2]</c> to <c>[rows, nh]</c> (Swin v2).</summary>
internal sealed class OffsetNetwork : nn.Module<Tensor, Tensor>
{
    /// <summary>Its hidden channels.</summary>
    public const int Hidden = 512;

    [ComponentName(Name = "0")]
    private readonly Linear _expand;

    [ComponentName(Name = "2")]
    private readonly Linear _contract;

    public OffsetNetwork(int heads)
        : base(nameof(OffsetNetwork))
    {
        _expand = new Linear(2, Hidden);
        _contract = new Linear(Hidden, heads, bias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor offsets)
    {
        using var scope = NewDisposeScope();
        return _contract.forward(nn.functional.relu(_expand.forward(offsets), inplace: Overwriting.Allowed)).MoveToOuterDisposeScope();
    }
}

/// <summary>Works out a bias for each head from an offset: <c>[rows, 2]</c> to <c>[rows, nh]</c> (CrossFormer's <c>DynamicPosBias</c>).</summary>
internal sealed class PositionBiasNetwork : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "pos_proj")]
    private readonly Linear _first;

    [ComponentName(Name = "pos1")]
    private readonly NormedReluLinear _second;

    [ComponentName(Name = "pos2")]
    private readonly NormedReluLinear _third;

    [ComponentName(Name = "pos3")]
    private readonly NormedReluLinear _last;

    public PositionBiasNetwork(int dim, int heads)
        : base(nameof(PositionBiasNetwork))
    {
        _first = new Linear(2, dim);
        _second = new NormedReluLinear(dim, dim);
        _third = new NormedReluLinear(dim, dim);
        _last = new NormedReluLinear(dim, heads);
        RegisterComponents();
    }

    public override Tensor forward(Tensor offsets)
    {
        using var scope = NewDisposeScope();
        return _last.forward(_third.forward(_second.forward(_first.forward(offsets)))).MoveToOuterDisposeScope();
    }
}

/// <summary>Norm, ReLU, linear layer.</summary>
internal sealed class NormedReluLinear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "0")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "2")]
    private readonly Linear _linear;

    public NormedReluLinear(int inputs, int outputs)
        : base(nameof(NormedReluLinear))
    {
        _norm = new LayerNorm(inputs, epsilon: 1e-5);
        _linear = new Linear(inputs, outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _linear.forward(nn.functional.relu(_norm.forward(input), inplace: Overwriting.Allowed)).MoveToOuterDisposeScope();
    }
}
