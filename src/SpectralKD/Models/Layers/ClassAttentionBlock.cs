using SpectralKD.Native;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>CaiT's block on the class token: it reads the patch tokens and leaves them unchanged. It has no drop path.</summary>
internal sealed class ClassAttentionBlock : nn.Module<Tensor, Tensor, Tensor>
{
    private const double Epsilon = 1e-6;

    [ComponentName(Name = "gamma_1")]
    private readonly Parameter _attentionScale;

    [ComponentName(Name = "gamma_2")]
    private readonly Parameter _mlpScale;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly ClassAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public ClassAttentionBlock(CaitSpec spec)
        : base(nameof(ClassAttentionBlock))
    {
        _attentionScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _mlpScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _attentionNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _attention = new ClassAttention(spec.EmbedDim, spec.Heads);
        _mlpNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _mlp = new Mlp(spec.EmbedDim, (int)(spec.EmbedDim * spec.MlpRatio));
        RegisterComponents();
    }

    public override Tensor forward(Tensor token, Tensor patches)
    {
        using var scope = NewDisposeScope();
        var all = cat([token, patches], dim: 1);                                                       // (B, 1 + N, C)
        token = token.Plus(_attentionScale * _attention.forward(_attentionNorm.forward(all)));          // (B, 1, C)
        token = token.Plus(_mlpScale * _mlp.forward(_mlpNorm.forward(token)));                          // (B, 1, C)
        return token.MoveToOuterDisposeScope();
    }
}
