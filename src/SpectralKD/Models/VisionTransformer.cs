using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>
/// Sizes of a plain vision transformer: ViT (arXiv 2010.11929), DeiT (2012.12877), DeiT-III (2204.07118), and those trained for other tasks that timm
/// builds with the same class: DINO, MAE, DINOv2 with and without registers, CLIP, SigLIP. The members are the arguments of timm's
/// <c>VisionTransformer</c>; the initial values are a supervised ViT's.
/// </summary>
public sealed record VisionTransformerSpec : ModelSpec
{
    /// <inheritdoc/>
    public override string Family => Name.StartsWith("deit", StringComparison.Ordinal) ? "DeiT" : "ViT";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads in each block.</summary>
    public required int Heads { get; init; }

    /// <summary>Initial layer scale of the residual branches (timm's <c>init_values</c>; DeiT-III: 1e-6, DINOv2: 1e-5); null for none.</summary>
    public double? LayerScale { get; init; }

    /// <summary>True for DeiT's distilled form: a second token and a second head, whose logits are averaged.</summary>
    public bool Distilled { get; init; }

    /// <summary>True where there is a class token (timm's <c>class_token</c>); SigLIP and the models that pool by the mean have none.</summary>
    public bool ClassToken { get; init; } = true;

    /// <summary>Learned tokens without a place in the image, after the class token (timm's <c>reg_tokens</c>; arXiv 2309.16588).</summary>
    public int RegisterTokens { get; init; }

    /// <summary>
    /// True where the tokens before the patches, registers too, have position embeddings (ViT, DeiT); false for DeiT-III and DINOv2 with
    /// registers (timm's <c>no_embed_class</c>).
    /// </summary>
    public bool ClassPosition { get; init; } = true;

    /// <summary>True for CLIP: a norm before the first block, and no bias in the patch embedding (timm's <c>pre_norm</c>).</summary>
    public bool PreNorm { get; init; }

    /// <summary>Whether queries, keys and values have a bias (timm's <c>qkv_bias</c>).</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>The epsilon of every layer norm: 1e-6, CLIP's 1e-5.</summary>
    public double Epsilon { get; init; } = 1e-6;

    /// <summary>The function between the MLP's layers.</summary>
    public Activation Activation { get; init; }

    /// <summary>The MLP's form.</summary>
    public MlpKind MlpKind { get; init; }

    /// <summary>What the head reads (timm's <c>global_pool</c>).</summary>
    public TokenPooling Pool { get; init; }

    /// <summary>True: the final norm comes after pooling (timm's <c>fc_norm</c>); false: before. Null: after, where the mean is pooled.</summary>
    public bool? FcNorm { get; init; }

    /// <summary>False where there is no norm after the blocks at all (timm's <c>final_norm</c>).</summary>
    public bool FinalNorm { get; init; } = true;

    /// <summary>Tokens before the patch tokens: class token, DeiT's distillation token, registers.</summary>
    public int PrefixTokens => (ClassToken ? 1 : 0) + (Distilled ? 1 : 0) + RegisterTokens;

    /// <summary>Rows of the position table that belong to tokens before the patches.</summary>
    internal int PrefixPositions => ClassPosition ? PrefixTokens : 0;

    internal bool NormsAfterPooling => FinalNorm && (FcNorm ?? Pool == TokenPooling.Average);

    internal int Hidden => (int)(EmbedDim * MlpRatio);

    // Norms and MLP classes are no JSON, so models that have others than timm's defaults cannot be said.
    internal override TimmConstruction? TimmConstruction => Epsilon != 1e-6 || MlpKind != MlpKind.Plain ? null : new(
        Distilled ? "deit_tiny_distilled_patch16_224" : "vit_tiny_patch16_224",
        new (string Name, object Value, object Default)[]
        {
            ("patch_size", PatchSize, 16), ("embed_dim", EmbedDim, 192), ("depth", Depth, 12), ("num_heads", Heads, 3), ("mlp_ratio", MlpRatio, 4.0), ("qkv_bias", QkvBias, true),
            ("init_values", LayerScale ?? 0, 0.0), ("class_token", ClassToken, true), ("reg_tokens", RegisterTokens, 0), ("no_embed_class", !ClassPosition, false), ("pre_norm", PreNorm, false),
            ("fc_norm", NormsAfterPooling, Pool == TokenPooling.Average), ("final_norm", FinalNorm, true),
            ("global_pool", Pool switch { TokenPooling.Average => "avg", TokenPooling.Token => "token", _ => "map" }, "token"),
            ("act_layer", Activation switch { Activation.GeluTanh => "gelu_tanh", Activation.QuickGelu => "quick_gelu", _ => "gelu" }, "gelu"),
        }.Where(argument => !argument.Value.Equals(argument.Default)).ToDictionary(argument => argument.Name, argument => argument.Value));

    /// <inheritdoc/>
    public override VisionModel Build() => new VisionTransformer(this);

    /// <inheritdoc/>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape) => key switch
    {
        "cls_token" or "reg_token" => new(InitialDistribution.Normal, 1e-6),
        "attn_pool.latent" => new(InitialDistribution.Normal, Math.Pow(EmbedDim, -0.5)),
        _ when key.EndsWith(".gamma", StringComparison.Ordinal) => new(InitialDistribution.Constant, LayerScale ?? 1),
        _ => base.InitialOf(key, shape),
    };

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        RequireBlocks(Depth, EmbedDim, Heads);
        Require(RegisterTokens >= 0, $"has {RegisterTokens} register tokens: give at least 0");
        Require(Epsilon > 0, $"has epsilon {Epsilon:R}: give a positive number such as 1e-6");
        Require(ClassToken || Pool != TokenPooling.Token, "has no class token to pool: give it one, or pool the average or by attention");
        Require(!Distilled || (ClassToken && RegisterTokens == 0 && Pool == TokenPooling.Token), "is distilled: it has a class token, no registers, and pools its tokens");
        Require(MlpKind == MlpKind.Plain || Hidden % 2 == 0, $"has a gated MLP of {Hidden} channels: give a ratio that makes an even number");
    }

    /// <inheritdoc/>
    protected override ModelFigures CountParts()
    {
        long dim = EmbedDim, patches = GridHeight * GridWidth, tokens = patches + PrefixTokens;
        long hidden = Hidden, gated = MlpKind == MlpKind.Plain ? hidden : hidden / 2;
        var block = (2 * Norm(dim)) + (3 * dim * dim) + (QkvBias ? 3 * dim : 0) + Linear(dim, dim) + Linear(dim, hidden) + Linear(gated, dim)
            + (LayerScale is null ? 0 : 2 * dim);
        var blockCost = (4 * tokens * dim * dim) + (2 * tokens * tokens * dim) + (tokens * dim * (hidden + gated));
        var blocks = Enumerable.Range(0, Depth).Select(i => new BlockFigures(
            new BlockInfo(i, $"blocks.{i}", EmbedDim, GridHeight, GridWidth), block, blockCost)).ToArray();

        var heads = Classes == 0 ? 0 : Distilled ? 2 : 1;
        var (pool, poolCost) = Pool == TokenPooling.Map ? (AttentionPoolParameters(), AttentionPoolMultiplyAdds(tokens)) : (0, 0);
        return ModelFigures.Sum(
            blocks,
            PatchEmbedding(PatchSize, dim) - (PreNorm ? dim : 0) + ((patches + PrefixPositions + PrefixTokens) * dim) + (PreNorm ? Norm(dim) : 0)
                + (FinalNorm ? Norm(dim) : 0) + pool + (heads * Linear(dim, Classes)),
            PatchEmbeddingMultiplyAdds(patches, PatchSize, dim) + poolCost + (heads * dim * Classes));
    }

    private long AttentionPoolParameters()
    {
        long dim = EmbedDim;
        return dim + (4 * Linear(dim, dim)) + Norm(dim) + Linear(dim, Hidden) + Linear(Hidden, dim);
    }

    private long AttentionPoolMultiplyAdds(long tokens)
    {
        long dim = EmbedDim;
        return (2 * dim * dim) + (2 * tokens * dim * dim) + (2 * tokens * dim) + (2 * dim * Hidden);
    }
}

/// <summary>What the head of a plain vision transformer reads.</summary>
public enum TokenPooling
{
    /// <summary>The class token.</summary>
    Token,

    /// <summary>The mean over the patch tokens; class token and registers are left out.</summary>
    Average,

    /// <summary>A learned query that attends to all tokens (timm's <c>map</c>; SigLIP).</summary>
    Map,
}

/// <summary>The form of a block's MLP.</summary>
public enum MlpKind
{
    /// <summary>Linear, activation, linear.</summary>
    Plain,

    /// <summary>
    /// The first layer gives two halves; SiLU of the first times the second goes on (timm's <c>SwiGLUPacked</c>; DINOv2's largest model). <see cref="ModelSpec.MlpRatio"/>
    /// counts both halves.
    /// </summary>
    SwiGluPacked,
}

/// <summary>
/// The plain vision transformer as timm 1.0.11 computes it: class token and registers before the patch tokens, pre-norm blocks, a norm, pooling and
/// a linear head, each where the spec has it. Distilled models carry a second token with a head of its own. Without classes the logits
/// are the pooled features, <c>[B, C]</c>.
/// </summary>
public sealed class VisionTransformer : TimmModel
{
    private readonly VisionTransformerSpec _sizes;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter? _classToken;

    [ComponentName(Name = "reg_token")]
    private readonly Parameter? _registers;

    [ComponentName(Name = "pos_embed")]
    private readonly Parameter _positions;

    [ComponentName(Name = "dist_token")]
    private readonly Parameter? _distillationToken;

    [ComponentName(Name = "patch_embed")]
    private readonly PatchEmbedding _patches;

    [ComponentName(Name = "norm_pre")]
    private readonly LayerNorm? _firstNorm;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<TransformerBlock> _blocks;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm? _norm;

    [ComponentName(Name = "attn_pool")]
    private readonly AttentionPool? _attentionPool;

    [ComponentName(Name = "fc_norm")]
    private readonly LayerNorm? _pooledNorm;

    [ComponentName(Name = "head")]
    private readonly Linear? _head;

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
        _classToken = spec.ClassToken ? NewParameter.Zeros(1, 1, dim) : null;
        _registers = spec.RegisterTokens > 0 ? NewParameter.Zeros(1, spec.RegisterTokens, dim) : null;
        _positions = NewParameter.Zeros(1, (spec.GridHeight * spec.GridWidth) + spec.PrefixPositions, dim);
        _distillationToken = spec.Distilled ? NewParameter.Zeros(1, 1, dim) : null;
        _patches = new PatchEmbedding(spec.PatchSize, dim, bias: !spec.PreNorm);
        _firstNorm = spec.PreNorm ? new LayerNorm(dim, spec.Epsilon) : null;
        var rates = DropPath.Linear(spec.DropPathRate, spec.Depth);
        _blocks = nn.ModuleList(rates.Select(rate => new TransformerBlock(spec, rate)).ToArray());
        _norm = spec.FinalNorm && !spec.NormsAfterPooling ? new LayerNorm(dim, spec.Epsilon) : null;
        _attentionPool = spec.Pool == TokenPooling.Map ? new AttentionPool(spec) : null;
        _pooledNorm = spec.NormsAfterPooling ? new LayerNorm(dim, spec.Epsilon) : null;
        _head = spec.Classes > 0 ? new Linear(dim, spec.Classes) : null;
        _distillationHead = spec.Distilled && spec.Classes > 0 ? new Linear(dim, spec.Classes) : null;
        RegisterComponents();
    }

    /// <summary>timm's: registers are decayed.</summary>
    public override IReadOnlySet<string> NoWeightDecay { get; } = new HashSet<string> { "pos_embed", "cls_token", "dist_token" };

    /// <inheritdoc/>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <inheritdoc/>
    public override IReadOnlyList<string> AttentionNames => [.. Blocks.Select(block => $"{block.Name}.attn")];

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <summary>The two heads of a distilled model, not averaged.</summary>
    /// <param name="images">Normalised images, float <c>[B, 3, H, W]</c>.</param>
    /// <returns>Logits of the class token and of the distillation token, each <c>[B, classes]</c>.</returns>
    /// <exception cref="SpectralKDException">The model is not a distilled one, or the input's shape does not fit.</exception>
    public (Tensor Class, Tensor Distillation) ForwardHeads(Tensor images)
    {
        if (_distillationHead is null)
        {
            throw new SpectralKDException(
                _sizes.Distilled ? $"{Spec.Name} was made without classes, so it has no heads" : $"{Spec.Name} has one head: only distilled models have a distillation head");
        }

        InputRules.Check(images, Spec, FirstWeight);
        using var scope = NewDisposeScope();
        var tokens = Normed(Tokens(images, KeptMaps.None));
        return (Classified(_head, tokens.select(1, 0)).MoveToOuterDisposeScope(),
            Classified(_distillationHead, tokens.select(1, 1)).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) => key switch
    {
        "pos_embed" => PositionEmbedding.Fit(value, _sizes.PrefixPositions, _sizes.GridHeight, _sizes.GridWidth),
        "patch_embed.proj.weight" => PatchKernel.Fit(value, _sizes.PatchSize),
        _ => value,
    };

    /// <inheritdoc/>
    internal override CheckpointMisfit? ExplainMisfit(IReadOnlyDictionary<string, IReadOnlyList<long>> stored)
    {
        if (stored.GetValueOrDefault("pos_embed") is not [1, _, var dim] || dim != _sizes.EmbedDim)
        {
            return null;
        }

        var file = _sizes with
        {
            RegisterTokens = stored.GetValueOrDefault("reg_token") is [1, var registers, _] ? (int)registers : 0,
            ClassToken = stored.ContainsKey("cls_token"),
            PreNorm = stored.ContainsKey("norm_pre.weight"),
            LayerScale = stored.ContainsKey("blocks.0.ls1.gamma") || stored.ContainsKey("blocks.0.gamma_1") ? 1 : null,
            PatchSize = stored.GetValueOrDefault("patch_embed.proj.weight") is [_, _, var patch, _] ? (int)patch : _sizes.PatchSize,
        };
        var words = new[]
        {
            Difference(Count(file.RegisterTokens), Count(_sizes.RegisterTokens)),
            Difference(Has(file.ClassToken, "class token"), Has(_sizes.ClassToken, "class token")),
            Difference(file.LayerScale is null ? "no layer scale" : "layer scale", _sizes.LayerScale is null ? "no layer scale" : "layer scale"),
            Difference(Has(file.PreNorm, "norm before the blocks, as CLIP's"), Has(_sizes.PreNorm, "norm before the blocks, as CLIP's")),
        }.OfType<string>().ToList();
        return words.Count == 0 ? null : new CheckpointMisfit(string.Join("; ", words), spec => spec is VisionTransformerSpec known && !known.Distilled
            && (known.EmbedDim, known.Depth, known.PatchSize, known.RegisterTokens, known.ClassToken, known.PreNorm, known.LayerScale is null)
                == (file.EmbedDim, file.Depth, file.PatchSize, file.RegisterTokens, file.ClassToken, file.PreNorm, file.LayerScale is null));

        string? Difference(string there, string here) => there == here ? null : $"the file has {there}, {Spec.Name} {here}";

        static string Count(int registers) => registers switch { 0 => "no registers", 1 => "1 register", _ => FormattableString.Invariant($"{registers} registers") };

        static string Has(bool it, string what) => it ? $"a {what}" : $"no {what}";
    }

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var tokens = Normed(Tokens(images, kept));
        return _sizes.Distilled
            ? Classified(_head, tokens.select(1, 0)).Plus(Classified(_distillationHead, tokens.select(1, 1))).Over(2)
            : Classified(_head, Pooled(tokens)); // (B, classes)
    }

    /// <summary>All tokens after the last block, before the norm: <c>[B, prefix + N, C]</c>.</summary>
    internal Tensor Tokens(Tensor images, KeptMaps kept)
    {
        var tokens = Embed(images); // (B, prefix + N, C)
        tokens = _blocks.Run(tokens, i => kept.TapOf(i, $"blocks.{i}", ToMap));
        return tokens;
    }

    private Tensor Normed(Tensor tokens) => _norm is null ? tokens : _norm.forward(tokens);

    private Tensor ToMap(Tensor tokens) => TokenGrid.ToMap(tokens, _sizes.PrefixTokens, _sizes.GridHeight, _sizes.GridWidth); // (B, C, H, W)

    private Tensor Embed(Tensor images)
    {
        using var scope = NewDisposeScope();
        var patches = _patches.forward(images); // (B, N, C)
        var tokens = _sizes.ClassPosition
            ? WithPrefix(patches).Plus(_positions)
            : WithPrefix(patches.Plus(_positions));
        return (_firstNorm is null ? tokens : _firstNorm.forward(tokens)).MoveToOuterDisposeScope(); // (B, prefix + N, C)
    }

    private Tensor WithPrefix(Tensor patches)
    {
        var prefix = new Tensor?[] { _classToken, _distillationToken, _registers }.OfType<Tensor>();
        return _sizes.PrefixTokens == 0 ? patches : cat([.. prefix.Select(token => token.expand(patches.shape[0], -1, -1)), patches], dim: 1);
    }

    private Tensor Pooled(Tensor tokens)
    {
        var pooled = _sizes.Pool switch
        {
            TokenPooling.Average => tokens.narrow(1, _sizes.PrefixTokens, tokens.shape[1] - _sizes.PrefixTokens).mean([1]),
            TokenPooling.Map => _attentionPool!.forward(tokens),
            _ => tokens.select(1, 0),
        };
        return _pooledNorm is null ? pooled : _pooledNorm.forward(pooled); // (B, C)
    }

    // Without a head the features, which must not hold on to all tokens.
    private static Tensor Classified(Linear? head, Tensor features) => head is null ? features.clone() : head.forward(features);
}
