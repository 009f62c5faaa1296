using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Images to a normalised map of patches, channels last: <c>[B, 3, H, W]</c> to <c>[B, H/p, W/p, C]</c>.</summary>
internal sealed class SwinPatchEmbedding : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "proj")]
    private readonly PatchProjection _projection;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    public SwinPatchEmbedding(int patchSize, int dim)
        : base(nameof(SwinPatchEmbedding))
    {
        _projection = new PatchProjection(patchSize, dim);
        _norm = new LayerNorm(dim, epsilon: 1e-5);
        RegisterComponents();
    }

    public Tensor Weight => _projection.Weight;

    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var map = _projection.forward(images).permute(0, 2, 3, 1); // (B, H/p, W/p, C)
        return _norm.forward(map).MoveToOuterDisposeScope();
    }
}
