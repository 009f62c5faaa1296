using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>CaiT's block on patch tokens: pre-norm talking-heads attention and MLP, both with layer scale.</summary>
internal sealed class TalkingHeadsBlock : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-6;
    private readonly DropPath _dropPath;

    [ComponentName(Name = "gamma_1")]
    private readonly Parameter _attentionScale;

    [ComponentName(Name = "gamma_2")]
    private readonly Parameter _mlpScale;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly TalkingHeadsAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public TalkingHeadsBlock(CaitSpec spec)
        : base(nameof(TalkingHeadsBlock))
    {
        _dropPath = new DropPath(spec.DropPath); // the same rate in every block
        _attentionScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _mlpScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _attentionNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _attention = new TalkingHeadsAttention(spec.EmbedDim, spec.Heads);
        _mlpNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _mlp = new Mlp(spec.EmbedDim, (int)(spec.EmbedDim * spec.MlpRatio));
        RegisterComponents();
    }

    public override Tensor forward(Tensor patches)
    {
        using var scope = NewDisposeScope();
        patches = _dropPath.Add(patches, _attentionScale * _attention.forward(_attentionNorm.forward(patches)), training); // (B, N, C)
        patches = _dropPath.Add(patches, _mlpScale * _mlp.forward(_mlpNorm.forward(patches)), training);                   // (B, N, C)
        return patches.MoveToOuterDisposeScope();
    }
}
