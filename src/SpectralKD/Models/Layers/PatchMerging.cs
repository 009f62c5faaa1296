using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Joins 2x2 neighbours to one patch of twice the channels: <c>[B, H, W, C]</c> to <c>[B, ⌈H/2⌉, ⌈W/2⌉, 2C]</c>.</summary>
internal sealed class PatchMerging : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "reduction")]
    private readonly Linear _reduction;

    public PatchMerging(int dim)
        : base(nameof(PatchMerging))
    {
        _norm = new LayerNorm(4 * dim, epsilon: 1e-5);
        _reduction = new Linear(4 * dim, 2 * dim, bias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var (batch, side, dim) = (map.shape[0], map.shape[1], map.shape[3]);
        var half = (side + 1) / 2;
        var even = nn.functional.pad(map, [0, 0, 0, side % 2, 0, side % 2]).contiguous();
        var neighbours = even.view([batch, half, 2, half, 2, dim])                // (B, H/2, row, W/2, column, C)
            .permute(0, 1, 3, 4, 2, 5).reshape(batch, half, half, 4 * dim);       // (0,0), (1,0), (0,1), (1,1) as (row, column)
        return _reduction.forward(_norm.forward(neighbours)).MoveToOuterDisposeScope();
    }
}
