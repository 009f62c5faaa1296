using System.Collections.Immutable;

namespace SpectralKD.Interactive.Tests.Charting;

/// <summary>Spectra made by formula, without torch: a U over depth, energy falling with frequency.</summary>
internal static class SampleSpectra
{
    public static ModelSpectrum U(string model = "deit_tiny_patch16_224", int blocks = 12, double depth = 1.2, SpectralDomain domain = SpectralDomain.Both)
        => new()
        {
            Model = model,
            Source = "imagenet-sample",
            Domain = domain,
            Images = 199,
            Depth = blocks,
            Activations = new ActivationRange(-6.5, 11.25),
            Blocks = [.. Enumerable.Range(0, blocks).Select(index => Block(index, blocks, depth, domain))],
        };

    private static BlockSpectrum Block(int index, int blocks, double depth, SpectralDomain domain)
    {
        var x = (2.0 * index / Math.Max(1, blocks - 1)) - 1;
        var level = 0.8 + (depth * x * x * (x > 0 ? 1.6 : 1));
        return new BlockSpectrum
        {
            Index = index,
            Name = $"blocks.{index}",
            Channels = 192,
            Height = 14,
            Width = 14,
            Images = 199,
            Spatial = domain.HasFlag(SpectralDomain.Spatial) ? Spatial(level, 1.2 - (0.5 * index / blocks)) : null,
            Channel = domain.HasFlag(SpectralDomain.Channel) ? Channel(level) : null,
            Entropy = domain.HasFlag(SpectralDomain.Channel)
                ? new EntropySums { Range = new ActivationRange(-6.5, 11.25), Bits = 199 * 196 * (2 + level), Tokens = 199 * 196 }
                : null,
        };
    }

    private static SpatialSums Spatial(double level, double slope)
    {
        var amplitude = new double[196];
        for (var cell = 0; cell < 196; cell++)
        {
            var (fy, fx) = ((cell / 14) - 7, (cell % 14) - 7);
            amplitude[cell] = level * Math.Pow(1 + Math.Sqrt((fx * fx) + (fy * fy)), -slope) * 4;
        }

        var mean = amplitude.Average() / level;
        return new SpatialSums
        {
            Amplitude = [.. amplitude.Select(value => value / mean * 199 * 192)],
            Power = [.. amplitude.Select(value => 1.3 * value * value / mean / mean * 199 * 192)],
            Intensities = Images(level),
        };
    }

    private static ChannelSums Channel(double level) => new()
    {
        Magnitude = [.. Enumerable.Range(0, 192).Select(k => level * (1 + (0.4 * Math.Cos(2 * Math.PI * k / 192)) + (0.1 * Math.Sin(k * k))) * 199 * 196)
            .Select((value, k) => k == 0 ? 3 * value : value)],
        Intensities = Images(level / 14),
    };

    private static ImageIntensities Images(double level)
    {
        var values = Enumerable.Range(0, 199).Select(i => level * (1 + (0.12 * Math.Sin(i * 12.9898)))).ToList();
        return new ImageIntensities
        {
            Sum = values.Sum(),
            Squares = values.Sum(value => value * value),
            Bins = values.GroupBy(ImageIntensities.BinOf).ToImmutableSortedDictionary(group => group.Key, group => group.LongCount()),
        };
    }
}
