using SpectralKD.Spectra;

namespace SpectralKD.Tests.Spectra;

public class ActivationEntropyTests
{
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
        Assert.Null(one.WithoutActivationEntropy().Merge(two.WithoutActivationEntropy()).Blocks[0].ActivationEntropy);
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
