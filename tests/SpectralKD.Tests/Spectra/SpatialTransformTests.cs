using CsCheck;

namespace SpectralKD.Tests.Spectra;

public class SpatialTransformTests
{
    public SpatialTransformTests() => LibTorch.EnsureLoaded();

    [Fact]
    public void Own_sums_agree_with_torchs_fft_for_any_size()
        => Gen.Select(Gen.Int[1, 16], Gen.Int[1, 16], Gen.Int[1, 11]).Sample(
            (height, width, channels) => AssertAgrees(height, width, channels), iter: 60, threads: 1);

    [Theory]
    [InlineData(56, 56)]
    [InlineData(64, 63)]
    public void Own_sums_agree_with_torchs_fft_for_large_maps(int height, int width) => AssertAgrees(height, width, 5);

    [Fact]
    public void Maps_that_are_too_large_or_too_precise_are_left_to_torch()
    {
        using var large = zeros(1, 1, 65, 2);
        using var precise = zeros([1, 1, 4, 4], float64);
        using var suitable = zeros(1, 1, 64, 2);

        Assert.Equal((false, false, true), (CpuReduction.Suits(large), CpuReduction.Suits(precise), CpuReduction.Suits(suitable)));
    }

    private static void AssertAgrees(int height, int width, int channels)
    {
        using var map = TestSpectra.Map(2, channels, height, width);
        using var wide = map.to(float64);
        var own = CpuReduction.Reduce(map, SpectralDomain.Spatial, findRange: false, null);
        var torchs = TorchReduction.Spatial(wide);

        Assert.Equal(torchs.Amplitude.Length, own.Amplitude.Length);
        for (var i = 0; i < own.Amplitude.Length; i++)
        {
            Assert.Equal(torchs.Amplitude[i], own.Amplitude[i], 1e-12 * (1 + torchs.Amplitude[i]));
            Assert.Equal(torchs.Power[i], own.Power[i], 1e-12 * (1 + torchs.Power[i]));
        }
    }
}
