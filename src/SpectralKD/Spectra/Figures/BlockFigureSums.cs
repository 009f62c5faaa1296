using System.Collections.Immutable;
using System.Security.Cryptography;
using TorchSharp;

namespace SpectralKD.Spectra;

/// <summary>
/// Running sums of one block's figures, image by image. Whole numbers, counts and maxima only (<see cref="ExactSums"/>), so that parts of a data set give the same bytes as
/// one run. Memory is that of C (C + 1) / 2 sums of 16 bytes, whatever the number of images: 8 MiB at C = 1024.
/// </summary>
internal sealed class BlockFigureSums
{
    private const double LongToken = 4;
    private const double Massive = 100;
    private const double MassiveRatio = 1000;
    private const double ParkKimSmall = 1e-6;
    private const int GaussianMaps = 4;

    private readonly int _channels;
    private readonly int _height;
    private readonly int _width;
    private readonly long[] _order; // the block's random order of channels
    private readonly double[] _spatialWeights;
    private readonly double[] _channelWeights;

    private readonly TokenMoments _moments;
    private readonly ExactSums _amplitude; // H x (W / 2 + 1), as are the next two
    private readonly ExactSums _power;
    private readonly ExactSums _logAmplitude;
    private readonly ExactSums _magnitude; // C / 2 + 1
    private readonly ExactSums _channelPower;
    private readonly ExactSums _shares; // of each token's energy, C / 2 + 1
    private readonly ExactSums _permutedShares;
    private readonly ExactSums _scalars = new(Enum.GetValues<Of>().Length);
    private readonly RankTally _ranks;
    private readonly RankTally _centred;
    private readonly DimensionTally _sep;
    private long _images;
    private long _zeroAmplitudes;
    private long _longTokens;
    private long _massive;
    private double _largest;
    private double _largestRatio;

    internal BlockFigureSums(int block, int channels, int height, int width)
    {
        (_channels, _height, _width) = (channels, height, width);
        (_spatialWeights, _channelWeights) = (HalfSpectrum.Weights(height, width), HalfSpectrum.Weights(1, channels));
        _order = [.. Enumerable.Range(0, channels).Select(channel => (long)channel)];
        new CounterRandom(block, channels).Shuffle<long>(_order);
        _moments = new TokenMoments(channels);
        (_amplitude, _power, _logAmplitude) = (new ExactSums(_spatialWeights.Length), new ExactSums(_spatialWeights.Length), new ExactSums(_spatialWeights.Length));
        (_magnitude, _channelPower) = (new ExactSums(_channelWeights.Length), new ExactSums(_channelWeights.Length));
        (_shares, _permutedShares) = (new ExactSums(_channelWeights.Length), new ExactSums(_channelWeights.Length));
        (_ranks, _centred) = (new RankTally(Math.Min(channels, Tokens)), new RankTally(Math.Min(channels, Tokens)));
        _sep = new DimensionTally(SepFigures.Parts.Length, channels);
    }

    private enum Of
    {
        LogAmplitude,
        Participation,
        TokenMean,
        LongTokens,
        ChannelsPermuted,
        PixelsPermuted,
        NormalizedSpatial,
        NormalizedChannel,
        SpatialIntensity,
        SpatialSquare,
        ChannelIntensity,
        ChannelSquare,
        HalfEnergy,
        HalfEnergySquare,
    }

    /// <summary>Images added.</summary>
    internal long Images => _images;

    private int Tokens => _height * _width;

    private (string Name, ExactSums Sums)[] Named =>
    [
        .. _moments.Named, ("amplitude", _amplitude), ("power", _power), ("log_amplitude", _logAmplitude), ("magnitude", _magnitude),
        ("channel_power", _channelPower), ("shares", _shares), ("permuted_shares", _permutedShares), ("scalars", _scalars),
    ];

    /// <summary>Adds one image.</summary>
    /// <param name="map"><c>[C, H, W]</c>, finite, any floating type, on any device.</param>
    /// <param name="key">Tells the image from others, for its random order of places.</param>
    internal void Add(Tensor map, long key)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var wide = map.detach().to(float64).cpu();
        var tokens = wide.flatten(1).t().contiguous(); // [N, C]
        _images++;
        _moments.Add(tokens);
        _ranks.Add(Values(linalg.svdvals(tokens)));
        _centred.Add(Values(linalg.svdvals(tokens - tokens.mean([0], keepdim: true))));
        AddSpatial(wide);
        AddChannel(tokens);
        AddTokens(tokens);
        var order = Enumerable.Range(0, Tokens).Select(place => (long)place).ToArray();
        new CounterRandom(key, 1).Shuffle<long>(order);
        var normal = nn.functional.layer_norm(tokens, [_channels], null, null, 1e-6);
        Add(Of.PixelsPermuted, SpatialIntensity(tokens.index_select(0, tensor(order))));
        Add(Of.NormalizedSpatial, SpatialIntensity(normal));
        Add(Of.NormalizedChannel, ChannelIntensity(fft.rfft(normal, dim: -1).abs()));
    }

    /// <summary>Adds the sums of other images.</summary>
    internal void Add(BlockFigureSums other)
    {
        foreach (var (mine, more) in Named.Zip(other.Named))
        {
            mine.Sums.Add(more.Sums);
        }

        _ranks.Add(other._ranks);
        _centred.Add(other._centred);
        _sep.Add(other._sep);
        _images += other._images;
        _zeroAmplitudes += other._zeroAmplitudes;
        _longTokens += other._longTokens;
        _massive += other._massive;
        (_largest, _largestRatio) = (Math.Max(_largest, other._largest), Math.Max(_largestRatio, other._largestRatio));
    }

    /// <summary>Equal sums that share nothing with these.</summary>
    internal BlockFigureSums Copy(int block)
    {
        var copy = new BlockFigureSums(block, _channels, _height, _width);
        copy.Add(this);
        return copy;
    }

    /// <summary>Writes the sums, or takes them over.</summary>
    internal void Exchange(SumsFile file)
    {
        foreach (var (name, sums) in Named)
        {
            file.Exchange(name, sums.Raw);
        }

        Span<long> counts = [_images, _zeroAmplitudes, _longTokens, _massive, BitConverter.DoubleToInt64Bits(_largest), BitConverter.DoubleToInt64Bits(_largestRatio)];
        file.Exchange("counts", counts);
        (_images, _zeroAmplitudes, _longTokens, _massive) = (counts[0], counts[1], counts[2], counts[3]);
        (_largest, _largestRatio) = (BitConverter.Int64BitsToDouble(counts[4]), BitConverter.Int64BitsToDouble(counts[5]));
        _ranks.Exchange(file, "ranks", _images);
        _centred.Exchange(file, "ranks_centred", _images);
        _sep.Exchange(file, "sep", _images);
    }

    /// <summary>Adds the moments, which alone make the shared basis, to a hash.</summary>
    internal void HashTo(IncrementalHash hash)
    {
        _moments.HashTo(hash);
        hash.AppendData(BitConverter.GetBytes(_images));
    }

    /// <summary>A block's spectra with sums that do not depend on the images' order.</summary>
    internal BlockSpectrum Exact(BlockSpectrum block) => block with
    {
        Spatial = block.Spatial! with
        {
            Amplitude = [.. SpectralLayout.ShiftedFromHalf(_amplitude.ToArray(), _height, _width)],
            Power = [.. SpectralLayout.ShiftedFromHalf(_power.ToArray(), _height, _width)],
            Intensities = block.Spatial.Intensities with { Sum = _scalars[(int)Of.SpatialIntensity], Squares = _scalars[(int)Of.SpatialSquare] },
        },
        Channel = block.Channel! with
        {
            Magnitude = [.. Whole(_magnitude, 1)],
            Intensities = block.Channel.Intensities with { Sum = _scalars[(int)Of.ChannelIntensity], Squares = _scalars[(int)Of.ChannelSquare] },
        },
    };

    /// <summary>Eigenvectors of the tokens' second moments in columns, the largest eigenvalue's first: the basis that all images share, <c>[C, C]</c>.</summary>
    internal (Tensor Basis, Tensor Mean) SharedBasis(bool centred)
    {
        using var scope = NewDisposeScope();
        var (_, vectors) = _moments.Eigen((double)_images * Tokens, centred);
        return (vectors.flip(1).contiguous().MoveToOuterDisposeScope(), _moments.Mean((double)_images * Tokens).MoveToOuterDisposeScope());
    }

    /// <summary>The figures of all images so far, with the spectra of the same images in both domains.</summary>
    internal BlockReport ToFigures(BlockSpectrum block, IntensityParts spatial, IntensityParts channel, ImageRanks? shared, ImageRanks? sharedCentred)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var tokens = (double)_images * Tokens;
        return new BlockReport
        {
            Index = block.Index,
            Name = block.Name,
            Channels = _channels,
            Spatial = spatial,
            Channel = channel,
            Nulls = Nulls(block.Index),
            AmplitudeFlatness = _zeroAmplitudes > 0 ? 0 : Math.Exp(_scalars[(int)Of.LogAmplitude] / (_images * _channels * Tokens)) / spatial.Intensity,
            ChannelFlatness = RankFigures.Flatness(Whole(_channelPower, 1)),
            TokenParticipation = _scalars[(int)Of.Participation] / tokens,
            TokenMeanShare = _scalars[(int)Of.TokenMean] / tokens / (spatial.Rms * spatial.Rms),
            LogAmplitude = LogAmplitude(),
            Ranks = _ranks.ToRanks(_images),
            RanksCentred = _centred.ToRanks(_images),
            DataSet = new DataSetRanks { Eigenvalues = Eigenvalues(false), SharedBasis = shared },
            DataSetCentred = new DataSetRanks { Eigenvalues = Eigenvalues(true), SharedBasis = sharedCentred },
            Sep = Sep(tokens),
            Outliers = new OutlierFigures
            {
                TokenShare = _longTokens / tokens,
                TokenLength = _longTokens == 0 ? 0 : _scalars[(int)Of.LongTokens] / _longTokens,
                MassiveActivations = (double)_massive / _images,
                LargestActivation = _largest,
                LargestRatio = _largestRatio,
            },
            ActivationEntropy = block.ActivationEntropy,
        };
    }

    private void AddSpatial(Tensor map)
    {
        var amplitude = fft.rfft2(map, norm: FFTNormType.Ortho).abs(); // [C, H, W/2+1]
        var (sizes, powers) = (Values(amplitude.sum([0L])), Values(amplitude.Squared().sum([0L])));
        _amplitude.Add(sizes);
        _power.Add(powers);
        var intensity = Dot(sizes, _spatialWeights) / ((double)_channels * Tokens);
        Add(Of.SpatialIntensity, intensity);
        Add(Of.SpatialSquare, intensity * intensity);
        _logAmplitude.Add(Values(amplitude.Times(Math.Sqrt(Tokens)).Plus(ParkKimSmall).log().sum([0L])));
        var logs = Dot(Values(amplitude.log().sum([0L])), _spatialWeights);
        if (double.IsFinite(logs))
        {
            Add(Of.LogAmplitude, logs);
        }
        else
        {
            _zeroAmplitudes++;
        }
    }

    private void AddChannel(Tensor tokens)
    {
        var magnitude = fft.rfft(tokens, dim: -1).abs(); // [N, C/2+1]
        var (sizes, power) = (Values(magnitude.sum([0L])), magnitude.Squared());
        _magnitude.Add(sizes);
        var intensity = Dot(sizes, _channelWeights) / ((double)Tokens * _channels * _channels);
        Add(Of.ChannelIntensity, intensity);
        Add(Of.ChannelSquare, intensity * intensity);
        _channelPower.Add(Values(power.sum([0L])));
        AddShares(Shares(power));
        var permuted = fft.rfft(tokens.index_select(1, tensor(_order)), dim: -1).abs();
        Add(Of.ChannelsPermuted, ChannelIntensity(permuted));
        _permutedShares.Add(Values(Shares(permuted.Squared()).sum([0L])));
    }

    private void AddShares(Tensor shares) // [N, C/2+1]
    {
        var sums = Values(shares.sum([0L]));
        _shares.Add(sums);
        _sep.Add(SepFigures.DimensionsOf(Cumulative(Whole([.. sums.Select(sum => sum / Tokens)]))));
        foreach (var share in Values(shares.narrow(1, 0, (_channels / 2) + 1).sum(1)))
        {
            Add(Of.HalfEnergy, share);
            Add(Of.HalfEnergySquare, share * share);
        }
    }

    /// <summary>Each frequency's share of each token's energy, <c>[N, C/2+1]</c>.</summary>
    private Tensor Shares(Tensor power)
    {
        var energy = power.mul(tensor(_channelWeights)).sum([1], keepdim: true); // [N, 1]
        return power.div(energy.AtLeast(double.Epsilon));
    }

    private void AddTokens(Tensor tokens)
    {
        var squares = tokens.Squared();
        var energies = Values(squares.sum(1)); // [N]
        var fourth = Values(squares.Squared().sum(1));
        Add(Of.Participation, energies.Zip(fourth, (two, four) => four > 0 ? two * two / four : 0).Sum());
        Add(Of.TokenMean, Values(tokens.mean([1]).Squared().sum())[0]);

        var lengths = energies.Select(Math.Sqrt).ToArray();
        var sorted = lengths.Order().ToArray();
        var middle = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        foreach (var length in lengths.Where(length => length > LongToken * middle && middle > 0))
        {
            _longTokens++;
            Add(Of.LongTokens, length / middle);
        }

        var sizes = tokens.abs();
        var (largest, median) = (sizes.max().item<double>(), sizes.flatten().median().item<double>());
        _largest = Math.Max(_largest, largest);
        _largestRatio = median > 0 ? Math.Max(_largestRatio, largest / median) : _largestRatio;
        if (largest > Math.Max(Massive, MassiveRatio * median))
        {
            _massive += Values(sizes).Count(size => size > Math.Max(Massive, MassiveRatio * median));
        }
    }

    private double SpatialIntensity(Tensor tokens)
    {
        var amplitude = fft.rfft2(tokens.t().reshape(-1, _height, _width), norm: FFTNormType.Ortho).abs(); // [C, H, W/2+1]
        return Dot(Values(amplitude.sum([0L])), _spatialWeights) / ((double)amplitude.shape[0] * Tokens);
    }

    private double ChannelIntensity(Tensor magnitude) // [N, C/2+1]
        => Dot(Values(magnitude.sum([0L])), _channelWeights) / ((double)magnitude.shape[0] * _channels * _channels);

    private IntensityNulls Nulls(int block)
    {
        var (spatial, channel) = Gaussian(block);
        return new IntensityNulls
        {
            ChannelsPermuted = _scalars[(int)Of.ChannelsPermuted] / _images,
            PixelsPermuted = _scalars[(int)Of.PixelsPermuted] / _images,
            NormalizedSpatial = _scalars[(int)Of.NormalizedSpatial] / _images,
            NormalizedChannel = _scalars[(int)Of.NormalizedChannel] / _images,
            GaussianSpatial = spatial,
            GaussianChannel = channel,
        };
    }

    private (double Spatial, double Channel) Gaussian(int block)
    {
        var random = new CounterRandom(block, _channels, 2);
        var noise = new double[GaussianMaps * Tokens * _channels];
        for (var i = 0; i < noise.Length; i++)
        {
            noise[i] = random.NextGaussian();
        }

        var all = (double)_images * Tokens;
        var (values, vectors) = _moments.Eigen(all, centred: true);
        var tokens = tensor(noise, [GaussianMaps * Tokens, _channels]).mul(values.AtLeast(0).sqrt()).mm(vectors.t()).Plus(_moments.Mean(all)); // [M*N, C]
        var spatial = Enumerable.Range(0, GaussianMaps).Average(map => SpatialIntensity(tokens.narrow(0, (long)map * Tokens, Tokens)));
        return (spatial, ChannelIntensity(fft.rfft(tokens, dim: -1).abs()));
    }

    private ImmutableArray<double> Eigenvalues(bool centred)
    {
        using var scope = NewDisposeScope();
        var (values, _) = _moments.Eigen((double)_images * Tokens, centred);
        return [.. Enumerable.Reverse(Values(values)).Select(value => Math.Max(0, value))];
    }

    private ImmutableArray<double>? LogAmplitude()
    {
        if (_height != _width)
        {
            return null;
        }

        var map = SpectralLayout.ShiftedFromHalf(_logAmplitude.ToArray(), _height, _width);
        var diagonal = Enumerable.Range(_height / 2, _height - (_height / 2)).Select(i => map[(i * _width) + i] / (_images * _channels)).ToList();
        return [.. diagonal.Select(value => value - diagonal[0])];
    }

    private SepFigures Sep(double tokens)
    {
        var zero = _shares[0] / tokens;
        var (half, square) = (_scalars[(int)Of.HalfEnergy] / tokens, _scalars[(int)Of.HalfEnergySquare] / tokens);
        return new SepFigures
        {
            FoldedCurve = Cumulative([.. _shares.ToArray().Zip(_channelWeights, (share, weight) => share * weight / tokens)]),
            ImageMean = _sep.Mean,
            ImageDeviation = _sep.Deviation,
            ImagePercentile99 = _sep.Percentile99,
            DeviationAtHalf = Math.Sqrt(Math.Max(0, square - (half * half))),
            Curve = Cumulative(Whole(_shares, tokens)),
            PermutedCurve = Cumulative(Whole(_permutedShares, tokens)),
            NullCurve = Cumulative([.. Enumerable.Range(0, _channels).Select(k => k == 0 ? zero : (1 - zero) / (_channels - 1))]),
        };
    }

    private static ImmutableArray<double> Cumulative(double[] shares)
    {
        var sum = 0.0;
        return [.. shares.Select(share => sum += share)];
    }

    private double[] Whole(ExactSums half, double divisor) => Whole([.. half.ToArray().Select(value => value / divisor)]);

    /// <summary>The frequencies 0 .. C - 1 from 0 .. C / 2.</summary>
    private double[] Whole(double[] half) => [.. Enumerable.Range(0, _channels).Select(k => half[Math.Min(k, _channels - k)])];

    private void Add(Of what, double value) => _scalars.Add((int)what, value);

    private static double Dot(double[] left, double[] right) => System.Numerics.Tensors.TensorPrimitives.Dot<double>(left, right);

    private static double[] Values(Tensor tensor) => tensor.contiguous().data<double>().ToArray();
}
