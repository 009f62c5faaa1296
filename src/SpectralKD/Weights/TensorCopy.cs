using TorchSharp;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>Checks before bytes go into an existing tensor: torch itself would broadcast or cast without a word.</summary>
internal static class TensorCopy
{
    /// <summary>True if the destination's memory can take the stored bytes as they are.</summary>
    public static bool IsPlainMemory(Tensor destination, ElementType type) =>
        destination.device_type == DeviceType.CPU && destination.dtype == type.ToScalarType() && destination.is_contiguous();

    /// <summary>Fails unless the destination has exactly the stored shape.</summary>
    public static void CheckShape(ITensorSource source, TensorInfo info, Tensor destination)
    {
        if (!destination.shape.SequenceEqual(info.Shape))
        {
            throw new SpectralKDException($"tensor '{info.Key}' of '{source.Name}' is {info.ShapeText}, but a tensor of "
                + $"{TensorInfo.Text(destination.shape)} was given to read it into");
        }
    }
}
