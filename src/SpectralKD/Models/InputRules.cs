using static TorchSharp.torch;

namespace SpectralKD.Models;

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

        if (shape[2] != size || shape[3] != size)
        {
            throw Misfit(images, spec, $"resize the images to {size}x{size}, or create the model with imageSize: {shape[2]}");
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
                $"{spec.Name} computes in {weight.dtype}, but the images are {images.dtype}: convert them with images.to({weight.dtype}).");
        }

        if (images.device_type != weight.device_type)
        {
            throw new SpectralKDException(
                $"{spec.Name} is on {weight.device}, but the images are on {images.device}: move them with images.to(\"{weight.device}\").");
        }
    }

    private static SpectralKDException Misfit(Tensor images, ModelSpec spec, string advice) => new(
        $"{spec.Name} takes images [B, 3, {spec.ImageSize}, {spec.ImageSize}], but got [{string.Join(", ", images.shape)}]: {advice}.");
}
