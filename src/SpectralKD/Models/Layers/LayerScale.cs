using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>A learned factor for each channel of a residual branch, small at the start (CaiT; DeiT-III).</summary>
internal sealed class LayerScale : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "gamma")]
    private readonly Parameter _gamma;

    public LayerScale(int dim, double initial)
        : base(nameof(LayerScale))
    {
        _gamma = NewParameter.Filled(initial, dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => input * _gamma;
}
