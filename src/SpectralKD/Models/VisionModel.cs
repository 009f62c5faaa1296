namespace SpectralKD.Models;

/// <summary>
/// An image classifier that hands out its blocks' feature maps from its own forward pass, without hooks.
/// The names of its parameters are timm's state_dict keys.
/// </summary>
public abstract class VisionModel : nn.Module<Tensor, Tensor>
{
    /// <summary>Makes a model with the given timm name.</summary>
    /// <exception cref="SpectralKDException">libtorch was not found or could not be loaded.</exception>
    protected VisionModel(string name)
        : base(WithLibTorch(name))
    {
    }

    /// <summary>
    /// A module of one's own as a model of this library: every command takes it from a variable. Its feature maps are what the named submodules give in a
    /// forward pass (heard by hooks, so the module must run them by <c>call</c>, not by <c>forward</c>).
    /// </summary>
    /// <param name="module">Takes images <c>[B, 3, S, S]</c> and gives logits <c>[B, classes]</c>. It belongs to the model from here on, which disposes it.</param>
    /// <param name="imageSize">Side of the images in pixels, or their height and width.</param>
    /// <param name="taps">Submodules in the order of depth: <c>["stages.0", "stages.1"]</c>. Each gives <c>[B, C, H, W]</c>, or tokens <c>[B, N, C]</c>.</param>
    /// <param name="options">Name and preprocessing.</param>
    /// <exception cref="SpectralKDException">No such submodule, or it gives something else than a map; the message says what and what to do.</exception>
    /// <example><code>
    /// using TorchSharp;
    ///
    /// using var net = torch.nn.Sequential(
    ///     ("stem", torch.nn.Conv2d(3, 16, 3, stride: 2, padding: 1)), ("act", torch.nn.ReLU()), ("body", torch.nn.Conv2d(16, 32, 3, stride: 2, padding: 1)),
    ///     ("pool", torch.nn.AdaptiveAvgPool2d(1)), ("flat", torch.nn.Flatten()), ("head", torch.nn.Linear(32, 10)));
    /// using var mine = VisionModel.From(net, 64, ["act", "body"]);
    /// var spectrum = SpectralAnalysis.Run(mine, ImageSources.Open("textures", count: 100, size: 64));
    /// </code></example>
    public static VisionModel From(nn.Module<Tensor, Tensor> module, ImageSize imageSize, IReadOnlyList<MapTap> taps, OwnModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(taps);
        LibTorch.EnsureLoaded();
        return OwnModel.Of(module, imageSize, taps, null, options ?? new OwnModelOptions());
    }

    /// <summary>As the other, with a function that computes logits and maps at once.</summary>
    /// <param name="module">The module whose weights the function uses. It belongs to the model from here on.</param>
    /// <param name="imageSize">Side of the images in pixels, or their height and width.</param>
    /// <param name="forward">Images <c>[B, 3, S, S]</c> to logits <c>[B, classes]</c> and maps in the order of depth, always of the same number and shapes.</param>
    /// <param name="taps">Names and grids of the maps; null calls them <c>maps.0</c>, <c>maps.1</c> …</param>
    /// <param name="options">Name and preprocessing.</param>
    /// <exception cref="SpectralKDException">The function gives something else.</exception>
    public static VisionModel From(
        nn.Module<Tensor, Tensor> module,
        ImageSize imageSize,
        Func<Tensor, (Tensor Logits, IReadOnlyList<Tensor> Maps)> forward,
        IReadOnlyList<MapTap>? taps = null,
        OwnModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(forward);
        LibTorch.EnsureLoaded();
        return OwnModel.Of(module, imageSize, taps ?? [], forward, options ?? new OwnModelOptions());
    }

    /// <summary>What the model is: timm name, family, sizes, preprocessing.</summary>
    public abstract ModelSpec Spec { get; }

    /// <summary>Where the weights came from. Who fills them sets it; a model of one's own may set it too.</summary>
    public ModelOrigin Origin { get; set; } = new() { Kind = WeightsKind.Unknown, Name = "" };

    /// <summary>The blocks in order, with the shapes of their feature maps.</summary>
    public abstract IReadOnlyList<BlockInfo> Blocks { get; }

    /// <summary>
    /// Full names of the parameters that take no weight decay although they have two or more dimensions (timm's
    /// <c>no_weight_decay()</c>). Biases and other vectors are left to the caller's rule.
    /// </summary>
    public virtual IReadOnlySet<string> NoWeightDecay => new HashSet<string>();

    /// <summary>One of the weights; it tells on which device and in which precision the model is.</summary>
    /// <exception cref="SpectralKDException">The model was disposed of.</exception>
    internal Tensor AnyWeight => parameters().FirstOrDefault(parameter => parameter.is_floating_point())
        ?? throw new SpectralKDException($"{Spec.Name} was disposed of; load it again");

    /// <summary>
    /// Fits a checkpoint's tensor to this model where its shape depends on the image size: position embeddings and relative
    /// position bias tables are interpolated as timm does.
    /// </summary>
    /// <param name="key">The tensor's key in this model.</param>
    /// <param name="value">The checkpoint's tensor on the CPU; it is not changed.</param>
    /// <returns><paramref name="value"/> itself where nothing is to be done, else a new tensor that the caller disposes.</returns>
    public virtual Tensor FitCheckpointTensor(string key, Tensor value) => value;

    /// <summary>Runs the model and keeps the asked feature maps, as timm's <c>forward_intermediates</c> (norm=False, NCHW).</summary>
    /// <param name="images">Normalised images, float <c>[B, 3, H, W]</c>.</param>
    /// <param name="blocks">
    /// 0-based block indices, negative ones counted from the end; duplicates come back once. Null asks for all.
    /// </param>
    /// <exception cref="SpectralKDException">The input's shape does not fit, the list is empty, or a block does not exist.</exception>
    public abstract ModelOutput ForwardIntermediates(Tensor images, IReadOnlyList<int>? blocks);

    /// <summary>The points of a block at which this model gives feature maps; <see cref="MapPoint.Resid"/> at least.</summary>
    public virtual IReadOnlyList<MapPoint> MapPoints => [MapPoint.Resid];

    /// <summary>Names of the attention maps that <see cref="AttentionMaps"/> gives, such as <c>blocks.3.attn</c>; none where attention is in windows, or of another kind.</summary>
    public virtual IReadOnlyList<string> AttentionNames => [];

    /// <summary>As <see cref="ForwardIntermediates(Tensor, IReadOnlyList{int})"/>, with the maps of another point of the blocks.</summary>
    /// <param name="images">Normalised images, float <c>[B, 3, H, W]</c>.</param>
    /// <param name="blocks">0-based block indices, negative ones counted from the end. Null asks for all.</param>
    /// <param name="at">The point; of a stage, that of its last block.</param>
    /// <exception cref="SpectralKDException">As there, or the model gives no maps at this point.</exception>
    /// <example><code>
    /// using var model = ModelLoader.Load("deit_nano_patch8_64");
    /// using var images = TorchSharp.torch.zeros(1, 3, 64, 64);
    /// using var branch = model.ForwardIntermediates(images, [3], MapPoint.Attn);        // what attention adds in block 3, [1, 24, 8, 8]
    /// var attention = model.AttentionMaps(images, ["blocks.3.attn"])["blocks.3.attn"];   // [1, 3, 65, 65], rows sum to 1
    /// </code></example>
    public virtual ModelOutput ForwardIntermediates(Tensor images, IReadOnlyList<int>? blocks, MapPoint at)
    {
        Models.MapPoints.Require(this, at);
        return ForwardIntermediates(images, blocks);
    }

    /// <summary>Runs the model and gives attention maps: what multiplies the values, softmax(q k^T / sqrt(d)); CaiT's after its heads are mixed.</summary>
    /// <param name="images">Normalised images, float <c>[B, 3, H, W]</c>.</param>
    /// <param name="names">Some of <see cref="AttentionNames"/>; null asks for all.</param>
    /// <returns>
    /// Each map by its name, <c>[B, heads, N, N]</c>: row n says what token n reads; class token and registers come first, patches stand row by row. Where a family makes fewer
    /// keys than it has patches (PVT v2, Twins), or fewer queries than keys (Hiera), <c>[B, heads, N, M]</c>. The caller disposes them.
    /// </returns>
    /// <exception cref="SpectralKDException">The input's shape does not fit, or the model has no such map.</exception>
    public virtual IReadOnlyDictionary<string, Tensor> AttentionMaps(Tensor images, IReadOnlyList<string>? names = null)
    {
        Models.MapPoints.Attention(this, names);
        throw new SpectralKDException($"{Spec.Name} names attention maps but does not give them");
    }

    /// <summary>What is the matter with weights that do not fit, in the words of the family; null where the difference of keys says as much.</summary>
    /// <param name="stored">The shapes of the file's tensors by their keys.</param>
    internal virtual CheckpointMisfit? ExplainMisfit(IReadOnlyDictionary<string, IReadOnlyList<long>> stored) => null;

    /// <summary>Runs the model for its logits alone.</summary>
    /// <param name="input">Normalised images, float <c>[B, 3, H, W]</c>.</param>
    /// <returns>Logits, <c>[B, classes]</c>.</returns>
    /// <exception cref="SpectralKDException">The input's shape does not fit.</exception>
    public override Tensor forward(Tensor input) => ForwardLogits(input);

    /// <summary>Logits <c>[B, classes]</c> without keeping any feature map.</summary>
    protected abstract Tensor ForwardLogits(Tensor images);

    // torch's own constructor already needs the native library.
    private static string WithLibTorch(string name)
    {
        LibTorch.EnsureLoaded();
        return name;
    }
}

/// <summary>
/// What the families share: the input is checked before torch sees it, the blocks to keep are worked out, and
/// every tensor of a pass but its results is freed at the end. A family writes one method, <see cref="Run"/>.
/// </summary>
public abstract class TimmModel : VisionModel
{
    /// <summary>Checks the sizes before anything is built.</summary>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    protected TimmModel(ModelSpec spec)
        : base(spec.Name)
    {
        spec.Check();
        Spec = spec;
    }

    /// <inheritdoc/>
    public override ModelSpec Spec { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<BlockInfo> Blocks => field ??= Spec.ListBlocks();

    /// <inheritdoc/>
    public sealed override ModelOutput ForwardIntermediates(Tensor images, IReadOnlyList<int>? blocks) => ForwardIntermediates(images, blocks, MapPoint.Resid);

    /// <inheritdoc/>
    public sealed override ModelOutput ForwardIntermediates(Tensor images, IReadOnlyList<int>? blocks, MapPoint at)
    {
        var wanted = BlockSelection.Resolve(blocks, Blocks.Count, Spec.Name);
        Models.MapPoints.Require(this, at);
        InputRules.Check(images, Spec, FirstWeight);
        using var scope = NewDisposeScope();
        var kept = new KeptMaps(wanted, at, [], scope);
        var logits = Run(images, kept);
        return new ModelOutput(logits, kept.Maps).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public sealed override IReadOnlyDictionary<string, Tensor> AttentionMaps(Tensor images, IReadOnlyList<string>? names = null)
    {
        var wanted = Models.MapPoints.Attention(this, names);
        InputRules.Check(images, Spec, FirstWeight);
        using var scope = NewDisposeScope();
        var kept = new KeptMaps([], MapPoint.Resid, wanted, scope);
        Run(images, kept);
        return kept.Attention.ToDictionary(map => map.Key, map => map.Value.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    protected sealed override Tensor ForwardLogits(Tensor images)
    {
        InputRules.Check(images, Spec, FirstWeight);
        using var scope = NewDisposeScope();
        return Run(images, KeptMaps.None).MoveToOuterDisposeScope();
    }

    /// <summary>The weight that meets the images first: its dtype and device are the model's.</summary>
    protected abstract Tensor FirstWeight { get; }

    /// <summary>The forward pass: hands the maps that are wanted to <paramref name="kept"/> and returns the logits.</summary>
    protected abstract Tensor Run(Tensor images, KeptMaps kept);
}

/// <summary>Why a file's weights do not fit a model.</summary>
/// <param name="Words">What the file has and what the model has.</param>
/// <param name="Fits">True for sizes that have what the file has.</param>
internal sealed record CheckpointMisfit(string Words, Func<ModelSpec, bool> Fits);

/// <summary>The feature map of one block: patch tokens only, the raw residual stream, NCHW.</summary>
/// <param name="Block">0-based index of the block.</param>
/// <param name="Values">float tensor <c>[B, C, H, W]</c>.</param>
public readonly record struct FeatureMap(int Block, Tensor Values);

/// <summary>What a model's forward pass returns: logits and the feature maps that were asked for.</summary>
public sealed class ModelOutput(Tensor logits, IReadOnlyList<FeatureMap> maps) : IDisposable
{
    /// <summary>Class scores before softmax, <c>[B, classes]</c>.</summary>
    public Tensor Logits { get; } = logits;

    /// <summary>The requested feature maps in ascending block order, each block once (as timm returns them).</summary>
    public IReadOnlyList<FeatureMap> Maps { get; } = maps;

    /// <summary>Hands all tensors to the enclosing dispose scope of the current one.</summary>
    public ModelOutput MoveToOuterDisposeScope()
    {
        Logits.MoveToOuterDisposeScope();
        foreach (var map in Maps)
        {
            map.Values.MoveToOuterDisposeScope();
        }

        return this;
    }

    /// <summary>Frees the logits and all maps.</summary>
    public void Dispose()
    {
        Logits.Dispose();
        foreach (var map in Maps)
        {
            map.Values.Dispose();
        }
    }
}

/// <summary>One block (ViT, CaiT, BEiT) or stage (Swin and other hierarchical families) of a model whose feature map can be asked for.</summary>
/// <param name="Index">0-based position, as in timm's <c>forward_intermediates(indices=…)</c>.</param>
/// <param name="Name">timm's module path, for example <c>blocks.3</c> or <c>layers.1</c>.</param>
/// <param name="Channels">Channels C of its feature map <c>[B, C, H, W]</c>.</param>
/// <param name="Height">Rows H of its feature map at the model's own image size.</param>
/// <param name="Width">Columns W of its feature map at the model's own image size.</param>
public sealed record BlockInfo(int Index, string Name, int Channels, int Height, int Width);

/// <summary>Turns the block indices that a user writes into the blocks that a model keeps (timm's <c>feature_take_indices</c>).</summary>
internal static class BlockSelection
{
    /// <summary>Resolves indices: negative ones count from the end, duplicates count once, the result is ascending.</summary>
    /// <param name="blocks">0-based indices; null means all.</param>
    /// <param name="count">Number of blocks of the model.</param>
    /// <param name="model">The model's name, for messages.</param>
    /// <exception cref="SpectralKDException">The list is empty or a block does not exist.</exception>
    public static IReadOnlyCollection<int> Resolve(IReadOnlyList<int>? blocks, int count, string model)
    {
        if (blocks is null)
        {
            return Enumerable.Range(0, count).ToHashSet();
        }

        if (blocks.Count == 0)
        {
            throw new SpectralKDException($"no block of {model} was asked for: the list is empty; pass null for all {count} blocks");
        }

        return new SortedSet<int>(blocks.Select(block => Absolute(block, count, model)));
    }

    /// <summary>The last blocks of a model, ascending (timm's integer <c>indices</c>).</summary>
    /// <param name="last">How many, from 1 to <paramref name="count"/>.</param>
    /// <param name="count">Number of blocks of the model.</param>
    /// <exception cref="SpectralKDException">The model has fewer blocks, or none was asked for.</exception>
    public static IReadOnlyList<int> Last(int last, int count) => last >= 1 && last <= count
        ? [.. Enumerable.Range(count - last, last)]
        : throw new SpectralKDException($"the last {last} blocks were asked for, but the model has {count}: ask for 1 to {count}");

    private static int Absolute(int block, int count, string model)
    {
        var absolute = block < 0 ? count + block : block;
        return absolute >= 0 && absolute < count
            ? absolute
            : throw new SpectralKDException(
                $"block {block} does not exist: {model} has {count} blocks, 0 to {count - 1} (or -1 to -{count} from the end)");
    }
}

/// <summary>Checks a batch of images before torch sees it: torch's own messages carry a C++ stack, some end the process.</summary>
internal static class InputRules
{
    /// <param name="images">The batch that a caller passes.</param>
    /// <param name="spec">The model that is to take it.</param>
    /// <param name="weight">One of the model's weights: its dtype and device are the model's.</param>
    public static void Check(Tensor images, ModelSpec spec, Tensor weight)
    {
        var (size, shape) = (spec.ImageSize, images.shape);
        if (shape.Length != 4)
        {
            throw Misfit(images, spec, shape.Length == 3 ? "add the batch dimension with unsqueeze(0)" : "pass a batch of images");
        }

        if (shape[1] != 3)
        {
            throw Misfit(images, spec, shape[3] == 3 ? "channels come first: permute(0, 3, 1, 2)" : "convert the images to RGB");
        }

        if (shape[2] != size.Height || shape[3] != size.Width)
        {
            throw Misfit(images, spec, $"resize the images to {size.Height}x{size.Width}, or create the model with imageSize: {new ImageSize((int)shape[2], (int)shape[3])}");
        }

        if (shape[0] == 0)
        {
            throw Misfit(images, spec, "the batch is empty");
        }

        CheckPlace(images, spec, weight);
    }

    private static void CheckPlace(Tensor images, ModelSpec spec, Tensor weight)
    {
        if (images.dtype != weight.dtype)
        {
            throw new SpectralKDException(
                $"{spec.Name} computes in {weight.dtype}, but the images are {images.dtype}: convert them with images.to({weight.dtype})");
        }

        if (images.device_type != weight.device_type)
        {
            throw new SpectralKDException(
                $"{spec.Name} is on {weight.device}, but the images are on {images.device}: move them with images.to(\"{weight.device}\")");
        }
    }

    private static SpectralKDException Misfit(Tensor images, ModelSpec spec, string advice) => new(
        $"{spec.Name} takes images [B, 3, {spec.ImageSize.Height}, {spec.ImageSize.Width}], but got [{string.Join(", ", images.shape)}]: {advice}");
}
