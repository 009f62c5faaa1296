using SpectralKD.Models.Layers;
using SpectralKD.Native;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using LayerNorm = SpectralKD.Models.Layers.LayerNorm;
using Linear = SpectralKD.Models.Layers.Linear;

namespace SpectralKD.Models;

/// <summary>
/// CaiT as timm 1.0.11 computes it: patch tokens alone pass the talking-heads blocks; the class token enters afterwards and reads
/// them in class-attention blocks, which leave the patch tokens as they are.
/// </summary>
public sealed class Cait : TimmModel
{
    private readonly CaitSpec _sizes;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter _classToken;

    [ComponentName(Name = "pos_embed")]
    private readonly Parameter _positions;

    [ComponentName(Name = "patch_embed")]
    private readonly PatchEmbedding _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<TalkingHeadsBlock> _blocks;

    [ComponentName(Name = "blocks_token_only")]
    private readonly ModuleList<ClassAttentionBlock> _classBlocks;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly Linear _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public Cait(CaitSpec spec)
        : base(spec)
    {
        _sizes = spec;
        _classToken = NewParameter.Zeros(1, 1, spec.EmbedDim);
        _positions = NewParameter.Zeros(1, spec.GridSize * spec.GridSize, spec.EmbedDim);
        _patches = new PatchEmbedding(spec.PatchSize, spec.EmbedDim);
        _blocks = nn.ModuleList(Enumerable.Range(0, spec.Depth).Select(_ => new TalkingHeadsBlock(spec)).ToArray());
        _classBlocks = nn.ModuleList(Enumerable.Range(0, spec.ClassDepth).Select(_ => new ClassAttentionBlock(spec)).ToArray());
        _norm = new LayerNorm(spec.EmbedDim, epsilon: 1e-6);
        _head = new Linear(spec.EmbedDim, spec.Classes);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay { get; } = new HashSet<string> { "pos_embed", "cls_token" };

    private protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) =>
        key == "pos_embed" ? PositionEmbedding.Fit(value, prefixTokens: 0, _sizes.GridSize) : value;

    private protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var patches = Embed(images); // (B, N, C)
        for (var i = 0; i < _blocks.Count; i++)
        {
            var input = patches;
            patches = _blocks[i].forward(input);
            input.Dispose();
            if (kept.Wants(i))
            {
                kept.Keep(i, TokenGrid.ToMap(patches, prefix: 0, _sizes.GridSize)); // (B, C, H, W)
            }
        }

        return Classify(patches);
    }

    private Tensor Embed(Tensor images)
    {
        using var scope = NewDisposeScope();
        return _patches.forward(images).Plus(_positions).MoveToOuterDisposeScope(); // (B, N, C)
    }

    private Tensor Classify(Tensor patches)
    {
        using var scope = NewDisposeScope();
        var token = _classToken.expand(patches.shape[0], -1, -1); // (B, 1, C)
        foreach (var block in _classBlocks)
        {
            token = block.forward(token, patches);
        }

        // The final norm works token by token, so the class token alone gives the same logits as the whole sequence.
        return _head.forward(_norm.forward(token).select(1, 0)).MoveToOuterDisposeScope(); // (B, classes)
    }
}
