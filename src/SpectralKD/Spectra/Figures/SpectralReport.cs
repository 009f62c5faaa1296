using System.Collections.Immutable;
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
    private static readonly (string Name, Func<BlockReport, double?> Value)[] ByName =
    [
        ("intensity", block => block.Spatial.Intensity),
        ("intensity_low", block => block.IntensityInterval?.Low),
        ("intensity_high", block => block.IntensityInterval?.High),
        ("rms", block => block.Spatial.Rms),
        ("kappa", block => block.Spatial.Kappa),
        ("mean_share", block => block.Spatial.MeanShare),
        ("flatness", block => block.Spatial.Flatness),
        ("channel_intensity", block => block.Channel.Intensity),
        ("channel_kappa", block => block.Channel.Kappa),
        ("channel_mean_share", block => block.TokenMeanShare),
        ("channel_flatness", block => block.ChannelFlatness),
        ("null_pixels", block => block.Nulls.PixelsPermuted),
        ("null_channels", block => block.Nulls.ChannelsPermuted),
        ("null_layernorm", block => block.Nulls.NormalizedSpatial),
        ("null_gaussian", block => block.Nulls.GaussianSpatial),
        ("null_channel_layernorm", block => block.Nulls.NormalizedChannel),
        ("null_channel_gaussian", block => block.Nulls.GaussianChannel),
        ("image_rank", block => block.Ranks.EffectiveRank),
        ("image_d95", block => block.Ranks.Percentile99[2]),
        ("image_d95_centred", block => block.RanksCentred.Percentile99[2]),
        ("rank", block => block.DataSet.EffectiveRank),
        ("rankme", block => block.DataSet.RankMe),
        ("participation", block => block.DataSet.ParticipationRatio),
        ("d95", block => block.DataSet.Components[2]),
        ("d95_centred", block => block.DataSetCentred.Components[2]),
        ("shared_d95", block => block.DataSet.SharedBasis?.Percentile99[2]),
        ("alpha", block => double.IsNaN(block.DataSetCentred.Alpha) ? null : block.DataSetCentred.Alpha),
        ("coding_rate", block => block.DataSetCentred.CodingRate),
        ("sep_50", block => block.Sep.Dimensions[0]),
        ("sep_50_null", block => block.Sep.NullDimensions[0]),
        ("sep_50_folded", block => block.Sep.FoldedDimensions[0]),
        ("sep_50_image", block => block.Sep.ImageMean[0]),
        ("log_amplitude", block => block.LogAmplitude?[^1]),
        ("token_participation", block => block.TokenParticipation),
        ("outlier_tokens", block => block.Outliers.TokenShare),
        ("massive_activations", block => block.Outliers.MassiveActivations),
        ("largest_activation", block => block.Outliers.LargestActivation),
        ("activation_entropy", block => block.ActivationEntropy),
    ];

    private readonly ImmutableArray<BlockFigureSums> _sums;
    private readonly SecondPass? _second;

    private SpectralReport(ModelSpectrum spectrum, ImmutableArray<BlockFigureSums> sums, SecondPass? second)
    {
        (_sums, _second) = (sums, second);
        Spectrum = spectrum with { Blocks = [.. spectrum.Blocks.Select((block, i) => sums[i].Exact(block) with { Entropy = second?.Entropy(i, block) })] };
        Spatial = IntensityDecomposition.Of(Spectrum);
        Channel = IntensityDecomposition.Of(Spectrum, SpectralDomain.Channel);
        var intervals = Spectrum.IntensityIntervals;
        Blocks = [.. Spectrum.Blocks.Select((block, i) => sums[i].ToFigures(block, Spatial.Blocks[i], Channel.Blocks[i], second?.Plain(i), second?.Centred(i)) with { IntensityInterval = intervals?[i] })];
    }

    /// <summary>Names of the figures, which are the columns of <see cref="ToDataFrame"/> that hold numbers.</summary>
    internal static IEnumerable<string> Figures => ByName.Select(figure => figure.Name);

    /// <summary>The spectra in both domains.</summary>
    public ModelSpectrum Spectrum { get; }

    /// <summary>The spatial U-curve taken apart.</summary>
    public IntensityDecomposition Spatial { get; }

    /// <summary>The channel U-curve taken apart.</summary>
    public IntensityDecomposition Channel { get; }

    /// <summary>The figures of the blocks in order of depth.</summary>
    public ImmutableArray<BlockReport> Blocks { get; }

    /// <summary>What makes the curves, and the verdict on each, in three sentences.</summary>
    public string Words => $"{Spectrum.Title}: {Spectrum.UShape.Words}. Of its shape over depth, {Share(Spatial)}; of the channel curve's, {Share(Channel)}. The channel curve: {Spectrum.InDomain(SpectralDomain.Channel).UShape.Words}.";

    /// <summary>
    /// Whether the activation entropy and <see cref="DataSetRanks.SharedBasis"/> are there, which need to know of all images first: false for a part of a data set, and for merged parts
    /// until each had its <see cref="AddSecondPass"/>.
    /// </summary>
    public bool IsComplete => _second is not null;

    /// <summary>Runs images through a model twice: for all sums, then for the entropy and for how many shared components each image needs. A part (<see cref="SpectralOptions.Shard"/>) is run once.</summary>
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
        var pass = new ReportPass(numbers.Model, run, stream, options.Shard is null ? 2 : 1, progress, cancellation);
        var (spectrum, sums) = pass.Sums(recorder, options.PerImage);
        var second = options.Shard is null ? pass.Again(new SecondPass.Basis(sums, options.EntropyRange ?? spectrum.Activations!)) : null;
        RequireSame(spectrum.Images, second, images);
        var part = recorder.ToPart(model.Spec, images, options.Shard, stream.LeftOut);
        return new SpectralReport(spectrum with { Source = images.Name, Skipped = stream.Skipped, Parts = [part], At = options.At }, sums, second);
    }

    /// <summary>
    /// The same report with the activation entropy and <see cref="DataSetRanks.SharedBasis"/>: takes the images through the model once more, by the range and the basis of the whole set. Parts that
    /// all had it by the same whole merge to what one run gives.
    /// </summary>
    /// <param name="model">The model of this report.</param>
    /// <param name="images">The source of this report; the same part of it is taken.</param>
    /// <param name="whole">The merged reports of all parts; null for this report itself.</param>
    /// <param name="options">Batch size, precision, range of the entropy; layers and so on are the report's.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="SpectralKDException">Model, weights or images are not those of the report, or the whole is of other blocks.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public SpectralReport AddSecondPass(
        VisionModel model, IImageSource images, SpectralReport? whole = null, SpectralOptions? options = null, IProgress<AnalysisProgress>? progress = null, CancellationToken cancellation = default)
    {
        whole ??= this;
        var shard = Spectrum.Parts is [{ Shard: { } text }] ? DataShard.Parse(text) : null;
        options = (options ?? new SpectralOptions()) with
        {
            Domain = SpectralDomain.Both,
            At = Spectrum.At,
            Layers = [.. Spectrum.Blocks.Select(block => block.Index)],
            PerImage = Spectrum.PerImage is not null,
            Shard = shard,
            ActivationEntropy = IsComplete,
        };
        if (Spectrum.Parts.Length > 1 && Spectrum.MissingParts() is [var missing, ..])
        {
            throw new SpectralKDException($"{missing}: merge all parts first");
        }

        RequireOneKind(whole);
        var record = Spectrum with { Parts = [.. Spectrum.Parts.Take(1).Select(part => part with { Shard = shard?.ToString() })] };
        SpectralAnalysis.RequireSame(record, "the report", model, images, options with { EntropyRange = null });
        var stream = new ImageStream(images, model, options, cancellation);
        using var numbers = ModelInPrecision.Of(model, options.Precision);
        using var run = new ModelRun(numbers.Model, options);
        var second = new ReportPass(numbers.Model, run, stream, 1, progress, cancellation).Again(new SecondPass.Basis(whole._sums, options.EntropyRange ?? whole.Spectrum.Activations!));
        RequireSame(Spectrum.Images, second, images);
        return new SpectralReport(Spectrum, _sums, second);
    }

    /// <summary>Adds the figures of other images, exactly as if all had been taken together, see <see cref="Merge(IEnumerable{SpectralReport}, bool)"/>.</summary>
    /// <param name="other">A report of the same model and blocks over images that are not among these.</param>
    /// <exception cref="SpectralKDException">The spectra do not merge, see <see cref="ModelSpectrum.Merge(ModelSpectrum, bool)"/>.</exception>
    public SpectralReport Merge(SpectralReport other) => Merge([this, other]);

    /// <summary>
    /// Merges any number of reports of disjoint images to what one run over all of them gives, but for what <see cref="IsComplete"/> says: that comes with the merged parts where all of them
    /// had their second pass by one whole, and is left out otherwise.
    /// </summary>
    /// <param name="parts">The reports, at least one; merged ones too.</param>
    /// <param name="checkRecords">False merges whatever the records of weights and images say, see <see cref="ModelSpectrum.MergeProblems"/>.</param>
    /// <exception cref="SpectralKDException">The list is empty, or two of them do not fit together.</exception>
    public static SpectralReport Merge(IEnumerable<SpectralReport> parts, bool checkRecords = true)
    {
        List<SpectralReport> all = [.. parts];
        var spectrum = ModelSpectrum.Merge(all.Select(part => part.Spectrum.WithoutActivationEntropy()), checkRecords);
        var sums = all[0]._sums.Select((block, i) => block.Copy(spectrum.Blocks[i].Index)).ToImmutableArray();
        foreach (var part in all.Skip(1))
        {
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i].Add(part._sums[i]);
            }
        }

        return new SpectralReport(spectrum, sums, SecondPass.Merge([.. all.Select(part => part._second)]));
    }

    /// <summary>Writes all sums to a .safetensors file, exactly, so that parts can be merged: 16 bytes for each pair of a block's channels.</summary>
    /// <param name="path">The file; it appears whole or not at all.</param>
    public void Save(string path) => SumsFile.Write(path, Spectrum, _second?.Name, file =>
    {
        for (var i = 0; i < _sums.Length; i++)
        {
            file.Begin(i);
            _sums[i].Exchange(file);
        }

        _second?.Write(file);
    });

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="SpectralKDException">No such file, or its content is not a report.</exception>
    public static SpectralReport Load(string path) => SumsFile.Read(path, (file, spectrum, basis) =>
    {
        file.Require(spectrum.Domain == SpectralDomain.Both, "its spectra are not of both domains");
        return new SpectralReport(spectrum, [.. spectrum.Blocks.Select(Sums)], basis is null ? null : SecondPass.Read(file, basis, spectrum));

        BlockFigureSums Sums(BlockSpectrum block, int position)
        {
            file.Begin(position);
            file.RequireLength("moments", (long)block.Channels * (block.Channels + 1));
            var sums = new BlockFigureSums(block.Index, block.Channels, block.Height, block.Width);
            sums.Exchange(file);
            file.Require(sums.Images == spectrum.Images, $"{block.Name} has {sums.Images} images, the whole {spectrum.Images}");
            return sums;
        }
    });

    /// <summary>One row a block.</summary>
    /// <remarks>
    /// Columns: <c>block</c>, <c>name</c>; <c>intensity</c> = <c>rms</c> x <c>kappa</c> (spatial), its 95 % interval over the images <c>intensity_low</c>, <c>intensity_high</c>, <c>mean_share</c> (of the power, 0 to 1), <c>flatness</c> (0 to 1);
    /// <c>channel_intensity</c>, <c>channel_kappa</c>, <c>channel_mean_share</c> (tokens' means over channels), <c>channel_flatness</c>; the intensities without one thing: <c>null_pixels</c> (order of places), <c>null_channels</c> (order of channels, channel
    /// intensity), <c>null_layernorm</c> (size of tokens), <c>null_gaussian</c> (all but mean and covariance), the last two for the channel intensity
    /// <c>null_channel_layernorm</c>, <c>null_channel_gaussian</c>; dimensions: <c>image_rank</c> (effective), <c>image_d95</c>,
    /// <c>image_d95_centred</c> (99th percentiles over images), <c>rank</c> (effective, of all tokens), <c>rankme</c>, <c>participation</c>, <c>d95</c>, <c>d95_centred</c>,
    /// <c>shared_d95</c> (components of <c>rank</c>'s basis that nearly every image does with; empty before the second pass), <c>alpha</c>, <c>coding_rate</c> (nats a token); <c>sep_50</c>,
    /// <c>sep_50_null</c> (frequencies), <c>sep_50_folded</c> (of C / 2 + 1), <c>sep_50_image</c> (mean over images); <c>log_amplitude</c> (highest frequency over zero, natural logarithm);
    /// <c>token_participation</c> (channels); <c>outlier_tokens</c> (share), <c>massive_activations</c> (an image), <c>largest_activation</c>; <c>activation_entropy</c> (bits).
    /// </remarks>
    public DataFrame ToDataFrame() => new(
    [
        new Int32DataFrameColumn("block", Blocks.Select(block => block.Index)),
        new StringDataFrameColumn("name", Blocks.Select(block => block.Name)),
        .. ByName.Select(figure => new DoubleDataFrameColumn(figure.Name, Blocks.Select(figure.Value))),
    ]);

    private void RequireOneKind(SpectralReport whole)
    {
        if (Shapes(whole) is var theirs && Shapes(this) is var mine && theirs != mine)
        {
            throw new SpectralKDException($"the whole is a report of other blocks or weights than its part: {theirs} and {mine}; merge the reports of all parts, and give that");
        }

        static string Shapes(SpectralReport report) => $"{report.Spectrum.Model} ({report.Spectrum.Weights?.Words}) "
            + string.Join(", ", report.Spectrum.Blocks.Select(block => $"{block.Name} [{block.Channels}, {block.Height}, {block.Width}]"));
    }

    private static void RequireSame(long images, SecondPass? second, IImageSource source)
    {
        if (second is not null && second.Images != images)
        {
            throw new SpectralKDException($"{source.Name} gave {images} images in the first pass and {second.Images} in the second: give a source that can be read twice");
        }
    }

    private static string Share(IntensityDecomposition parts) => parts.AmplitudeShare is { } share
        ? FormattableString.Invariant($"{100 * share:0} % is the size of the activations (RMS) and {100 * (1 - share):0} % the evenness of the spectrum (kappa)")
        : "there is nothing to take apart: it is constant";
}
