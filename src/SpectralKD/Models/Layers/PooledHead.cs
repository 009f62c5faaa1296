using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Mean over the map, then a linear classifier: <c>[B, H, W, C]</c> to <c>[B, classes]</c>.</summary>
internal sealed class PooledHead : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "fc")]
    private readonly Linear _classifier;

    public PooledHead(int dim, int classes)
        : base(nameof(PooledHead))
    {
        _classifier = new Linear(dim, classes);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return _classifier.forward(map.mean([1, 2])).MoveToOuterDisposeScope();
    }
}
