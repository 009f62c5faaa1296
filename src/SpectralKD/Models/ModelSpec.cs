using System.Globalization;

namespace SpectralKD.Models;

/// <summary>
/// What every model family has in common. A family is a file with one record derived from this, which knows how to check itself, build its model,
/// count it and say its initial values, and with the model and its layers. See CONTRIBUTING, "Add a model".
/// </summary>
public abstract record ModelSpec
{
    private const int LargestSide = 4096;

    /// <summary>timm name without tag, for example <c>deit_tiny_patch16_224</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Family in the user's words: <c>ViT</c>, <c>DeiT</c>, <c>CaiT</c>, <c>Swin</c>, <c>PVT v2</c>, …</summary>
    public abstract string Family { get; }

    /// <summary>Height and width of the input image in pixels (timm's <c>img_size</c>); a number is a square.</summary>
    public ImageSize ImageSize { get; init; } = 224;

    /// <summary>Number of classes, the rows of the head (timm's <c>num_classes</c>). 0, where a family has that: no head, and the logits are the pooled features <c>[B, C]</c>.</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>Side of a square patch in pixels; divides both sides of <see cref="ImageSize"/>.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Channels C of the patch embedding, and of every block where a family keeps them.</summary>
    public required int EmbedDim { get; init; }

    /// <summary>Hidden channels of the MLP as a multiple of the block's channels.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>
    /// Stochastic depth rate in [0, 1) (timm's <c>drop_path_rate</c>), active in training mode only. ViT and Swin raise it linearly from 0 in the first
    /// block to this value in the last; CaiT uses it in every block. 0 switches it off.
    /// </summary>
    public double DropPathRate { get; init; }

    /// <summary>How images are prepared for this model.</summary>
    public Preprocessing Preprocessing { get; init; } = Preprocessing.ImageNet;

    /// <summary>Rows of patches.</summary>
    public int GridHeight => ImageSize.Height / PatchSize;

    /// <summary>Columns of patches.</summary>
    public int GridWidth => ImageSize.Width / PatchSize;

    /// <summary>True where the family is also built without a head (<see cref="Classes"/> 0), as timm's models are that were not trained to classify.</summary>
    public virtual bool HeadIsOptional => false;

    /// <summary>The weight of alignment (<c>w_fft</c>) in the paper's recipe for a student of this family.</summary>
    public virtual double AlignmentWeight => 0.2;

    /// <summary>
    /// Numbers in the widest value that one image needs in a block: the MLP's hidden ones, or queries, keys and values together. By it an analysis chooses its batch.
    /// </summary>
    internal virtual double WidestValue =>
        ListBlocks().Max(block => (long)block.Channels * block.Height * block.Width) * Math.Max(3, MlpRatio);

    /// <summary>
    /// How timm builds a model of these sizes that has no name of its own there: a name of the family and arguments of <c>create_model</c>. Null where it cannot.
    /// </summary>
    internal virtual TimmConstruction? TimmConstruction => null;

    /// <summary>True where timm's class takes <c>img_size</c>; others take images of any size as they come.</summary>
    internal virtual bool TimmTakesImageSize => true;

    /// <summary>The parameter by which a file's weights of this model are recognised, and its shape.</summary>
    internal virtual (string Key, IReadOnlyList<long> Shape) FirstParameter => ("patch_embed.proj.weight", [EmbedDim, 3, PatchSize, PatchSize]);

    /// <summary>Builds the model. Its weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public abstract VisionModel Build();

    /// <summary>Counts parameters and multiply-adds without building the model, and so without libtorch.</summary>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public ModelFigures Count()
    {
        Check();
        return CountParts();
    }

    /// <summary>The blocks (ViT, CaiT, BEiT) or stages (Swin and other hierarchical families) in order, with the shapes of their feature maps.</summary>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public IReadOnlyList<BlockInfo> ListBlocks() => [.. Count().Blocks.Select(figures => figures.Block)];

    /// <summary>Checks that the sizes fit together, before anything is built from them.</summary>
    /// <exception cref="SpectralKDException">They do not; the message names what to change.</exception>
    public void Check()
    {
        Require(Classes >= (HeadIsOptional ? 0 : 1), HeadIsOptional
            ? $"has {Classes} classes: give at least 1, or 0 for a model without a head" : $"has {Classes} classes: give at least 1");
        Require(ImageSize.Shorter >= 1 && ImageSize.Longer <= LargestSide, $"has image size {ImageSize}: give 1 to {LargestSide}");
        Require(DropPathRate is >= 0 and < 1, $"has drop path {Text(DropPathRate)}: give a rate of at least 0 and below 1");
        Require(PatchSize >= 1, $"has patch size {PatchSize}: give at least 1");
        var sides = new[] { ImageSize.Height, ImageSize.Width }.Distinct().Where(side => side % PatchSize != 0).ToList();
        Require(sides.Count == 0, $"cuts images into patches of {PatchSize}x{PatchSize}, but {string.Join(" and ", sides)} is no multiple of {PatchSize}: "
            + $"use an image size of {Whole(0)} or {Whole(PatchSize - 1)}");
        CheckSizes();
    }

    /// <summary>Checks what the family alone knows, by <see cref="Require"/> and <see cref="RequireBlocks(int, int, int)"/>.</summary>
    protected abstract void CheckSizes();

    /// <summary>Counts a model whose sizes fit together.</summary>
    protected abstract ModelFigures CountParts();

    /// <summary>The initial values of one parameter, by timm's rules: those of most families. A family overrides what differs.</summary>
    /// <param name="key">The parameter's key in the state_dict.</param>
    /// <param name="shape">Its shape.</param>
    public virtual InitialValues InitialOf(string key, IReadOnlyList<long> shape) => key switch
    {
        "patch_embed.proj.weight" or "patch_embed.proj.bias" => new(InitialDistribution.Uniform, 1 / Math.Sqrt(3 * PatchSize * PatchSize)),
        _ when key.EndsWith(".bias", StringComparison.Ordinal) => new(InitialDistribution.Constant, 0),
        _ when shape.Count == 1 => new(InitialDistribution.Constant, 1),
        _ => new(InitialDistribution.Normal, 0.02),
    };

    /// <summary>Requires blocks whose sizes fit together.</summary>
    /// <param name="depth">How many.</param>
    /// <param name="dim">Their channels.</param>
    /// <param name="heads">Their attention heads.</param>
    protected void RequireBlocks(int depth, int dim, int heads) => RequireBlocks(depth, dim, heads, MlpRatio);

    /// <summary>Requires blocks of a stage, which has its own MLP ratio.</summary>
    private protected void RequireBlocks(int depth, int dim, int heads, double mlpRatio)
    {
        Require(depth >= 1, $"has {depth} blocks: give at least 1");
        Require(heads >= 1 && dim >= 1 && dim % heads == 0,
            $"has {dim} channels and {heads} heads: the channels must be a positive multiple of the heads");
        Require(mlpRatio > 0 && (int)(dim * mlpRatio) >= 1, $"has MLP ratio {Text(mlpRatio)}: give a positive number, 4 as a rule");
    }

    /// <summary>Throws a complaint that begins with the model's name.</summary>
    /// <param name="holds">What must hold.</param>
    /// <param name="complaint">The rest of the sentence, without its stop: <c>has 0 blocks: give at least 1</c>.</param>
    protected void Require(bool holds, string complaint)
    {
        if (!holds)
        {
            throw new SpectralKDException($"{Name} {complaint}");
        }
    }

    // Both sides as whole patches, the next smaller or larger ones.
    private ImageSize Whole(int more) => new(WholeSide(ImageSize.Height + more), WholeSide(ImageSize.Width + more));

    private int WholeSide(int side) => Math.Max(PatchSize, side / PatchSize * PatchSize);

    /// <summary>The same model with attention windows of another size, where the family has windows.</summary>
    /// <param name="window">Side of a window in patches.</param>
    /// <exception cref="SpectralKDException">The family has none.</exception>
    public virtual ModelSpec WithWindow(int window) => throw new SpectralKDException($"{Name} has no attention windows, so it takes no window size");

    /// <summary>Side of an attention window in patches; null where the family has no windows of one size.</summary>
    internal virtual int? Window => null;

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A call of <c>timm.create_model</c>.</summary>
/// <param name="Architecture">A name that timm has.</param>
/// <param name="Arguments">What differs from it, by timm's names; the image size and the classes are said elsewhere.</param>
internal sealed record TimmConstruction(string Architecture, IReadOnlyDictionary<string, object> Arguments);

/// <summary>What one block costs.</summary>
/// <param name="Block">The block and the shape of its feature map.</param>
/// <param name="Parameters">Trained numbers in it; a Swin stage counts its patch merging.</param>
/// <param name="MultiplyAdds">Multiply-adds of one image's forward pass, see <see cref="ModelFigures.MultiplyAdds"/>.</param>
public sealed record BlockFigures(BlockInfo Block, long Parameters, long MultiplyAdds);

/// <summary>The size of a model, worked out from its spec without building it (and so without libtorch).</summary>
public sealed record ModelFigures
{
    /// <summary>Trained numbers.</summary>
    public required long Parameters { get; init; }

    /// <summary>
    /// Multiply-adds of one image's forward pass: convolutions, linear layers and the matrix products of attention (padded windows
    /// included). Norms, softmax, GELU, biases and additions are not counted. Twice this number is the usual count of FLOPs.
    /// 0 for a module of the user's own, whose operations nobody counted.
    /// </summary>
    public required long MultiplyAdds { get; init; }

    /// <summary>Bytes that the weights take as float32.</summary>
    public long WeightBytes => Parameters * sizeof(float);

    /// <summary>The blocks (ViT, CaiT, BEiT) or stages (Swin and other hierarchical families) in order.</summary>
    public required IReadOnlyList<BlockFigures> Blocks { get; init; }

    /// <summary>A model's figures from those of its blocks and of the rest.</summary>
    /// <param name="blocks">The blocks in order.</param>
    /// <param name="otherParameters">Trained numbers outside of them.</param>
    /// <param name="otherMultiplyAdds">Multiply-adds outside of them.</param>
    public static ModelFigures Sum(IReadOnlyList<BlockFigures> blocks, long otherParameters, long otherMultiplyAdds) => new()
    {
        Blocks = blocks,
        Parameters = blocks.Sum(block => block.Parameters) + otherParameters,
        MultiplyAdds = blocks.Sum(block => block.MultiplyAdds) + otherMultiplyAdds,
    };
}

/// <summary>Parameters and multiply-adds of the parts that the families share.</summary>
internal static class LayerFigures
{
    public static long Linear(long inputs, long outputs) => (inputs * outputs) + outputs;

    public static long Norm(long dim) => 2 * dim;

    /// <summary>Two norms, four square linear layers (q, k, v, projection) and the MLP.</summary>
    public static long Block(long dim, long hidden) =>
        (2 * Norm(dim)) + (4 * Linear(dim, dim)) + Linear(dim, hidden) + Linear(hidden, dim);

    /// <summary>Linear layers of a block on <paramref name="tokens"/> tokens, each of which attends to <paramref name="keys"/>.</summary>
    public static long BlockMultiplyAdds(long tokens, long keys, long dim, long hidden) =>
        (4 * tokens * dim * dim) + (2 * tokens * keys * dim) + (2 * tokens * dim * hidden);

    public static long PatchEmbedding(long patch, long dim) => Linear(3 * patch * patch, dim);

    public static long PatchEmbeddingMultiplyAdds(long patches, long patch, long dim) => patches * 3 * patch * patch * dim;

    public static long Hidden(long dim, double ratio) => (long)(dim * ratio);
}
