using SpectralKD.Models;
using static TorchSharp.torch;

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

    /// <summary>Smallest and largest activation so far; null where not asked for.</summary>
    internal ActivationRange? Range => findRange ? new ActivationRange(_minimum, _maximum) : null;

    /// <summary>Adds the maps of a batch.</summary>
    /// <param name="map"><c>[B, C, H, W]</c>.</param>
    /// <param name="imageName">Name of the batch's image at an index, for messages.</param>
    internal void Add(Tensor map, Func<int, string> imageName)
    {
        RequireShape(map);
        foreach (var (first, sums) in MapReduction.Slices(map, domain, findRange, entropyRange))
        {
            for (var image = 0; image < sums.Images; image++)
            {
                if (!TryAdd(sums, image))
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

    private bool TryAdd(MapSums sums, int image)
    {
        if (findRange && !TryWiden(sums.Minimum[image], sums.Maximum[image]))
        {
            return false;
        }

        if (_spatial?.TryAdd(sums.Of(sums.Amplitude, image), sums.Of(sums.Power, image)) == false
            || _channel?.TryAdd(sums.Of(sums.Channel, image)) == false)
        {
            return false;
        }

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
