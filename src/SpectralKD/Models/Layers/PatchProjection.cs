using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>One linear map for each non-overlapping patch, as a convolution whose stride is its kernel size.</summary>
internal sealed class PatchProjection : nn.Module<Tensor, Tensor>
{
    private readonly long[] _stride;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    public PatchProjection(int patchSize, int dim)
        : base(nameof(PatchProjection))
    {
        _stride = [patchSize, patchSize];
        _weight = NewParameter.Zeros(dim, 3, patchSize, patchSize);
        _bias = NewParameter.Zeros(dim);
        RegisterComponents();
    }

    public Tensor Weight => _weight;

    public override Tensor forward(Tensor input) => nn.functional.conv2d(input, _weight, _bias, strides: _stride); // (B, C, H/p, W/p)
}
