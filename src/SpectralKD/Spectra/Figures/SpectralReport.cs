using System.Collections.Immutable;
using System.Diagnostics;
using Microsoft.Data.Analysis;

namespace SpectralKD.Spectra;

/// <summary>
/// All that one pass over the images can say about each block: why its intensity is what it is, and how large, how even and of how many dimensions its maps are.
/// </summary>
/// <example><code>
/// using var model = ModelLoader.Load("deit_nano_patch8_64");
/// var report = SpectralReport.Run(model, ImageSources.Open("textures", count: 20, size: 64));
/// Console.WriteLine(report.Words);
/// report.ToDataFrame().SaveTable("report.csv");
/// Console.WriteLine($"{report.Blocks[^1].DataSet.EffectiveRank:0.0} of {report.Blocks[^1].Channels} directions");
/// </code></example>
public sealed class SpectralReport
{
    private readonly ImmutableArray<BlockFigureSums> _sums;

    private SpectralReport(ModelSpectrum spectrum, ImmutableArray<BlockFigureSums> sums, IReadOnlyList<ImageRanks>? shared = null, IReadOnlyList<ImageRanks>? sharedCentred = null)
    {
        (Spectrum, _sums) = (spectrum, sums);
        Spatial = IntensityDecomposition.Of(spectrum);
        Channel = IntensityDecomposition.Of(spectrum, SpectralDomain.Channel);
        Blocks = [.. spectrum.Blocks.Select((block, i) => sums[i].ToFigures(block, Spatial.Blocks[i], Channel.Blocks[i], shared?[i], sharedCentred?[i]))];
    }

    /// <summary>The spectra in both domains.</summary>
    public ModelSpectrum Spectrum { get; }

    /// <summary>The spatial U-curve taken apart.</summary>
    public IntensityDecomposition Spatial { get; }

    /// <summary>The channel U-curve taken apart.</summary>
    public IntensityDecomposition Channel { get; }

    /// <summary>The figures of the blocks in order of depth.</summary>
    public ImmutableArray<BlockReport> Blocks { get; }

    /// <summary>What makes the curves, in two sentences.</summary>
    public string Words => $"{Spectrum.Title}: {Spectrum.UShape.Words}. Of its shape over depth, {Share(Spatial)}; of the channel curve's, {Share(Channel)}.";

    /// <summary>Runs images through a model twice: for all sums, then for the entropy and for how many shared components each image needs.</summary>
    /// <param name="model">The model; switched to evaluation mode meanwhile.</param>
    /// <param name="images">The images; those that cannot be read are left out and named.</param>
    /// <param name="options">Layers, batch size and so on; both domains are taken whatever it says.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="SpectralKDException">
    /// The source is empty or unreadable, a layer does not exist, a map holds NaN or infinity, or a block has no activation but zero.
    /// </exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static SpectralReport Run(
        VisionModel model, IImageSource images, SpectralOptions? options = null, IProgress<AnalysisProgress>? progress = null, CancellationToken cancellation = default)
    {
        options = (options ?? new SpectralOptions()) with { Domain = SpectralDomain.Both };
        if (options.ResumeFile is not null)
        {
            throw new SpectralKDException("a report cannot go on from a file (ResumeFile): leave it out; SpectralAnalysis.Run takes it");
        }

        var stream = new ImageStream(images, model, options, cancellation);
        using var numbers = ModelInPrecision.Of(model, options.Precision);
        var recorder = new PartRecorder(model, images.Name, numbers.Numbers);
        LibTorch.EnsureLoaded();
        using var run = new ModelRun(numbers.Model, options);
        var pass = new ReportPass(numbers.Model, run, stream, progress, cancellation);
        var (spectrum, sums) = pass.Sums(recorder);
        var (entropy, shared, sharedCentred) = pass.Again(sums, options.EntropyRange ?? spectrum.Activations!);
        var part = recorder.ToPart(model.Spec, images, options.Shard, stream.LeftOut);
        spectrum = spectrum.WithEntropyOf(entropy) with { Source = images.Name, Skipped = stream.Skipped, Parts = [part], At = options.At };
        return new SpectralReport(spectrum, sums, shared, sharedCentred);
    }

    /// <summary>
    /// Adds the figures of other images, exactly as if all had been taken together; only <see cref="DataSetRanks.SharedBasis"/> is lost, since each image would have to be seen again.
    /// </summary>
    /// <param name="other">A report of the same model and blocks over images that are not among these.</param>
    /// <exception cref="SpectralKDException">The spectra do not merge, see <see cref="ModelSpectrum.Merge(ModelSpectrum, bool)"/>.</exception>
    public SpectralReport Merge(SpectralReport other)
    {
        var spectrum = Spectrum.WithoutActivationEntropy().Merge(other.Spectrum.WithoutActivationEntropy());
        var sums = _sums.Select((block, i) => block.Copy(spectrum.Blocks[i].Index)).ToImmutableArray();
        for (var i = 0; i < sums.Length; i++)
        {
            sums[i].Add(other._sums[i]);
        }

        return new SpectralReport(spectrum, sums);
    }

    /// <summary>One row a block.</summary>
    /// <remarks>
    /// Columns: <c>block</c>, <c>name</c>; <c>intensity</c> = <c>rms</c> x <c>kappa</c> (spatial), <c>mean_share</c> (of the power, 0 to 1), <c>flatness</c> (0 to 1);
    /// <c>channel_intensity</c>, <c>channel_kappa</c>; the intensities without one thing: <c>null_pixels</c> (order of places), <c>null_channels</c> (order of channels, channel
    /// intensity), <c>null_layernorm</c> (size of tokens), <c>null_gaussian</c> (all but mean and covariance); dimensions: <c>image_rank</c> (effective), <c>image_d95</c>,
    /// <c>image_d95_centred</c> (99th percentiles over images), <c>rank</c> (effective, of all tokens), <c>rankme</c>, <c>participation</c>, <c>d95</c>, <c>d95_centred</c>,
    /// <c>alpha</c>, <c>coding_rate</c> (nats a token); <c>sep_50</c>, <c>sep_50_null</c> (frequencies); <c>log_amplitude</c> (highest frequency over zero, natural logarithm);
    /// <c>token_participation</c> (channels); <c>outlier_tokens</c> (share), <c>massive_activations</c> (an image), <c>largest_activation</c>; <c>activation_entropy</c> (bits).
    /// </remarks>
    public DataFrame ToDataFrame() => new(
        new Int32DataFrameColumn("block", Blocks.Select(block => block.Index)),
        new StringDataFrameColumn("name", Blocks.Select(block => block.Name)),
        Column("intensity", block => block.Spatial.Intensity),
        Column("rms", block => block.Spatial.Rms),
        Column("kappa", block => block.Spatial.Kappa),
        Column("mean_share", block => block.Spatial.MeanShare),
        Column("flatness", block => block.Spatial.Flatness),
        Column("channel_intensity", block => block.Channel.Intensity),
        Column("channel_kappa", block => block.Channel.Kappa),
        Column("null_pixels", block => block.Nulls.PixelsPermuted),
        Column("null_channels", block => block.Nulls.ChannelsPermuted),
        Column("null_layernorm", block => block.Nulls.NormalizedSpatial),
        Column("null_gaussian", block => block.Nulls.GaussianSpatial),
        Column("image_rank", block => block.Ranks.EffectiveRank),
        Column("image_d95", block => block.Ranks.Percentile99[2]),
        Column("image_d95_centred", block => block.RanksCentred.Percentile99[2]),
        Column("rank", block => block.DataSet.EffectiveRank),
        Column("rankme", block => block.DataSet.RankMe),
        Column("participation", block => block.DataSet.ParticipationRatio),
        Column("d95", block => block.DataSet.Components[2]),
        Column("d95_centred", block => block.DataSetCentred.Components[2]),
        Column("alpha", block => double.IsNaN(block.DataSetCentred.Alpha) ? null : block.DataSetCentred.Alpha),
        Column("coding_rate", block => block.DataSetCentred.CodingRate),
        Column("sep_50", block => block.Sep.Dimensions[0]),
        Column("sep_50_null", block => block.Sep.NullDimensions[0]),
        Column("log_amplitude", block => block.LogAmplitude?[^1]),
        Column("token_participation", block => block.TokenParticipation),
        Column("outlier_tokens", block => block.Outliers.TokenShare),
        Column("massive_activations", block => block.Outliers.MassiveActivations),
        Column("largest_activation", block => block.Outliers.LargestActivation),
        Column("activation_entropy", block => block.ActivationEntropy));

    private DoubleDataFrameColumn Column(string name, Func<BlockReport, double?> value) => new(name, Blocks.Select(value));

    private static string Share(IntensityDecomposition parts) => parts.AmplitudeShare is { } share
        ? FormattableString.Invariant($"{100 * share:0} % is the size of the activations (RMS) and {100 * (1 - share):0} % the evenness of the spectrum (kappa)")
        : "there is nothing to take apart: it is constant";
}

/// <summary>The two passes of a report over its images.</summary>
internal sealed class ReportPass(VisionModel model, ModelRun run, ImageStream stream, IProgress<AnalysisProgress>? progress, CancellationToken cancellation)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>The spectra, and every block's sums.</summary>
    internal (ModelSpectrum Spectrum, ImmutableArray<BlockFigureSums> Sums) Sums(PartRecorder recorder)
    {
        var accumulator = new SpectrumAccumulator(model.Spec.Name, run.Blocks, SpectralDomain.Both, null, model.Blocks.Count);
        var sums = new BlockFigureSums?[run.Blocks.Count];
        Each(1, accumulator, recorder, (position, map, key) =>
        {
            var shape = map.shape; // [C, H, W]
            sums[position] ??= new BlockFigureSums(run.Blocks[position].Index, (int)shape[0], (int)shape[1], (int)shape[2]);
            sums[position]!.Add(map, key);
        });
        return (accumulator.ToSpectrum(model.Spec.Name), [.. sums.Select(block => block!)]);
    }

    /// <summary>The activation entropy, and how many components of the basis that all images share each of them needs, with the mean token and without.</summary>
    internal (ModelSpectrum Entropy, IReadOnlyList<ImageRanks> Shared, IReadOnlyList<ImageRanks> SharedCentred) Again(
        ImmutableArray<BlockFigureSums> sums, ActivationRange range)
    {
        using var scope = NewDisposeScope();
        var bases = sums.Select(block => (Plain: block.SharedBasis(centred: false), Centred: block.SharedBasis(centred: true))).ToList();
        var tallies = bases.Select(basis => (Plain: new RankTally((int)basis.Plain.Mean.shape[0]), Centred: new RankTally((int)basis.Plain.Mean.shape[0]))).ToList();
        var accumulator = new SpectrumAccumulator(model.Spec.Name, run.Blocks, SpectralDomain.None, range, model.Blocks.Count);
        Each(2, accumulator, null, (position, map, _) =>
        {
            var tokens = map.to(float64).cpu().flatten(1).t(); // [N, C]
            var (plain, centred) = bases[position];
            tallies[position].Plain.AddEnergies(Energies(tokens, plain.Basis));
            tallies[position].Centred.AddEnergies(Energies(tokens - centred.Mean, centred.Basis));
        });
        return (accumulator.ToSpectrum(model.Spec.Name), [.. tallies.Select(tally => tally.Plain.ToRanks(ofImages: false))], [.. tallies.Select(tally => tally.Centred.ToRanks(ofImages: false))]);
    }

    /// <summary>An image's energy along each vector of a basis.</summary>
    internal static double[] Energies(Tensor tokens, Tensor basis) => tokens.mm(basis).Squared().sum([0L]).data<double>().ToArray();

    private void Each(int pass, SpectrumAccumulator accumulator, PartRecorder? recorder, Action<int, Tensor, long> take)
    {
        var done = 0;
        foreach (var batch in stream.Batches(0))
        {
            cancellation.ThrowIfCancellationRequested();
            run.Forward(batch, accumulator, maps =>
            {
                for (var position = 0; position < run.Blocks.Count; position++)
                {
                    var map = maps.First(map => map.Block == run.Blocks[position].Index).Values; // [B, C, H, W]
                    for (var image = 0; image < map.shape[0]; image++)
                    {
                        take(position, map[image], batch.Origin!(image).Place);
                    }
                }
            });
            recorder?.Add(batch.Images);
            NativeHeap.AfterBatch(++done);
            progress?.Report(new AnalysisProgress(pass, 2, accumulator.Images, stream.Count, _clock.Elapsed));
        }
    }
}
