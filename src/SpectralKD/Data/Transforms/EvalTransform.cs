using System.Buffers;

namespace SpectralKD.Data;

/// <summary>
/// timm's evaluation transform (torchvision Resize + CenterCrop + ToTensor + Normalize) on decoded images, bit-equal to Pillow's
/// bytes before normalisation. Immutable; one instance serves any number of threads.
/// </summary>
public sealed class EvalTransform
{
    private readonly float[] _lookup; // [3, 256]: the normalised value of each byte in each channel

    /// <summary>Makes the transform of one model.</summary>
    /// <param name="preprocessing">Crop fraction, mean and standard deviation.</param>
    /// <param name="imageSize">Size of the output in pixels, each side at least 1.</param>
    /// <exception cref="SpectralKDException">A number is out of its range.</exception>
    public EvalTransform(Preprocessing preprocessing, ImageSize imageSize)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        ImageSize = imageSize.Shorter > 0 ? imageSize : throw new SpectralKDException(FormattableString.Invariant(
            $"the image size must be at least 1 pixel, but is {imageSize}"));
        ResizeTo = preprocessing.ResizeTo(imageSize);
        _lookup = preprocessing.NormalizedBytes();
    }

    /// <summary>Size of the output in pixels.</summary>
    public ImageSize ImageSize { get; }

    /// <summary>What images are resized to before the crop.</summary>
    public ImageResize ResizeTo { get; }

    /// <summary>Number of floats that <see cref="Apply"/> writes: 3 * height * width.</summary>
    public int Length => 3 * ImageSize.Height * ImageSize.Width;

    /// <summary>Resizes and cuts the centre out; smaller images are padded with black as torchvision does.</summary>
    /// <returns>An image of <see cref="ImageSize"/>.</returns>
    public RgbImage ResizeAndCrop(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var pixels = GC.AllocateUninitializedArray<byte>(Length);
        ResizeAndCrop(image, pixels);
        return new RgbImage(ImageSize.Width, ImageSize.Height, pixels);
    }

    /// <summary>Resizes, crops, divides by 255 and normalises.</summary>
    /// <param name="image">A decoded image of any size.</param>
    /// <param name="target">Receives float32 values in CHW order, <c>[3, H, W]</c>.</param>
    /// <exception cref="ArgumentException">The target's length is not <see cref="Length"/>.</exception>
    public void Apply(RgbImage image, Span<float> target)
    {
        if (target.Length != Length)
        {
            throw new ArgumentException(FormattableString.Invariant($"Expected {Length} floats, got {target.Length}."), nameof(target));
        }

        ArgumentNullException.ThrowIfNull(image);
        var pixels = ArrayPool<byte>.Shared.Rent(Length);
        ResizeAndCrop(image, pixels.AsSpan(0, Length));
        Preprocessing.Normalize(pixels.AsSpan(0, Length), _lookup, target);
        ArrayPool<byte>.Shared.Return(pixels);
    }

    private void ResizeAndCrop(RgbImage image, Span<byte> pixels)
    {
        var (width, height) = ResizeTo.SizeOf(image.Width, image.Height);
        if (width >= ImageSize.Width && height >= ImageSize.Height)
        {
            var window = new PixelWindow(CropStart(width, ImageSize.Width), CropStart(height, ImageSize.Height), ImageSize.Width, ImageSize.Height);
            PilResize.Resize(image, width, height, window, pixels, FilterOf(ResizeTo));
            return;
        }

        PadAndCrop(Resized(image, ResizeTo), pixels);
    }

    /// <summary>An image after the transform's first step.</summary>
    internal static RgbImage Resized(RgbImage image, ImageResize rule)
    {
        var (width, height) = rule.SizeOf(image.Width, image.Height);
        return PilResize.Resize(image, width, height, FilterOf(rule));
    }

    /// <summary>torchvision's CenterCrop: Python's round, which takes halves to the even neighbour.</summary>
    internal static int CropStart(int length, int crop) => (int)Math.Round((length - crop) / 2.0, MidpointRounding.ToEven);

    private static PilFilter FilterOf(ImageResize rule) => rule.IsBilinear ? PilFilter.Bilinear : PilFilter.Bicubic;

    private void PadAndCrop(RgbImage image, Span<byte> pixels)
    {
        var width = Math.Max(image.Width, ImageSize.Width);
        var height = Math.Max(image.Height, ImageSize.Height);
        var (padLeft, padTop) = ((width - image.Width) / 2, (height - image.Height) / 2);
        var (left, top) = (CropStart(width, ImageSize.Width), CropStart(height, ImageSize.Height));
        pixels.Clear();
        for (var y = 0; y < ImageSize.Height; y++)
        {
            for (var x = 0; x < ImageSize.Width; x++)
            {
                var (sourceX, sourceY) = (x + left - padLeft, y + top - padTop);
                if (sourceX >= 0 && sourceX < image.Width && sourceY >= 0 && sourceY < image.Height)
                {
                    image.Pixels.AsSpan(((sourceY * image.Width) + sourceX) * 3, 3).CopyTo(pixels[(((y * ImageSize.Width) + x) * 3)..]);
                }
            }
        }
    }
}
