namespace SpectralKD.Data;

/// <summary>
/// timm's training transform: crop, mirroring, RandAugment, colour jitter, normalisation, random erasing. Immutable; all chance comes from the
/// generator that is handed in.
/// </summary>
internal sealed class TrainTransform
{
    private const int SmallImage = 32; // DeiT's limit between the two random crops
    private readonly Augmentation _settings;
    private readonly EvalTransform _evaluation;
    private readonly EvalTransform _whole;
    private readonly float[] _lookup;
    private readonly PilAffine.Fill _fill;
    private readonly ImageSize _drawn;

    /// <summary>Makes the transform of one model.</summary>
    /// <param name="settings">How images are varied.</param>
    /// <param name="preprocessing">Mean, standard deviation, crop.</param>
    /// <param name="imageSize">Size of the output.</param>
    /// <param name="view">
    /// The size of another transform whose view is to be shown at this size: with the same generator the same crop, mirroring, colours and erased part. Null for none.
    /// </param>
    public TrainTransform(Augmentation settings, Preprocessing preprocessing, ImageSize imageSize, ImageSize? view = null)
    {
        _settings = settings;
        _drawn = view ?? imageSize;
        _evaluation = new EvalTransform(preprocessing, imageSize);
        _whole = new EvalTransform(preprocessing with { CropFraction = 1 }, imageSize);
        _lookup = preprocessing.NormalizedBytes();
        var mean = preprocessing.Mean.Select(value => (byte)Math.Min(255, Math.Round(255.0 * value))).ToArray();
        _fill = new PilAffine.Fill(mean[0], mean[1], mean[2]);
    }

    /// <summary>Number of floats that <see cref="Apply"/> writes.</summary>
    public int Length => _evaluation.Length;

    /// <summary>Size of the output in pixels.</summary>
    public ImageSize ImageSize => _evaluation.ImageSize;

    /// <summary>Varies and normalises an image.</summary>
    /// <param name="image">A decoded image of any size.</param>
    /// <param name="target">Receives float32 <c>[3, H, W]</c>.</param>
    /// <param name="random">Where all chance comes from.</param>
    public void Apply(RgbImage image, Span<float> target, CounterRandom random)
    {
        image = Vary(image, ref random);
        Preprocessing.Normalize(image.Pixels, _lookup, target);
        RandomErasing.Apply(target, ImageSize, _drawn, _settings.ErasingProbability, ref random);
    }

    /// <summary>All steps before normalisation.</summary>
    internal RgbImage Vary(RgbImage image, ref CounterRandom random)
    {
        image = Crop(image, ref random);
        if (random.NextBool(_settings.FlipProbability))
        {
            image = RandomCrops.Mirror(image);
        }

        if (_settings.RandAugment is not null)
        {
            image = RandAugment.Apply(image, _settings.RandAugment, _fill, ref random);
        }

        return _settings.JittersColor ? Jitter(image, ref random) : image;
    }

    private RgbImage Crop(RgbImage image, ref CounterRandom random)
    {
        var kind = _settings.Crop == CropKind.Automatic
            ? _drawn.Shorter > SmallImage ? CropKind.RandomResized : CropKind.Padded
            : _settings.Crop;
        return kind switch
        {
            CropKind.RandomResized => PilResize.Resize(
                RandomCrops.Cut(image, RandomCrops.DrawPart(image.Width, image.Height, _settings, ref random)), ImageSize.Width, ImageSize.Height),
            CropKind.Padded => RandomCrops.Shift(_whole.ResizeAndCrop(image), _drawn, ref random),
            _ => _evaluation.ResizeAndCrop(image),
        };
    }

    private RgbImage Jitter(RgbImage image, ref CounterRandom random)
    {
        Span<int> order = [0, 1, 2];
        random.Shuffle(order);
        foreach (var step in order)
        {
            var factor = random.NextBetween(Math.Max(0, 1 - _settings.ColorJitter), 1 + _settings.ColorJitter);
            image = step switch
            {
                0 => PilEnhance.Brightness(image, factor),
                1 => PilEnhance.Contrast(image, factor),
                _ => PilEnhance.Color(image, factor),
            };
        }

        return image;
    }
}

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

    /// <summary>Moves the image by up to 4 pixels of <paramref name="drawn"/>'s in both directions; black comes in.</summary>
    public static RgbImage Shift(RgbImage image, ImageSize drawn, ref CounterRandom random)
    {
        var (dx, dy) = (random.NextInt((2 * Padding) + 1) - Padding, random.NextInt((2 * Padding) + 1) - Padding);
        (dx, dy) = ((int)Math.Round((double)dx * image.Width / drawn.Width), (int)Math.Round((double)dy * image.Height / drawn.Height));
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

/// <summary>timm's RandomErasing in <c>pixel</c> mode: one rectangle of a normalised image becomes standard normal noise.</summary>
internal static class RandomErasing
{
    private const double SmallestArea = 0.02;
    private const double LargestArea = 1.0 / 3;
    private const double LowestAspect = 0.3;

    /// <summary>Erases a rectangle of planes <c>[3, H, W]</c> with the given probability, at the place that it has in an image of <paramref name="drawn"/>.</summary>
    public static void Apply(Span<float> planes, ImageSize size, ImageSize drawn, double probability, ref CounterRandom random)
    {
        if (random.NextBool(probability) && Draw(drawn, ref random) is { } there)
        {
            var part = size == drawn ? there : Scaled(there, size, drawn);
            for (var row = 0; row < 3 * part.Height; row++)
            {
                var (channel, y) = (row / part.Height, part.Top + (row % part.Height));
                foreach (ref var value in planes.Slice((((channel * size.Height) + y) * size.Width) + part.Left, part.Width))
                {
                    value = (float)random.NextGaussian();
                }
            }
        }
    }

    private static PixelWindow Scaled(PixelWindow part, ImageSize size, ImageSize drawn)
    {
        var (x, y) = ((double)size.Width / drawn.Width, (double)size.Height / drawn.Height);
        var (left, top) = ((int)Math.Round(part.Left * x), (int)Math.Round(part.Top * y));
        return new PixelWindow(left, top, (int)Math.Round((part.Left + part.Width) * x) - left, (int)Math.Round((part.Top + part.Height) * y) - top);
    }

    private static PixelWindow? Draw(ImageSize size, ref CounterRandom random)
    {
        var log = Math.Log(LowestAspect);
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var area = random.NextBetween(SmallestArea, LargestArea) * size.Height * size.Width;
            var aspect = Math.Exp(random.NextBetween(log, -log));
            var (h, w) = ((int)Math.Round(Math.Sqrt(area * aspect)), (int)Math.Round(Math.Sqrt(area / aspect)));
            if (w < size.Width && h < size.Height)
            {
                return new PixelWindow(random.NextInt(size.Width - w + 1), random.NextInt(size.Height - h + 1), w, h);
            }
        }

        return null;
    }
}
