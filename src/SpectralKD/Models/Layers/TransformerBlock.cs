using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)); layer scale where the model has it.</summary>
internal sealed class TransformerBlock : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-6;
    private readonly DropPath _dropPath;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly SelfAttention _attention;

    [ComponentName(Name = "ls1")]
    private readonly LayerScale? _attentionScale;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    [ComponentName(Name = "ls2")]
    private readonly LayerScale? _mlpScale;

    public TransformerBlock(VisionTransformerSpec spec, double dropPath)
        : base(nameof(TransformerBlock))
    {
        _dropPath = new DropPath(dropPath);
        _attentionNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _attention = new SelfAttention(spec.EmbedDim, spec.Heads);
        _attentionScale = spec.LayerScale is { } first ? new LayerScale(spec.EmbedDim, first) : null;
        _mlpNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _mlp = new Mlp(spec.EmbedDim, (int)(spec.EmbedDim * spec.MlpRatio));
        _mlpScale = spec.LayerScale is { } second ? new LayerScale(spec.EmbedDim, second) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var attended = Scaled(_attentionScale, _attention.forward(_attentionNorm.forward(tokens))); // (B, N, C)
        tokens = _dropPath.Add(tokens, attended, training);
        var processed = Scaled(_mlpScale, _mlp.forward(_mlpNorm.forward(tokens)));                  // (B, N, C)
        return _dropPath.Add(tokens, processed, training).MoveToOuterDisposeScope();
    }

    private static Tensor Scaled(LayerScale? scale, Tensor branch) => scale is null ? branch : scale.forward(branch);
}
