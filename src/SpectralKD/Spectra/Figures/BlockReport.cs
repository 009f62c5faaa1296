using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>
/// What a block's feature maps are like beyond their spectrum: how large, how even, of how many dimensions, with which outliers. X is the matrix of an image's tokens
/// <c>[N, C]</c>, one row a place of the map. Activations have no unit.
/// </summary>
public sealed record BlockReport
{
    /// <summary>0-based position of the block in its model.</summary>
    public required int Index { get; init; }

    /// <summary>timm's module path, for example <c>blocks.3</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Channels C of the feature map.</summary>
    public required int Channels { get; init; }

    /// <summary>The spatial intensity and its parts.</summary>
    public required IntensityParts Spatial { get; init; }

    /// <summary>The 95 % interval of the spatial intensity over the images, by the bootstrap; null with fewer than eight images.</summary>
    public Interval? IntensityInterval { get; init; }

    /// <summary>The channel intensity and its parts.</summary>
    public required IntensityParts Channel { get; init; }

    /// <summary>What the intensities would be if something were not there.</summary>
    public required IntensityNulls Nulls { get; init; }

    /// <summary>Geometric over arithmetic mean of all spatial amplitudes (Wiener entropy), in [0, 1]; 0 where one of them is zero.</summary>
    public required double AmplitudeFlatness { get; init; }

    /// <summary>Geometric over arithmetic mean of the mean power over channel frequencies, in [0, 1].</summary>
    public required double ChannelFlatness { get; init; }

    /// <summary>Mean over tokens of <c>(sum x^2)^2 / sum x^4</c>: on how many of the C channels a token stands; a Gaussian's on C / 3.</summary>
    public required double TokenParticipation { get; init; }

    /// <summary>Share of the power in the tokens' means over channels, in [0, 1].</summary>
    public required double TokenMeanShare { get; init; }

    /// <summary>
    /// Relative log amplitude of Park and Kim (ICLR 2022): mean of <c>ln(|fft2 X| + 1e-6)</c>, unscaled, along the diagonal from frequency 0 to the highest, minus its first. Null
    /// where maps are not square.
    /// </summary>
    public required ImmutableArray<double>? LogAmplitude { get; init; }

    /// <summary>Ranks of each image's X as published in arXiv 2511.15572, the mean left in.</summary>
    public required ImageRanks Ranks { get; init; }

    /// <summary>Ranks of each image's X without its mean token.</summary>
    public required ImageRanks RanksCentred { get; init; }

    /// <summary>Principal components of all images' tokens together, the mean left in as published.</summary>
    public required DataSetRanks DataSet { get; init; }

    /// <summary>Principal components of all images' tokens together, without the mean token.</summary>
    public required DataSetRanks DataSetCentred { get; init; }

    /// <summary>The channel spectrum's cumulative energy (SEP), with its null.</summary>
    public required SepFigures Sep { get; init; }

    /// <summary>Tokens that stand out by their length, single activations by their size.</summary>
    public required OutlierFigures Outliers { get; init; }

    /// <summary>Mean of the activation entropy over images and tokens, bits; null where it was not analysed.</summary>
    public required double? ActivationEntropy { get; init; }
}

/// <summary>A block's intensities under null hypotheses: each takes one thing away from the maps and leaves the rest.</summary>
public sealed record IntensityNulls
{
    /// <summary>Channel intensity with the channels in a random order, one for the block: what their order says.</summary>
    public required double ChannelsPermuted { get; init; }

    /// <summary>Spatial intensity with the places in a random order, one for each image: what their order says.</summary>
    public required double PixelsPermuted { get; init; }

    /// <summary>Spatial intensity after a LayerNorm of the tokens, which makes their size equal.</summary>
    public required double NormalizedSpatial { get; init; }

    /// <summary>Channel intensity after a LayerNorm of the tokens.</summary>
    public required double NormalizedChannel { get; init; }

    /// <summary>Spatial intensity of Gaussian tokens of the same mean and covariance, drawn place by place.</summary>
    public required double GaussianSpatial { get; init; }

    /// <summary>Channel intensity of those Gaussian tokens: what the covariance alone says.</summary>
    public required double GaussianChannel { get; init; }
}

/// <summary>Dimensions of single images: how many singular vectors hold 80, 90, 95 and 99 % of the energy, over the images.</summary>
public sealed record ImageRanks
{
    /// <summary>The parts of the energy.</summary>
    public static ImmutableArray<double> Parts { get; } = [0.8, 0.9, 0.95, 0.99];

    /// <summary>Mean over the images of the dimensions for each of <see cref="Parts"/>.</summary>
    public required ImmutableArray<double> Mean { get; init; }

    /// <summary>Standard deviation over the images (their number in the divisor).</summary>
    public required ImmutableArray<double> Deviation { get; init; }

    /// <summary>99th percentile over the images, between ranks by straight lines: the published figure.</summary>
    public required ImmutableArray<double> Percentile99 { get; init; }

    /// <summary>Mean effective rank of the images, see <see cref="RankFigures.EffectiveRank"/>; not a number where a basis was given.</summary>
    public double EffectiveRank { get; init; } = double.NaN;

    /// <summary>Mean RankMe of the images, see <see cref="RankFigures.RankMe"/>; not a number where a basis was given.</summary>
    public double RankMe { get; init; } = double.NaN;

    /// <summary>Mean number of singular values above 1e-10, as published; not a number where a basis was given.</summary>
    public double Rank { get; init; } = double.NaN;

    /// <summary>99th percentile of that number over the images; not a number where a basis was given.</summary>
    public double RankPercentile99 { get; init; } = double.NaN;

    /// <summary>Mean share of the energy in an image's first component; not a number where a basis was given.</summary>
    public double FirstShare { get; init; } = double.NaN;
}

/// <summary>Dimensions of all images together: of the eigenvalues of the tokens' second moments <c>XᵀX / T</c>.</summary>
public sealed record DataSetRanks
{
    /// <summary>The C eigenvalues, the largest first, none below zero.</summary>
    public required ImmutableArray<double> Eigenvalues { get; init; }

    /// <summary>How many components each image needs of the basis that all share; null before the second pass, see <see cref="SpectralReport.AddSecondPass"/>.</summary>
    public ImageRanks? SharedBasis { get; init; }

    /// <summary>Components that hold 80, 90, 95 and 99 % of all tokens' energy.</summary>
    public ImmutableArray<int> Components => [.. ImageRanks.Parts.Select(part => RankFigures.ComponentsFor(Eigenvalues, part))];

    /// <summary>See <see cref="RankFigures.ParticipationRatio"/>.</summary>
    public double ParticipationRatio => RankFigures.ParticipationRatio(Eigenvalues);

    /// <summary>See <see cref="RankFigures.StableRank"/>.</summary>
    public double StableRank => RankFigures.StableRank(Eigenvalues);

    /// <summary>See <see cref="RankFigures.EffectiveRank"/>, of the singular values of all tokens stacked.</summary>
    public double EffectiveRank => RankFigures.EffectiveRank([.. Eigenvalues.Select(Math.Sqrt)]);

    /// <summary>See <see cref="RankFigures.RankMe"/>, of the singular values of all tokens stacked.</summary>
    public double RankMe => RankFigures.RankMe([.. Eigenvalues.Select(Math.Sqrt)]);

    /// <summary>See <see cref="RankFigures.Alpha"/>.</summary>
    public double Alpha => RankFigures.Alpha(Eigenvalues);

    /// <summary>See <see cref="RankFigures.CodingRate"/>, nats a token.</summary>
    public double CodingRate => RankFigures.CodingRate(Eigenvalues);
}

/// <summary>
/// Spectral energy profile of arXiv 2511.15572: the share of a token's energy in its first d channel frequencies, mean over tokens. Real tokens have
/// <c>|F(k)| = |F(C - k)|</c>, and channels have no order, so the profile is nearly <c>d / C</c> whatever the tokens: see <see cref="NullDimensions"/>.
/// </summary>
public sealed record SepFigures
{
    /// <summary>The parts for which dimensions are counted.</summary>
    public static ImmutableArray<double> Parts { get; } = [0.5, 0.6, 0.7, 0.8, 0.9];

    /// <summary>Cumulative share in [0, 1] after 1 … C frequencies.</summary>
    public required ImmutableArray<double> Curve { get; init; }

    /// <summary>The same with the channels in one random order.</summary>
    public required ImmutableArray<double> PermutedCurve { get; init; }

    /// <summary>
    /// The mean of the profile over all orders of the channels, exactly: frequency 0 keeps its share s, each of the others has <c>(1 - s) / (C - 1)</c>.
    /// </summary>
    public required ImmutableArray<double> NullCurve { get; init; }

    /// <summary>Frequencies that hold 50, 60, 70, 80 and 90 %.</summary>
    public ImmutableArray<int> Dimensions => DimensionsOf(Curve);

    /// <summary>Cumulative share after 1 … C / 2 + 1 frequencies, each with its mirror image k and C - k: the profile without its redundant half.</summary>
    public required ImmutableArray<double> FoldedCurve { get; init; }

    /// <summary>Frequencies of <see cref="FoldedCurve"/>, of C / 2 + 1, that hold 50, 60, 70, 80 and 90 %.</summary>
    public ImmutableArray<int> FoldedDimensions => DimensionsOf(FoldedCurve);

    /// <summary>Mean over the images of the dimensions that each image's own profile (the mean over its tokens) has.</summary>
    public required ImmutableArray<double> ImageMean { get; init; }

    /// <summary>Standard deviation of these over the images (their number in the divisor).</summary>
    public required ImmutableArray<double> ImageDeviation { get; init; }

    /// <summary>99th percentile of these over the images, between ranks by straight lines.</summary>
    public required ImmutableArray<double> ImagePercentile99 { get; init; }

    /// <summary>Standard deviation over all tokens of the share in the frequencies 0 … C / 2 (their number in the divisor).</summary>
    public required double DeviationAtHalf { get; init; }

    /// <summary>The same of <see cref="NullCurve"/>: what is left to say is the difference.</summary>
    public ImmutableArray<int> NullDimensions => DimensionsOf(NullCurve);

    /// <summary>Largest distance of the profile from its null, in shares of the energy.</summary>
    public double LargestDifference => Curve.Zip(NullCurve, (one, two) => Math.Abs(one - two)).Max();

    internal static ImmutableArray<int> DimensionsOf(ImmutableArray<double> curve)
        => [.. Parts.Select(part => 1 + Math.Max(0, curve.Select((value, i) => value >= part ? i : -1).FirstOrDefault(i => i >= 0, curve.Length - 1)))];
}

/// <summary>Tokens and activations that stand out.</summary>
public sealed record OutlierFigures
{
    /// <summary>
    /// Share of tokens longer than 4 times the median token of their image. Artefact tokens of models without registers are about ten times as long (Darcet et al., ICLR 2024);
    /// the limit is ours, since theirs is a number for one model.
    /// </summary>
    public required double TokenShare { get; init; }

    /// <summary>Mean length of those tokens in multiples of the median; 0 where there are none.</summary>
    public required double TokenLength { get; init; }

    /// <summary>Mean number in an image of massive activations: above 100 and above 1000 times the median size of the image's (Sun et al., COLM 2024).</summary>
    public required double MassiveActivations { get; init; }

    /// <summary>Largest size of an activation.</summary>
    public required double LargestActivation { get; init; }

    /// <summary>Largest size of an activation in multiples of the median size of its image's.</summary>
    public required double LargestRatio { get; init; }
}
