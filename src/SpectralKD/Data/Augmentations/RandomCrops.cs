namespace SpectralKD.Data.Augmentations;

/// <summary>The random crops of timm and torchvision.</summary>
internal static class RandomCrops
{
    private const int Padding = 4;

    /// <summary>Draws the part of a random resized crop: ten attempts, then the largest allowed part in the middle.</summary>
    public static PixelWindow DrawPart(int width, int height, Augmentation settings, ref CounterRandom random)
    {
        var (lowest, highest) = (Math.Log(settings.Ratio.Low), Math.Log(settings.Ratio.High));
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var area = random.NextBetween(settings.Scale.Low, settings.Scale.High) * width * height;
            var ratio = Math.Exp(random.NextBetween(lowest, highest));
            var (w, h) = ((int)Math.Round(Math.Sqrt(area * ratio)), (int)Math.Round(Math.Sqrt(area / ratio)));
            if (w <= width && h <= height && w > 0 && h > 0)
            {
                return new PixelWindow(random.NextInt(width - w + 1), random.NextInt(height - h + 1), w, h);
            }
        }

        return MiddlePart(width, height, settings);
    }

    /// <summary>Cuts a part out.</summary>
    public static RgbImage Cut(RgbImage image, PixelWindow part)
    {
        var pixels = new byte[part.Width * part.Height * 3];
        for (var y = 0; y < part.Height; y++)
        {
            image.Pixels.AsSpan((((part.Top + y) * image.Width) + part.Left) * 3, part.Width * 3).CopyTo(pixels.AsSpan(y * part.Width * 3));
        }

        return new RgbImage(part.Width, part.Height, pixels);
    }

    /// <summary>Moves the image by up to 4 pixels in both directions; black comes in.</summary>
    public static RgbImage Shift(RgbImage image, ref CounterRandom random)
    {
        var (dx, dy) = (random.NextInt((2 * Padding) + 1) - Padding, random.NextInt((2 * Padding) + 1) - Padding);
        var pixels = new byte[image.Pixels.Length];
        for (var y = Math.Max(0, -dy); y < Math.Min(image.Height, image.Height - dy); y++)
        {
            var (from, to) = (Math.Max(0, dx), Math.Max(0, -dx));
            var count = Math.Max(0, image.Width - Math.Abs(dx));
            image.Pixels.AsSpan((((y + dy) * image.Width) + from) * 3, count * 3).CopyTo(pixels.AsSpan(((y * image.Width) + to) * 3));
        }

        return image with { Pixels = pixels };
    }

    /// <summary>Mirrors left to right.</summary>
    public static RgbImage Mirror(RgbImage image)
    {
        var pixels = new byte[image.Pixels.Length];
        for (var i = 0; i < image.Width * image.Height; i++)
        {
            var mirrored = i - (i % image.Width) + (image.Width - 1 - (i % image.Width));
            image.Pixels.AsSpan(3 * i, 3).CopyTo(pixels.AsSpan(3 * mirrored));
        }

        return image with { Pixels = pixels };
    }

    private static PixelWindow MiddlePart(int width, int height, Augmentation settings)
    {
        var ratio = (double)width / height;
        var (w, h) = (width, height);
        if (ratio < settings.Ratio.Low)
        {
            h = (int)Math.Round(width / settings.Ratio.Low);
        }
        else if (ratio > settings.Ratio.High)
        {
            w = (int)Math.Round(height * settings.Ratio.High);
        }

        (w, h) = (Math.Clamp(w, 1, width), Math.Clamp(h, 1, height));
        return new PixelWindow((width - w) / 2, (height - h) / 2, w, h);
    }
}
