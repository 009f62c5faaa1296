using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace SpectralKD.Spectra;

/// <summary>
/// Reduces float maps on the CPU with this library's own transforms, image by image on as many threads as torch has: each image's sums are the
/// same bits always. Torch's general operations, which go through memory at every step, take several times as long.
/// </summary>
internal static class CpuReduction
{
    private static readonly ConcurrentDictionary<(int Channels, int Height, int Width), ConcurrentBag<ImageTransforms>> Idle = new();

    /// <summary>Whether maps are small enough, on the CPU, and held by float32 without loss.</summary>
    internal static bool Suits(Tensor map)
        => map.device.type == DeviceType.CPU && map.dtype != ScalarType.Float64 && Math.Max(map.shape[2], map.shape[3]) <= SpatialTransform.LargestSide;

    /// <summary>Reduces a batch of maps <c>[B, C, H, W]</c>; the arguments are those of <see cref="TorchReduction.Reduce"/>.</summary>
    internal static MapSums Reduce(Tensor map, SpectralDomain domain, bool findRange, ActivationRange? entropyRange)
    {
        using var scope = NewDisposeScope();
        var values = map.detach().to(float32).permute(0, 2, 3, 1).contiguous(); // [B, H, W, C], the tokens' own order
        var (batch, height, width, channels) = ((int)values.shape[0], (int)values.shape[1], (int)values.shape[2], (int)values.shape[3]);
        var cells = domain.HasFlag(SpectralDomain.Spatial) ? height * ((width / 2) + 1) : 0;
        var frequencies = domain.HasFlag(SpectralDomain.Channel) ? (channels / 2) + 1 : 0;
        var bins = entropyRange is null ? null : new EntropyBins(entropyRange, channels);
        var sums = new MapSums
        {
            Images = batch,
            Amplitude = new double[batch * cells],
            Power = new double[batch * cells],
            Channel = new double[batch * frequencies],
            Minimum = new double[findRange ? batch : 0],
            Maximum = new double[findRange ? batch : 0],
            EntropyBits = new double[bins is null ? 0 : batch],
        };
        var idle = Idle.GetOrAdd((channels, height, width), _ => []);
        Parallel.For(0, batch, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, get_num_threads()) }, image =>
        {
            var transforms = idle.TryTake(out var found) ? found : new ImageTransforms(channels, height, width);
            Reduce(MemoryMarshal.Cast<byte, float>(values.bytes).Slice(image * height * width * channels, height * width * channels), image, transforms);
            idle.Add(transforms);
        });
        return sums;

        void Reduce(ReadOnlySpan<float> pixels, int image, ImageTransforms transforms)
        {
            if (cells > 0)
            {
                transforms.Spatial.Reduce(
                    pixels, channels, sums.Amplitude.AsSpan(image * cells, cells), sums.Power.AsSpan(image * cells, cells));
            }

            if (frequencies > 0)
            {
                transforms.Channel.Reduce(pixels, sums.Channel.AsSpan(image * frequencies, frequencies));
            }

            if (findRange)
            {
                (sums.Minimum[image], sums.Maximum[image]) = (TensorPrimitives.Min(pixels), TensorPrimitives.Max(pixels));
            }

            if (bins is not null)
            {
                sums.EntropyBits[image] = bins.Bits(pixels);
            }
        }
    }

    /// <summary>The transforms of one size, for one thread at a time.</summary>
    private sealed class ImageTransforms(int channels, int height, int width)
    {
        private SpatialTransform? _spatial;
        private ChannelTransform? _channel;

        internal SpatialTransform Spatial => _spatial ??= new SpatialTransform(height, width);

        internal ChannelTransform Channel => _channel ??= new ChannelTransform(channels);
    }
}

/// <summary>The activation entropy by counting, token by token: torch's way through indices and a scatter costs a quarter of a forward pass.</summary>
internal sealed class EntropyBins
{
    private readonly double _minimum;
    private readonly double _scale;
    private readonly int _channels;
    private readonly double[] _terms;

    /// <summary>Prepares for tokens of a number of channels.</summary>
    /// <param name="range">Range of the bins; values beyond it count in the outer ones.</param>
    /// <param name="channels">Number of channels C.</param>
    internal EntropyBins(ActivationRange range, int channels)
    {
        (_minimum, _channels) = (range.Minimum, channels);
        _scale = TorchReduction.EntropyBins / Math.Max(range.Maximum - range.Minimum, double.Epsilon);
        _terms = [.. Enumerable.Range(0, channels + 1).Select(count => Term((double)count / channels))];
    }

    /// <summary>Sum of the tokens' entropies in bits.</summary>
    /// <param name="values">One image, C values after C values.</param>
    internal double Bits(ReadOnlySpan<float> values)
    {
        Span<int> counts = stackalloc int[TorchReduction.EntropyBins];
        var bits = 0.0;
        for (var first = 0; first < values.Length; first += _channels)
        {
            counts.Clear();
            foreach (var value in values.Slice(first, _channels))
            {
                counts[Bin((value - _minimum) * _scale)]++;
            }

            foreach (var count in counts)
            {
                bits += _terms[count];
            }
        }

        return bits;
    }

    // Not a number goes into the first bin; the analysis refuses it elsewhere.
    private static int Bin(double place)
        => place >= TorchReduction.EntropyBins - 1 ? TorchReduction.EntropyBins - 1 : place > 0 ? (int)place : 0;

    private static double Term(double share) => share > 0 ? -share * Math.Log2(share) : 0;
}
