using CsCheck;

namespace SpectralKD.Tests.Spectra;

public class ChannelTransformTests
{
    public ChannelTransformTests() => LibTorch.EnsureLoaded();

    [Fact]
    public void Own_sums_agree_with_torchs_fft_for_any_number_of_channels_and_tokens()
        => Gen.Select(Gen.Int[1, 130], Gen.Int[1, 5], Gen.Int[1, 9]).Sample(AssertAgrees, iter: 150, threads: 1);

    [Theory]
    [InlineData(192)]
    [InlineData(288)]
    [InlineData(384)]
    [InlineData(768)]
    [InlineData(1024)]
    [InlineData(251)]
    public void Own_sums_agree_with_torchs_fft_for_the_widths_of_real_models(int channels) => AssertAgrees(channels, 7, 7);

    [Fact]
    public void Not_a_number_and_the_range_are_passed_on()
    {
        using var map = TestSpectra.Map(2, 6, 3, 3);
        map[1, 2, 1, 1] = float.NaN;
        var sums = CpuReduction.Reduce(map, SpectralDomain.Both, findRange: true, null);
        Assert.True(double.IsNaN(sums.Minimum[1]) && double.IsNaN(sums.Maximum[1]) && double.IsNaN(sums.Of(sums.Channel, 1)[2]));
        Assert.Equal(map[0].amin().item<float>(), sums.Minimum[0]);
        Assert.Equal(map[0].amax().item<float>(), sums.Maximum[0]);
    }

    private static void AssertAgrees(int channels, int height, int width)
    {
        using var map = TestSpectra.Map(2, channels, height, width);
        using var wide = map.to(float64);
        var own = CpuReduction.Reduce(map, SpectralDomain.Channel, findRange: false, null).Channel;
        var torchs = TorchReduction.Channel(wide);

        Assert.Equal(torchs.Length, own.Length);
        Assert.All(own, (sum, i) => Assert.Equal(torchs[i], sum, 1e-12 * (1 + torchs[i])));
    }
}
