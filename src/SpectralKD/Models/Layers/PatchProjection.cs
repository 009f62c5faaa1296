using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>
/// One linear map for each non-overlapping patch: timm's convolution whose stride is its kernel size. This is the only convolution of this
/// library, and so the one place that knows that libtorch 2.10's bfloat16 convolution cannot be used on the CPU.
/// </summary>
internal sealed class PatchProjection : nn.Module<Tensor, Tensor>
{
    private readonly int _patch;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    public PatchProjection(int patchSize, int dim)
        : base(nameof(PatchProjection))
    {
        _patch = patchSize;
        _weight = NewParameter.Zeros(dim, 3, patchSize, patchSize);
        _bias = NewParameter.Zeros(dim);
        RegisterComponents();
    }

    public Tensor Weight => _weight;

    /// <summary><c>[B, 3, H, W]</c> to <c>[B, C, H/p, W/p]</c>; H and W are multiples of p.</summary>
    public override Tensor forward(Tensor input) => input.dtype == ScalarType.BFloat16 && input.device_type == DeviceType.CPU
        ? Product(input)
        : nn.functional.conv2d(input, _weight, _bias, strides: [_patch, _patch]); // (B, C, H/p, W/p)

    // oneDNN's bfloat16 convolution is wrong on CPUs with AVX-512 (https://github.com/pytorch/pytorch/issues/163347): output channels beyond a
    // multiple of 16 lose taps of the kernel, and the gradient to the images is wrong at every width. Its matrix product is right.
    private Tensor Product(Tensor input)
    {
        using var scope = NewDisposeScope();
        var (batch, rows, columns) = (input.shape[0], input.shape[2] / _patch, input.shape[3] / _patch);
        var patches = input.reshape(batch, 3, rows, _patch, columns, _patch)
            .permute(0, 2, 4, 1, 3, 5)                                // (B, H/p, W/p, 3, p, p)
            .reshape(batch, rows, columns, 3 * _patch * _patch);      // (B, H/p, W/p, 3 p p)
        return nn.functional.linear(patches, _weight.flatten(1), _bias).permute(0, 3, 1, 2).MoveToOuterDisposeScope(); // (B, C, H/p, W/p)
    }
}
