using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Layer normalisation over the last dimension. The epsilon has no default: ViT and CaiT use 1e-6, Swin 1e-5.</summary>
internal sealed class LayerNorm : nn.Module<Tensor, Tensor>
{
    private readonly double _epsilon;
    private readonly long[] _shape;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    public LayerNorm(int dim, double epsilon)
        : base(nameof(LayerNorm))
    {
        (_epsilon, _shape) = (epsilon, [dim]);
        _weight = NewParameter.Ones(dim);
        _bias = NewParameter.Zeros(dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => nn.functional.layer_norm(input, _shape, _weight, _bias, _epsilon);
}
