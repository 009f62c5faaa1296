using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;

namespace SpectralKD.Spectra;

/// <summary>The passes of a report over its images.</summary>
internal sealed class ReportPass(VisionModel model, ModelRun run, ImageStream stream, int passes, IProgress<AnalysisProgress>? progress, CancellationToken cancellation)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>The spectra, and every block's sums.</summary>
    internal (ModelSpectrum Spectrum, ImmutableArray<BlockFigureSums> Sums) Sums(PartRecorder recorder, bool perImage)
    {
        var accumulator = new SpectrumAccumulator(model.Spec.Name, run.Blocks, SpectralDomain.Both, null, model.Blocks.Count, findRange: true, perImage);
        var sums = new BlockFigureSums?[run.Blocks.Count];
        Each(1, batch =>
        {
            run.Forward(batch, accumulator, maps => EachMap(batch, maps, (position, map, key) =>
            {
                var shape = map.shape; // [C, H, W]
                sums[position] ??= new BlockFigureSums(run.Blocks[position].Index, (int)shape[0], (int)shape[1], (int)shape[2]);
                sums[position]!.Add(map, key);
            }));
            recorder.Add(batch.Images);
        });
        var spectrum = accumulator.ToSpectrum(model.Spec.Name);
        return (spectrum with { PerImage = spectrum.PerImage is { } each ? stream.Named(each) : null }, [.. sums.Select(block => block!)]);
    }

    /// <summary>The activation entropy, and how many components of the basis that all images share each of them needs, with the mean token and without.</summary>
    internal SecondPass Again(SecondPass.Basis basis)
    {
        using var scope = NewDisposeScope();
        var vectors = basis.Vectors();
        var second = new SecondPass(basis.Name, basis.Range, [.. vectors.Select(block => (int)block.Mean.shape[0])]);
        Each(passes, batch => run.Forward(batch, maps => EachMap(batch, maps, (position, map, _) =>
        {
            using var inner = NewDisposeScope();
            var tokens = map.to(float64).cpu().flatten(1).t(); // [N, C]
            var (plain, centred, mean) = vectors[position];
            second.Add(position, Energies(tokens, plain), Energies(tokens - mean, centred), TorchReduction.Reduce(map.unsqueeze(0), SpectralDomain.None, false, basis.Range).EntropyBits[0]);
        })));
        return second;
    }

    /// <summary>An image's energy along each vector of a basis.</summary>
    internal static double[] Energies(Tensor tokens, Tensor basis) => tokens.mm(basis).Squared().sum([0L]).data<double>().ToArray();

    private void EachMap(AnalysisBatch batch, IReadOnlyList<FeatureMap> maps, Action<int, Tensor, long> take)
    {
        for (var position = 0; position < run.Blocks.Count; position++)
        {
            var map = maps.First(map => map.Block == run.Blocks[position].Index).Values; // [B, C, H, W]
            for (var image = 0; image < map.shape[0]; image++)
            {
                take(position, map[image], batch.Origin!(image).Place);
            }
        }
    }

    private void Each(int pass, Action<AnalysisBatch> take)
    {
        var (batches, images) = (0, 0L);
        foreach (var batch in stream.Batches(0))
        {
            cancellation.ThrowIfCancellationRequested();
            take(batch);
            NativeHeap.AfterBatch(++batches);
            progress?.Report(new AnalysisProgress(pass, passes, images += batch.Images.shape[0], stream.Count, _clock.Elapsed));
        }
    }
}

/// <summary>What can only be counted when all images have been seen once: entropies over the range of all, components of the basis of all. Whole numbers, so that parts add up exactly.</summary>
internal sealed class SecondPass
{
    private readonly string _basis;
    private readonly ActivationRange _range;
    private readonly int[] _channels;
    private readonly DimensionTally[] _plain;
    private readonly DimensionTally[] _centred;
    private readonly ExactSums _bits;
    private long _images;

    internal SecondPass(string basis, ActivationRange range, IReadOnlyList<int> channels)
    {
        (_basis, _range, _channels, _bits) = (basis, range, [.. channels], new ExactSums(channels.Count));
        (_plain, _centred) = ([.. channels.Select(Tally)], [.. channels.Select(Tally)]);

        static DimensionTally Tally(int channels) => new(ImageRanks.Parts.Length, channels);
    }

    /// <summary>What tells its basis and range from others; two passes by the same add up.</summary>
    internal string Name => _basis;

    /// <summary>Images counted.</summary>
    internal long Images => _images;

    /// <summary>Adds an image's map of a block.</summary>
    internal void Add(int position, double[] plain, double[] centred, double bits)
    {
        _plain[position].Add([.. ImageRanks.Parts.Select(part => RankFigures.ComponentsFor(plain, part))]);
        _centred[position].Add([.. ImageRanks.Parts.Select(part => RankFigures.ComponentsFor(centred, part))]);
        _bits.Add(position, bits);
        _images += position == 0 ? 1 : 0;
    }

    /// <summary>Those of several parts together; null where one has none, or one by another basis or range.</summary>
    internal static SecondPass? Merge(IReadOnlyList<SecondPass?> parts)
    {
        if (parts[0] is not { } first || parts.Any(part => part is null || part._basis != first._basis || part._range != first._range))
        {
            return null;
        }

        var sum = new SecondPass(first._basis, first._range, first._channels);
        foreach (var part in parts)
        {
            for (var i = 0; i < sum._channels.Length; i++)
            {
                sum._plain[i].Add(part!._plain[i]);
                sum._centred[i].Add(part._centred[i]);
            }

            sum._bits.Add(part!._bits);
            sum._images += part._images;
        }

        return sum;
    }

    /// <summary>Writes the counts.</summary>
    internal void Write(SumsFile file) => Exchange(file, [BitConverter.DoubleToInt64Bits(_range.Minimum), BitConverter.DoubleToInt64Bits(_range.Maximum), _images]);

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    internal static SecondPass Read(SumsFile file, string basis, ModelSpectrum spectrum)
    {
        var counts = new long[3];
        file.Begin();
        file.Exchange("second", counts);
        var range = new ActivationRange(BitConverter.Int64BitsToDouble(counts[0]), BitConverter.Int64BitsToDouble(counts[1]));
        file.Require(range.Minimum <= range.Maximum && counts[2] == spectrum.Images, "its second pass is of other images");
        var second = new SecondPass(basis, range, [.. spectrum.Blocks.Select(block => block.Channels)]);
        second.Exchange(file, counts);
        return second;
    }

    /// <summary>A block's entropy.</summary>
    internal EntropySums Entropy(int position, BlockSpectrum block) => new() { Range = _range, Bits = _bits[position], Tokens = block.Images * block.Height * block.Width };

    /// <summary>Components that the images need of the shared basis, with the mean token.</summary>
    internal ImageRanks Plain(int position) => Ranks(_plain[position]);

    /// <summary>Components that the images need of the shared basis, without the mean token.</summary>
    internal ImageRanks Centred(int position) => Ranks(_centred[position]);

    private static ImageRanks Ranks(DimensionTally tally) => new() { Mean = tally.Mean, Deviation = tally.Deviation, Percentile99 = tally.Percentile99 };

    private void Exchange(SumsFile file, long[] counts)
    {
        file.Begin();
        file.Exchange("second", counts);
        _images = counts[2];
        for (var i = 0; i < _channels.Length; i++)
        {
            file.Begin(i);
            _plain[i].Exchange(file, "second.plain", Images);
            _centred[i].Exchange(file, "second.centred", Images);
        }

        file.Begin();
        file.Exchange("second.bits", _bits.Raw);
    }

    /// <summary>Basis and range of a whole set of images.</summary>
    internal sealed class Basis(ImmutableArray<BlockFigureSums> sums, ActivationRange range)
    {
        internal ActivationRange Range => range;

        /// <summary>A hash of all that it depends on.</summary>
        internal string Name { get; } = NameOf(sums);

        /// <summary>The basis of each block with the mean token and without, and the mean token; the caller's scope holds them.</summary>
        internal List<(Tensor Plain, Tensor Centred, Tensor Mean)> Vectors() => [.. sums.Select(block =>
        {
            var ((plain, mean), (centred, _)) = (block.SharedBasis(centred: false), block.SharedBasis(centred: true));
            return (plain, centred, mean);
        })];

        private static string NameOf(ImmutableArray<BlockFigureSums> sums)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var block in sums)
            {
                block.HashTo(hash);
            }

            return Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant();
        }
    }
}
