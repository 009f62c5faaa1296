using SpectralKD.Models.Layers;
using SpectralKD.Native;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using LayerNorm = SpectralKD.Models.Layers.LayerNorm;
using Linear = SpectralKD.Models.Layers.Linear;

namespace SpectralKD.Models;

/// <summary>
/// ViT, DeiT and DeiT-III as timm 1.0.11 computes them: patch tokens and a class token, pre-norm blocks, a norm over all tokens, and
/// a linear head on the class token. Distilled models carry a second token with a head of its own.
/// </summary>
public sealed class VisionTransformer : TimmModel
{
    private readonly VisionTransformerSpec _sizes;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter _classToken;

    [ComponentName(Name = "pos_embed")]
    private readonly Parameter _positions;

    [ComponentName(Name = "dist_token")]
    private readonly Parameter? _distillationToken;

    [ComponentName(Name = "patch_embed")]
    private readonly PatchEmbedding _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<TransformerBlock> _blocks;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly Linear _head;

    [ComponentName(Name = "head_dist")]
    private readonly Linear? _distillationHead;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public VisionTransformer(VisionTransformerSpec spec)
        : base(spec)
    {
        _sizes = spec;
        var dim = spec.EmbedDim;
        var patches = spec.GridSize * spec.GridSize;
        _classToken = NewParameter.Zeros(1, 1, dim);
        _positions = NewParameter.Zeros(1, patches + (spec.ClassPosition ? spec.PrefixTokens : 0), dim);
        _distillationToken = spec.Distilled ? NewParameter.Zeros(1, 1, dim) : null;
        _patches = new PatchEmbedding(spec.PatchSize, dim);
        var rates = DropPath.Linear(spec.DropPath, spec.Depth);
        _blocks = nn.ModuleList(rates.Select(rate => new TransformerBlock(spec, rate)).ToArray());
        _norm = new LayerNorm(dim, epsilon: 1e-6);
        _head = new Linear(dim, spec.Classes);
        _distillationHead = spec.Distilled ? new Linear(dim, spec.Classes) : null;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay { get; } = new HashSet<string> { "pos_embed", "cls_token", "dist_token" };

    private protected override Tensor FirstWeight => _patches.Weight;

    /// <summary>The two heads of a distilled model, not averaged.</summary>
    /// <param name="images">Normalised images, float <c>[B, 3, H, W]</c>.</param>
    /// <returns>Logits of the class token and of the distillation token, each <c>[B, classes]</c>.</returns>
    /// <exception cref="SpectralKDException">The model is not a distilled one, or the input's shape does not fit.</exception>
    public (Tensor Class, Tensor Distillation) ForwardHeads(Tensor images)
    {
        if (_distillationHead is null)
        {
            throw new SpectralKDException($"{Spec.Name} has one head: only distilled models have a distillation head.");
        }

        InputRules.Check(images, Spec, FirstWeight);
        using var scope = NewDisposeScope();
        var features = Features(images, KeptMaps.None);
        return (_head.forward(features.select(1, 0)).MoveToOuterDisposeScope(),
            _distillationHead.forward(features.select(1, 1)).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) => key == "pos_embed"
        ? PositionEmbedding.Fit(value, _sizes.ClassPosition ? _sizes.PrefixTokens : 0, _sizes.GridSize)
        : value;

    private protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var features = Features(images, kept);
        var logits = _head.forward(features.select(1, 0)); // (B, classes)
        return _distillationHead is null ? logits : logits.Plus(_distillationHead.forward(features.select(1, 1))).Over(2);
    }

    private Tensor Features(Tensor images, KeptMaps kept)
    {
        var tokens = Embed(images); // (B, prefix + N, C)
        for (var i = 0; i < _blocks.Count; i++)
        {
            var input = tokens;
            tokens = _blocks[i].forward(input);
            input.Dispose();
            if (kept.Wants(i))
            {
                kept.Keep(i, TokenGrid.ToMap(tokens, _sizes.PrefixTokens, _sizes.GridSize)); // (B, C, H, W)
            }
        }

        return _norm.forward(tokens);
    }

    private Tensor Embed(Tensor images)
    {
        using var scope = NewDisposeScope();
        var patches = _patches.forward(images); // (B, N, C)
        var tokens = _sizes.ClassPosition
            ? WithPrefix(patches).Plus(_positions)
            : WithPrefix(patches.Plus(_positions));
        return tokens.MoveToOuterDisposeScope(); // (B, prefix + N, C)
    }

    private Tensor WithPrefix(Tensor patches)
    {
        var batch = patches.shape[0];
        var first = _classToken.expand(batch, -1, -1);
        return _distillationToken is null
            ? cat([first, patches], dim: 1)
            : cat([first, _distillationToken.expand(batch, -1, -1), patches], dim: 1);
    }
}
