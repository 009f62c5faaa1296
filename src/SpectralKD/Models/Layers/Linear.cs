using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>y = x W^T + b over the last dimension.</summary>
internal sealed class Linear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    public Linear(int inputs, int outputs, bool bias = true)
        : base(nameof(Linear))
    {
        _weight = NewParameter.Zeros(outputs, inputs);
        _bias = bias ? NewParameter.Zeros(outputs) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => nn.functional.linear(input, _weight, _bias);
}
