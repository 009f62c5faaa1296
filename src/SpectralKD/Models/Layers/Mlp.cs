using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Two linear layers with an exact (erf) GELU between them.</summary>
internal sealed class Mlp : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "fc1")]
    private readonly Linear _expand;

    [ComponentName(Name = "fc2")]
    private readonly Linear _contract;

    public Mlp(int dim, int hidden)
        : base(nameof(Mlp))
    {
        _expand = new Linear(dim, hidden);
        _contract = new Linear(hidden, dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = nn.functional.gelu(_expand.forward(input)); // (…, hidden)
        return _contract.forward(hidden).MoveToOuterDisposeScope();
    }
}
