using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
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
