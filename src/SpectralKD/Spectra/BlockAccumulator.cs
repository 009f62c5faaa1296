using System.Collections.Immutable;
using System.Numerics.Tensors;
using Tensor = TorchSharp.torch.Tensor;

namespace SpectralKD.Spectra;

/// <summary>Running sums of one block. Takes its sizes from the first maps it sees.</summary>
internal sealed class BlockAccumulator(BlockInfo block, SpectralDomain domain, bool findRange, ActivationRange? entropyRange)
{
    private long[]? _shape;
    private SpatialAccumulator? _spatial;
    private ChannelAccumulator? _channel;
    private double _minimum = double.PositiveInfinity;
    private double _maximum = double.NegativeInfinity;
    private double _entropyBits;

    /// <summary>Number of images added.</summary>
    internal long Images { get; private set; }

    /// <summary>Receives the intensity of each image; null where nobody asked.</summary>
    internal List<double>? Each { get; init; }

    /// <summary>Smallest and largest activation so far; null where not asked for.</summary>
    internal ActivationRange? Range => findRange ? new ActivationRange(_minimum, _maximum) : null;

    /// <summary>Adds the maps of a batch.</summary>
    /// <param name="map"><c>[B, C, H, W]</c>.</param>
    /// <param name="imageName">Name of the batch's image at an index, for messages.</param>
    /// <param name="counts">How often each of the bootstrap's resamples counts the batch's image at an index.</param>
    internal void Add(Tensor map, Func<int, string> imageName, IReadOnlyList<byte[]> counts)
    {
        RequireShape(map);
        foreach (var (first, sums) in MapReduction.Slices(map, domain, findRange, entropyRange))
        {
            for (var image = 0; image < sums.Images; image++)
            {
                if (!TryAdd(sums, image, counts[first + image]))
                {
                    throw new SpectralKDException(
                        $"{block.Name}: the feature map of {imageName(first + image)} holds NaN or infinity, so it has no spectrum: "
                        + "check the model's weights and precision (a half-precision model can overflow)");
                }
            }
        }
    }

    /// <summary>The sums so far.</summary>
    internal BlockSpectrum ToSpectrum()
    {
        var (channels, height, width) = ((int)_shape![0], (int)_shape[1], (int)_shape[2]);
        return new BlockSpectrum
        {
            Index = block.Index,
            Name = block.Name,
            Channels = channels,
            Height = height,
            Width = width,
            Images = Images,
            Spatial = _spatial?.ToSums(),
            Channel = _channel?.ToSums(),
            Entropy = entropyRange is null
                ? null
                : new EntropySums { Range = entropyRange, Bits = _entropyBits, Tokens = Images * height * width },
        };
    }

    /// <summary>Takes over the sums of another accumulator of this block; the range of activations is all blocks', which comes to the same in the end.</summary>
    internal void Restore(BlockSpectrum sums, ActivationRange? range)
    {
        Prepare([sums.Channels, sums.Height, sums.Width]);
        Images = sums.Images;
        _spatial?.Restore(sums.Spatial!);
        _channel?.Restore(sums.Channel!);
        _entropyBits = sums.Entropy?.Bits ?? 0;
        (_minimum, _maximum) = (range?.Minimum ?? _minimum, range?.Maximum ?? _maximum);
    }

    private bool TryAdd(MapSums sums, int image, byte[] counts)
    {
        if (findRange && !TryWiden(sums.Minimum[image], sums.Maximum[image]))
        {
            return false;
        }

        if (_spatial?.TryAdd(sums.Of(sums.Amplitude, image), sums.Of(sums.Power, image), counts) == false
            || _channel?.TryAdd(sums.Of(sums.Channel, image), counts) == false)
        {
            return false;
        }

        Each?.Add(_spatial?.Latest ?? _channel?.Latest ?? double.NaN);
        _entropyBits += entropyRange is null ? 0 : sums.EntropyBits[image];
        Images++;
        return true;
    }

    private bool TryWiden(double minimum, double maximum)
    {
        _minimum = Math.Min(_minimum, minimum);
        _maximum = Math.Max(_maximum, maximum);
        return double.IsFinite(minimum) && double.IsFinite(maximum);
    }

    private void RequireShape(Tensor map)
    {
        if (map.dim() != 4 || map.shape.Any(size => size == 0) || !map.is_floating_point())
        {
            throw new SpectralKDException(
                $"{block.Name}: a feature map is a floating-point tensor [B, C, H, W], got {map.dtype} [{string.Join(", ", map.shape)}]");
        }

        if (_shape is null)
        {
            Prepare(map.shape[1..]);
        }
        else if (!_shape.AsSpan().SequenceEqual(map.shape.AsSpan(1)))
        {
            throw new SpectralKDException(
                $"{block.Name}: feature maps change their shape from [{string.Join(", ", _shape)}] to [{string.Join(", ", map.shape[1..])}]: "
                + "analyse images of one size at a time");
        }
    }

    private void Prepare(long[] shape)
    {
        _shape = shape;
        var (channels, height, width) = ((int)shape[0], (int)shape[1], (int)shape[2]);
        _spatial = domain.HasFlag(SpectralDomain.Spatial) ? new SpatialAccumulator(channels, height, width) : null;
        _channel = domain.HasFlag(SpectralDomain.Channel) ? new ChannelAccumulator(channels, height * width) : null;
    }
}

/// <summary>Running sums of one block's spatial spectra, on the left half of the spectrum.</summary>
internal sealed class SpatialAccumulator(int channels, int height, int width)
{
    private readonly double[] _weights = HalfSpectrum.Weights(height, width);
    private readonly double[] _amplitude = new double[height * ((width / 2) + 1)];
    private readonly double[] _power = new double[height * ((width / 2) + 1)];
    private readonly IntensityTally _images = new();

    /// <summary>Intensity of the last image.</summary>
    internal double Latest { get; private set; }

    /// <summary>Adds one image's sums over channels.</summary>
    /// <returns>False, with nothing added, where they are not finite.</returns>
    internal bool TryAdd(ReadOnlySpan<double> amplitude, ReadOnlySpan<double> power, byte[] counts)
    {
        var intensity = TensorPrimitives.Dot<double>(amplitude, _weights) / ((double)channels * height * width);
        if (!double.IsFinite(intensity) || !double.IsFinite(TensorPrimitives.Sum(power)))
        {
            return false;
        }

        TensorPrimitives.Add(_amplitude, amplitude, _amplitude);
        TensorPrimitives.Add(_power, power, _power);
        _images.Add(Latest = intensity, counts);
        return true;
    }

    /// <summary>Takes over sums, exactly.</summary>
    internal void Restore(SpatialSums sums)
    {
        SpectralLayout.HalfOf(sums.Amplitude.AsSpan(), height, width).CopyTo(_amplitude, 0);
        SpectralLayout.HalfOf(sums.Power.AsSpan(), height, width).CopyTo(_power, 0);
        _images.Restore(sums.Intensities);
    }

    internal SpatialSums ToSums() => new()
    {
        Amplitude = [.. SpectralLayout.ShiftedFromHalf(_amplitude, height, width)],
        Power = [.. SpectralLayout.ShiftedFromHalf(_power, height, width)],
        Intensities = _images.ToIntensities(),
    };
}

/// <summary>Running sums of one block's channel spectra, on the frequencies 0 .. C / 2.</summary>
internal sealed class ChannelAccumulator(int channels, int tokens)
{
    private readonly double[] _weights = HalfSpectrum.Weights(1, channels);
    private readonly double[] _magnitude = new double[(channels / 2) + 1];
    private readonly IntensityTally _images = new();

    /// <summary>Intensity of the last image.</summary>
    internal double Latest { get; private set; }

    /// <summary>Adds one image's sums over tokens.</summary>
    /// <returns>False, with nothing added, where they are not finite.</returns>
    internal bool TryAdd(ReadOnlySpan<double> magnitude, byte[] counts)
    {
        var intensity = TensorPrimitives.Dot<double>(magnitude, _weights) / ((double)tokens * channels * channels);
        if (!double.IsFinite(intensity))
        {
            return false;
        }

        TensorPrimitives.Add(_magnitude, magnitude, _magnitude);
        _images.Add(Latest = intensity, counts);
        return true;
    }

    /// <summary>Takes over sums, exactly.</summary>
    internal void Restore(ChannelSums sums)
    {
        sums.Magnitude.AsSpan(0, _magnitude.Length).CopyTo(_magnitude);
        _images.Restore(sums.Intensities);
    }

    internal ChannelSums ToSums()
    {
        var whole = new double[channels];
        for (var k = 0; k < channels; k++)
        {
            whole[k] = _magnitude[Math.Min(k, channels - k)];
        }

        return new ChannelSums { Magnitude = [.. whole], Intensities = _images.ToIntensities() };
    }
}

/// <summary>Collects the intensities of single images into <see cref="ImageIntensities"/>.</summary>
internal sealed class IntensityTally
{
    private readonly SortedDictionary<int, long> _bins = [];
    private long[]? _resampled = new long[Bootstrap.Resamples];
    private double _sum;
    private double _squares;

    internal void Add(double intensity, byte[] counts)
    {
        _resampled = _resampled is not null && Bootstrap.TryAdd(_resampled, intensity, counts) ? _resampled : null;
        _sum += intensity;
        _squares += intensity * intensity;
        if (intensity > 0)
        {
            var bin = ImageIntensities.BinOf(intensity);
            _bins[bin] = _bins.GetValueOrDefault(bin) + 1;
        }
    }

    internal void Restore(ImageIntensities intensities)
    {
        (_sum, _squares) = (intensities.Sum, intensities.Squares);
        foreach (var (bin, count) in intensities.Bins)
        {
            _bins[bin] = count;
        }

        _resampled = intensities.Resampled is { } sums ? [.. sums] : null;
    }

    internal ImageIntensities ToIntensities()
        => new() { Sum = _sum, Squares = _squares, Bins = _bins.ToImmutableSortedDictionary(), Resampled = _resampled is null ? null : [.. _resampled] };
}

/// <summary>What one batch of one block's feature maps <c>[B, C, H, W]</c> comes down to: sums for each image, in float64.</summary>
internal sealed class MapSums
{
    /// <summary>Number B of images.</summary>
    internal required int Images { get; init; }

    /// <summary>Sum over channels of A, left half of the spectrum: B x (H * (W / 2 + 1)); empty without the spatial domain.</summary>
    internal double[] Amplitude { get; init; } = [];

    /// <summary>Sum over channels of A squared, laid out as <see cref="Amplitude"/>.</summary>
    internal double[] Power { get; init; } = [];

    /// <summary>Sum over tokens of the unscaled channel transform's magnitude: B x (C / 2 + 1); empty without the channel domain.</summary>
    internal double[] Channel { get; init; } = [];

    /// <summary>Smallest activation of each image; empty where not asked for.</summary>
    internal double[] Minimum { get; init; } = [];

    /// <summary>Largest activation of each image; empty where not asked for.</summary>
    internal double[] Maximum { get; init; } = [];

    /// <summary>Sum over tokens of the activation entropy, bits, of each image; empty where not asked for.</summary>
    internal double[] EntropyBits { get; init; } = [];

    /// <summary>One image's part of a list of B equal parts.</summary>
    internal ReadOnlySpan<double> Of(double[] values, int image)
    {
        var length = values.Length / Images;
        return values.AsSpan(image * length, length);
    }
}
