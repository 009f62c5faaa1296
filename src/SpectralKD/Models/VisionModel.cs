using SpectralKD.Native;
using static TorchSharp.torch;

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
