using SpectralKD.Native;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>
/// A linear map over the heads of attention maps: <c>[B, nh, N, N]</c> to the same shape. As one matrix product for each image it
/// needs no permuted copies, which makes it more than twice as fast as a linear layer over a last dimension.
/// </summary>
internal sealed class HeadMixing : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    public HeadMixing(int heads)
        : base(nameof(HeadMixing))
    {
        _weight = NewParameter.Zeros(heads, heads);
        _bias = NewParameter.Zeros(heads);
        RegisterComponents();
    }

    public override Tensor forward(Tensor attention)
    {
        using var scope = NewDisposeScope();
        var weight = _weight.unsqueeze(0).expand(attention.shape[0], -1, -1);               // (B, nh, nh)
        var mixed = bmm(weight, attention.flatten(2)).Plus(_bias.unsqueeze(1));             // (B, nh, N*N)
        return mixed.view(attention.shape).MoveToOuterDisposeScope();
    }
}
