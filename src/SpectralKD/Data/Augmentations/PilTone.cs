namespace SpectralKD.Data.Augmentations;

/// <summary>Pillow's <c>ImageOps</c> that map each byte through a table.</summary>
internal static class PilTone
{
    /// <summary>Stretches each channel to 0..255.</summary>
    public static RgbImage AutoContrast(RgbImage image) => PerChannel(image, histogram =>
    {
        var low = Array.FindIndex(histogram, count => count > 0);
        var high = Array.FindLastIndex(histogram, count => count > 0);
        var scale = high > low ? 255.0 / (high - low) : 1;
        var offset = high > low ? -low * scale : 0;
        return value => (int)((value * scale) + offset);
    });

    /// <summary>Makes each channel's histogram as even as the values allow.</summary>
    public static RgbImage Equalize(RgbImage image) => PerChannel(image, histogram =>
    {
        var last = Array.FindLast(histogram, count => count > 0);
        var step = (histogram.Sum() - last) / 255;
        if (step == 0)
        {
            return value => value;
        }

        var table = new int[256];
        var below = step / 2;
        for (var value = 0; value < 256; value++)
        {
            table[value] = below / step;
            below += histogram[value];
        }

        return value => table[value];
    });

    /// <summary>The negative.</summary>
    public static RgbImage Invert(RgbImage image) => Map(image, value => 255 - value);

    /// <summary>Keeps the highest bits, 0 to 8.</summary>
    public static RgbImage Posterize(RgbImage image, int bits) => Map(image, value => value & ~((1 << (8 - bits)) - 1));

    /// <summary>Inverts the values from the threshold on, 0 to 256.</summary>
    public static RgbImage Solarize(RgbImage image, int threshold) => Map(image, value => value < threshold ? value : 255 - value);

    /// <summary>timm's <c>solarize_add</c>: brightens the values below 128.</summary>
    public static RgbImage SolarizeAdd(RgbImage image, int amount) => Map(image, value => value < 128 ? value + amount : value);

    private static RgbImage Map(RgbImage image, Func<int, int> value) => PerChannel(image, _ => value);

    private static RgbImage PerChannel(RgbImage image, Func<int[], Func<int, int>> tableOf)
    {
        var pixels = new byte[image.Pixels.Length];
        for (var channel = 0; channel < 3; channel++)
        {
            var histogram = new int[256];
            for (var i = channel; i < pixels.Length; i += 3)
            {
                histogram[image.Pixels[i]]++;
            }

            var value = tableOf(histogram);
            var table = Enumerable.Range(0, 256).Select(i => (byte)Math.Clamp(value(i), 0, 255)).ToArray();
            for (var i = channel; i < pixels.Length; i += 3)
            {
                pixels[i] = table[image.Pixels[i]];
            }
        }

        return image with { Pixels = pixels };
    }
}
