using TorchSharp;

namespace SpectralKD.Models;

/// <summary>In which numbers a model computes that is only asked: in an analysis, or as a frozen teacher. Spectra and losses stay float64 and float32.</summary>
public enum ModelPrecision
{
    /// <summary>float32 everywhere, without TensorFloat-32.</summary>
    Float32,

    /// <summary>float32, with TensorFloat-32 (10 bits of mantissa) in matrix products and convolutions; on CUDA alone.</summary>
    Tf32,

    /// <summary>Weights and activations in bfloat16 (8 bits of mantissa). Fast on GPUs, and on processors with AVX512_BF16, AMX or Arm's bf16.</summary>
    Bf16,
}

/// <summary>
/// A model as it computes in given numbers: itself where they are its own, else a rounded copy, which this object owns; TensorFloat-32 is set as asked until it is
/// disposed. The model itself is never changed.
/// </summary>
internal sealed class ModelInPrecision : IDisposable
{
    private readonly VisionModel? _copy;
    private readonly TensorFloat? _tensorFloat;

    private ModelInPrecision(VisionModel model, VisionModel? copy, TensorFloat? tensorFloat, string numbers) =>
        (Model, _copy, _tensorFloat, Numbers) = (copy ?? model, copy, tensorFloat, numbers);

    /// <summary>The model to ask.</summary>
    public VisionModel Model { get; }

    /// <summary>The numbers in a word: <c>Float32</c>, <c>Tf32</c>, <c>BFloat16</c>.</summary>
    public string Numbers { get; }

    /// <summary>Makes a model ready.</summary>
    /// <param name="model">The model on its device.</param>
    /// <param name="precision">The numbers; null leaves it as it is.</param>
    /// <exception cref="SpectralKDException">TensorFloat-32 was asked for on another device than CUDA.</exception>
    public static ModelInPrecision Of(VisionModel model, ModelPrecision? precision)
    {
        var weight = model.AnyWeight;
        if (precision is not { } asked)
        {
            return new ModelInPrecision(model, null, null, weight.dtype.ToString());
        }

        Check(asked, weight.device);
        var type = asked == ModelPrecision.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        return new ModelInPrecision(
            model, weight.dtype == type ? null : Rounded(model, type), TensorFloat.Use(asked == ModelPrecision.Tf32, weight.device), asked == ModelPrecision.Tf32 ? "Tf32" : type.ToString());
    }

    /// <summary>Fails where a device does not have the numbers.</summary>
    /// <exception cref="SpectralKDException">TensorFloat-32 was asked for on another device than CUDA.</exception>
    public static void Check(ModelPrecision precision, Device device)
    {
        if (precision == ModelPrecision.Tf32 && device.type != DeviceType.CUDA)
        {
            throw new SpectralKDException($"tf32 (TensorFloat-32) is a number type of NVIDIA's GPUs, and the model is on {device}: take float32, bf16, or a CUDA device");
        }
    }

    /// <summary>A copy of a model in another number type, on the same device, in evaluation mode.</summary>
    public static VisionModel Rounded(VisionModel model, ScalarType type)
    {
        var copy = model.Spec.Build();
        copy.to(type);
        copy.to(model.AnyWeight.device);
        copy.eval();
        copy.Origin = model.Origin;
        using var guard = no_grad();
        var weights = copy.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var (name, parameter) in model.named_parameters())
        {
            weights[name].copy_(parameter);
        }

        return copy;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tensorFloat?.Dispose();
        _copy?.Dispose();
    }
}

/// <summary>TensorFloat-32 on CUDA, on or off until this is disposed.</summary>
internal sealed class TensorFloat : IDisposable
{
    private readonly (bool Products, bool Convolutions) _before = (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32);

    private TensorFloat(bool on) => backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = on;

    /// <summary>Sets it; null where the device has none, so that there is nothing to set.</summary>
    public static TensorFloat? Use(bool on, Device device) => device.type == DeviceType.CUDA ? new TensorFloat(on) : null;

    /// <inheritdoc/>
    public void Dispose() => (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) = _before;
}
