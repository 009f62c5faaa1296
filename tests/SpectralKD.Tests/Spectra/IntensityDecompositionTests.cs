namespace SpectralKD.Tests.Spectra;

public class IntensityDecompositionTests
{
    public static TheoryData<int> Cases => [.. Enumerable.Range(0, GoldenFigures.Cases)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rms_kappa_and_flatness_agree_with_numpy(int number)
    {
        var golden = GoldenFigures.Case(number);
        var spectrum = golden.Spectrum();
        var spatial = IntensityDecomposition.Of(spectrum).Blocks[0];
        var channel = IntensityDecomposition.Of(spectrum, SpectralDomain.Channel).Blocks[0];

        golden.Scalar("amplitude", "rms", spatial.Rms);
        golden.Scalar("amplitude", "spatial_intensity", spatial.Intensity);
        golden.Scalar("amplitude", "spatial_kappa", spatial.Kappa);
        golden.Scalar("amplitude", "spatial_kappa_without_mean", spatial.KappaWithoutMean);
        golden.Scalar("amplitude", "rms_without_map_mean", spatial.Rms * Math.Sqrt(1 - spatial.MeanShare!.Value));
        golden.Scalar("amplitude", "flatness_power_map", spatial.Flatness);
        golden.Scalar("amplitude", "flatness_power_map_without_dc", spatial.FlatnessWithoutMean);
        golden.Scalar("amplitude", "channel_intensity_none", channel.Intensity * spectrum.Blocks[0].Channels);
        golden.Scalar("amplitude", "channel_kappa", channel.Kappa);
        golden.Scalar("amplitude", "channel_intensity_over_C", channel.Intensity);
        golden.Scalar("amplitude", "channel_intensity_ortho", channel.Kappa * channel.Rms);
    }

    [Fact]
    public void The_variances_of_the_logarithms_add_up()
    {
        var parts = IntensityDecomposition.Of(ThreeBlocks(1, 5, 2));

        Assert.Equal(parts.LogVariance, parts.RmsLogVariance + parts.KappaLogVariance + (2 * parts.LogCovariance), 1e-12);
        Assert.All(parts.Blocks, block => Assert.Equal(block.Intensity, block.Kappa * block.Rms, 1e-12));
    }

    [Fact]
    public void A_curve_of_scaled_copies_is_amplitude_alone()
        => Assert.Equal(1, IntensityDecomposition.Of(ThreeBlocks(1, 5, 2)).AmplitudeShare!.Value, 1e-9);

    [Fact]
    public void A_constant_curve_has_no_share()
        => Assert.Null(IntensityDecomposition.Of(ThreeBlocks(1, 1, 1)).AmplitudeShare);

    [Fact]
    public void What_cannot_be_taken_apart_is_said()
    {
        using var map = TestSpectra.Map(2);
        var channel = TestSpectra.Analyse(map, SpectralDomain.Channel);

        Assert.Contains("needs Spatial", Assert.Throws<SpectralKDException>(() => IntensityDecomposition.Of(channel)).Message, StringComparison.Ordinal);
        Assert.Contains("needs Both", Assert.Throws<SpectralKDException>(() => IntensityDecomposition.Of(channel, SpectralDomain.Channel)).Message, StringComparison.Ordinal);
        Assert.Contains("every activation is zero", Assert.Throws<SpectralKDException>(() => IntensityDecomposition.Of(ThreeBlocks(1, 0, 1))).Message, StringComparison.Ordinal);
    }

    private static ModelSpectrum ThreeBlocks(params double[] sizes)
    {
        using var map = TestSpectra.Map(3);
        var accumulator = new SpectrumAccumulator("model", [.. sizes.Select((_, i) => new BlockInfo(i, $"blocks.{i}", 6, 5, 4))], SpectralDomain.Both);
        using var scope = NewDisposeScope();
        accumulator.Add([.. sizes.Select((size, i) => new FeatureMap(i, map * size))]);
        return accumulator.ToSpectrum("formula");
    }
}
