using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Images to a sequence of patch tokens, row by row: <c>[B, 3, H, W]</c> to <c>[B, N, C]</c>.</summary>
internal sealed class PatchEmbedding : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "proj")]
    private readonly PatchProjection _projection;

    public PatchEmbedding(int patchSize, int dim)
        : base(nameof(PatchEmbedding))
    {
        _projection = new PatchProjection(patchSize, dim);
        RegisterComponents();
    }

    public Tensor Weight => _projection.Weight;

    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var grid = _projection.forward(images);                      // (B, C, H, W)
        return grid.flatten(2).transpose(1, 2).MoveToOuterDisposeScope(); // (B, H*W, C)
    }
}
