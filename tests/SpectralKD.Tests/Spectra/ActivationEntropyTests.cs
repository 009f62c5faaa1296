using CsCheck;

namespace SpectralKD.Tests.Spectra;

public class ActivationEntropyTests
{
    public ActivationEntropyTests() => LibTorch.EnsureLoaded();

    /// <summary>The reference's definition in plain loops: numpy's histogram of every token, entropy in bits, mean over tokens.</summary>
    [Fact]
    public void It_agrees_with_a_plain_histogram_of_every_token()
    {
        using var map = TestSpectra.Map(3, 50, 4, 3);
        var values = map.data<float>().ToArray().Select(value => (double)value).ToArray();
        var range = new ActivationRange(values.Min(), values.Max());
        double bits = 0;
        for (var image = 0; image < 3; image++)
        {
            for (var token = 0; token < 12; token++)
            {
                bits += Entropy([.. Enumerable.Range(0, 50).Select(channel => values[(((image * 50) + channel) * 12) + token])], range);
            }
        }

        Assert.Equal(bits / 36, TestSpectra.Analyse(map, SpectralDomain.None, range).Blocks[0].ActivationEntropy!.Value, 1e-12);
    }

    [Fact]
    public void Counting_agrees_with_torchs_own_operations_for_any_size_and_range()
        => Gen.Select(Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 150], Gen.Double[-2, 0], Gen.Double[0.001, 2]).Sample(
            (height, width, channels, minimum, maximum) =>
            {
                using var map = TestSpectra.Map(2, channels, height, width);
                var range = new ActivationRange(minimum, maximum);
                using var wide = map.to(float64);
                using var torchs = TorchReduction.EntropyBits(wide, range);
                var own = TorchReduction.Reduce(map, SpectralDomain.None, findRange: false, range).EntropyBits;

                Assert.Equal([2], torchs.shape);
                Assert.All(own, (bits, image) => Assert.Equal(torchs[image].item<double>(), bits, 1e-11 * (1 + bits)));
            },
            iter: 60,
            threads: 1);

    [Fact]
    public void Not_a_number_and_the_range_are_passed_on()
    {
        using var map = TestSpectra.Map(2, 6, 3, 3);
        map[1, 2, 1, 1] = float.NaN;
        var sums = TorchReduction.Reduce(map, SpectralDomain.Both, findRange: true, null);
        Assert.True(double.IsNaN(sums.Minimum[1]) && double.IsNaN(sums.Maximum[1]) && double.IsNaN(sums.Of(sums.Channel, 1)[2]));
        Assert.Equal(map[0].amin().item<float>(), sums.Minimum[0]);
        Assert.Equal(map[0].amax().item<float>(), sums.Maximum[0]);
    }

    [Theory]
    [InlineData("-12.5,20", -12.5, 20)]
    [InlineData(" -1e-3 , 4 ", -0.001, 4)]
    public void A_range_is_read_as_it_is_typed(string text, double low, double high)
    {
        Assert.Equal(new ActivationRange(low, high), ActivationRange.Parse(text));
        Assert.Equal(new ActivationRange(low, high), ActivationRange.Parse(new ActivationRange(low, high).ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("3")]
    [InlineData("3,3")]
    [InlineData("4,3")]
    [InlineData("1,2,3")]
    [InlineData("low,high")]
    [InlineData("-Infinity,0")]
    public void What_is_no_range_is_refused(string text)
        => Assert.Contains("no range of activations", Assert.Throws<SpectralKDException>(() => ActivationRange.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Equal_activations_have_none_and_a_range_of_one_point_is_no_harm()
    {
        using var map = TestSpectra.Map(2) * 0 + 1;

        Assert.Equal(0, TestSpectra.Analyse(map, SpectralDomain.None, new ActivationRange(1, 1)).Blocks[0].ActivationEntropy!.Value);
    }

    [Fact]
    public void Parts_over_different_ranges_do_not_merge_and_the_error_names_the_common_range()
    {
        using var map = TestSpectra.Map(2);
        var one = TestSpectra.Analyse(map, entropyRange: new ActivationRange(-2, 1));
        var two = TestSpectra.Analyse(map, entropyRange: new ActivationRange(-1, 3));

        Assert.Contains("[-2, 3]", Assert.Throws<SpectralKDException>(() => one.Merge(two)).Message, StringComparison.Ordinal);
        Assert.Null(one.WithoutActivationEntropy().Merge(two.WithoutActivationEntropy(), checkRecords: false).Blocks[0].ActivationEntropy);
    }

    private static double Entropy(double[] token, ActivationRange range)
    {
        var counts = new int[100];
        foreach (var value in token)
        {
            counts[Math.Min(99, (int)((value - range.Minimum) / (range.Maximum - range.Minimum) * 100))]++;
        }

        return -counts.Where(count => count > 0).Sum(count => count / (double)token.Length * Math.Log2(count / (double)token.Length));
    }
}
