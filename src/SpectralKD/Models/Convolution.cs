using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace SpectralKD.Models;

/// <summary>
/// A convolution over the last two dimensions. This is the one place that knows that libtorch 2.10's bfloat16 convolution cannot be used on the CPU: every other
/// layer that needs a convolution asks <see cref="Of"/>.
/// </summary>
internal sealed class Convolution : nn.Module<Tensor, Tensor>
{
    private readonly int _stride;
    private readonly int _padding;
    private readonly int _groups;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    public Convolution(int inputs, int outputs, int kernel, int stride = 1, int padding = 0, int groups = 1, bool bias = true)
        : base(nameof(Convolution))
    {
        (_stride, _padding, _groups) = (stride, padding, groups);
        _weight = NewParameter.Zeros(outputs, inputs / groups, kernel, kernel);
        _bias = bias ? NewParameter.Zeros(outputs) : null;
        RegisterComponents();
    }

    public Tensor Weight => _weight;

    /// <summary><c>[B, inputs, H, W]</c> to <c>[B, outputs, (H + 2 padding - kernel) / stride + 1, …]</c>, rounded down.</summary>
    public override Tensor forward(Tensor input) => Of(input, _weight, _bias, _stride, _padding, _groups);

    /// <summary>The same on a map with its channels last, <c>[B, H, W, inputs]</c> to <c>[B, H', W', outputs]</c>: libtorch convolves those as they lie.</summary>
    public Tensor OnMap(Tensor map)
    {
        using var scope = NewDisposeScope();
        return forward(map.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).MoveToOuterDisposeScope();
    }

    /// <summary>The convolution of a batch by a kernel <c>[outputs, inputs / groups, k, k]</c>, in the number type of the input.</summary>
    public static Tensor Of(Tensor input, Tensor weight, Tensor? bias, int stride, int padding = 0, int groups = 1)
    {
        if (input.dtype != ScalarType.BFloat16 || input.device_type != DeviceType.CPU)
        {
            return Plain(input, weight, bias, stride, padding, groups);
        }

        // oneDNN's bfloat16 convolution is wrong on CPUs with AVX-512 (https://github.com/pytorch/pytorch/issues/163347): output channels beyond a
        // multiple of 16 lose taps of the kernel, and the gradient to the images is wrong at every width. Its matrix product is right, and so is float32.
        using var scope = NewDisposeScope();
        return (weight.shape[2] == stride && padding == 0 && groups == 1
            ? Product(input, weight, bias, stride)
            : Plain(input.to(ScalarType.Float32), weight.to(ScalarType.Float32), bias?.to(ScalarType.Float32), stride, padding, groups).to(ScalarType.BFloat16))
            .MoveToOuterDisposeScope();
    }

    /// <summary>timm's initial values of a convolution in PVT v2 and Twins: normal, by the number of outputs that an input reaches.</summary>
    public static InitialValues ByOutputs(IReadOnlyList<long> shape) =>
        new(InitialDistribution.Normal, Math.Sqrt(2.0 / (shape[2] * shape[3] * (shape[1] == 1 ? 1 : shape[0]))));

    private static Tensor Plain(Tensor input, Tensor weight, Tensor? bias, int stride, int padding, int groups) =>
        nn.functional.conv2d(input, weight, bias, strides: [stride, stride], padding: [padding, padding], groups: groups);

    // A convolution whose stride is its kernel is a product for each patch; what does not fill a patch at the right and bottom is left out, as a convolution does.
    private static Tensor Product(Tensor input, Tensor weight, Tensor? bias, int size)
    {
        using var scope = NewDisposeScope();
        var (batch, channels, rows, columns) = (input.shape[0], input.shape[1], input.shape[2] / size, input.shape[3] / size);
        var patches = input.narrow(2, 0, rows * size).narrow(3, 0, columns * size)
            .reshape(batch, channels, rows, size, columns, size)
            .permute(0, 2, 4, 1, 3, 5)                                // (B, H/p, W/p, c, p, p)
            .reshape(batch, rows, columns, channels * size * size);   // (B, H/p, W/p, c p p)
        return nn.functional.linear(patches, weight.flatten(1), bias).permute(0, 3, 1, 2).MoveToOuterDisposeScope(); // (B, C, H/p, W/p)
    }
}

/// <summary>Images to a sequence of patch tokens, row by row: <c>[B, 3, H, W]</c> to <c>[B, N, C]</c>.</summary>
internal sealed class PatchEmbedding : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "proj")]
    private readonly Convolution _projection;

    public PatchEmbedding(int patchSize, int dim, bool bias = true)
        : base(nameof(PatchEmbedding))
    {
        _projection = new Convolution(3, dim, patchSize, patchSize, bias: bias);
        RegisterComponents();
    }

    public Tensor Weight => _projection.Weight;

    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var grid = _projection.forward(images);                      // (B, C, H, W)
        return grid.flatten(2).transpose(1, 2).MoveToOuterDisposeScope(); // (B, H*W, C)
    }
}

/// <summary>
/// Images, or a map, to a map of patches with channels last, and a norm unless there is to be none. Patches larger than their distance overlap, with zeros around the border:
/// <c>[B, c, H, W]</c> to <c>[B, ⌈H/stride⌉, ⌈W/stride⌉, C]</c>.
/// </summary>
internal sealed class NormedPatches : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "proj")]
    private readonly Convolution _projection;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm? _norm;

    /// <param name="inputs">Channels that it gets.</param>
    /// <param name="dim">Channels that it gives.</param>
    /// <param name="kernel">Side of a patch.</param>
    /// <param name="stride">Distance of two patches; null where they do not overlap.</param>
    /// <param name="normed">Whether a norm follows.</param>
    public NormedPatches(int inputs, int dim, int kernel, int? stride = null, bool normed = true)
        : base(nameof(NormedPatches))
    {
        _projection = new Convolution(inputs, dim, kernel, stride ?? kernel, padding: stride is null ? 0 : kernel / 2);
        _norm = normed ? new LayerNorm(dim, epsilon: 1e-5) : null;
        RegisterComponents();
    }

    public Tensor Weight => _projection.Weight;

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var map = _projection.forward(input).permute(0, 2, 3, 1); // (B, H', W', C)
        return (_norm?.forward(map) ?? map).MoveToOuterDisposeScope();
    }

    /// <summary>The same of a map with its channels last, <c>[B, H, W, c]</c>.</summary>
    public Tensor OnMap(Tensor map)
    {
        using var scope = NewDisposeScope();
        return forward(map.permute(0, 3, 1, 2)).MoveToOuterDisposeScope();
    }
}
