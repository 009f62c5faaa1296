namespace SpectralKD.Tests.Spectra;

/// <summary>Small feature maps and the spectra of them.</summary>
internal static class TestSpectra
{
    /// <summary>Feature maps <c>[images, channels, height, width]</c> by formula.</summary>
    public static Tensor Map(int images, int channels = 6, int height = 5, int width = 4, string name = "spectra")
    {
        LibTorch.EnsureLoaded();
        return tensor(Generator.Values(name, (long)images * channels * height * width, 4, 0.3), [images, channels, height, width]);
    }

    /// <summary>Spectra of maps that come in batches of given sizes (the last takes the rest).</summary>
    public static ModelSpectrum Analyse(
        Tensor map, SpectralDomain domain = SpectralDomain.Both, ActivationRange? entropyRange = null, params int[] batches)
    {
        LibTorch.EnsureLoaded();
        var accumulator = new SpectrumAccumulator("model", [new BlockInfo(0, "blocks.0", 6, 5, 4)], domain, entropyRange);
        long first = 0;
        foreach (var size in batches.Append(int.MaxValue))
        {
            using var batch = map.narrow(0, first, Math.Min(size, map.shape[0] - first));
            if (batch.shape[0] > 0)
            {
                accumulator.Add([new FeatureMap(0, batch)]);
            }

            first += batch.shape[0];
        }

        return accumulator.ToSpectrum("formula");
    }

    /// <summary>Asserts that all figures agree to a relative tolerance.</summary>
    public static void AssertClose(ModelSpectrum expected, ModelSpectrum actual, double tolerance = 1e-12)
    {
        Assert.Equal(expected.Images, actual.Images);
        Assert.Equal(expected.Activations, actual.Activations);
        foreach (var (one, two) in expected.Blocks.Zip(actual.Blocks))
        {
            Close([one.Intensity, one.IntensityDeviation, one.Uniformity, one.HighFrequencyRatio, one.TotalPower, one.ChannelIntensity, one.ActivationEntropy],
                [two.Intensity, two.IntensityDeviation, two.Uniformity, two.HighFrequencyRatio, two.TotalPower, two.ChannelIntensity, two.ActivationEntropy], tolerance);
            Close(Values(one.AmplitudeMap), Values(two.AmplitudeMap), tolerance);
            Close(Values(one.PowerMap), Values(two.PowerMap), tolerance);
            Close(Values(one.ChannelSpectrum), Values(two.ChannelSpectrum), tolerance);
            Assert.Equal(one.Spatial?.Intensities.Bins, two.Spatial?.Intensities.Bins);
        }
    }

    private static double?[] Values(System.Collections.Immutable.ImmutableArray<double>? values) => [.. (values ?? []).Select(value => (double?)value)];

    private static void Close(double?[] expected, double?[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i] is null, actual[i] is null);
            Assert.True(expected[i] is not { } one || Math.Abs(one - actual[i]!.Value) <= tolerance * (1 + Math.Abs(one)), $"figure {i}: {expected[i]:R} and {actual[i]:R}");
        }
    }
}
