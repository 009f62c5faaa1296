namespace SpectralKD.Tests.Distillation;

public sealed class ComparisonStatisticsTests
{
    /// <summary>Printed tables of Student's t, with more digits by mpmath.</summary>
    [Theory]
    [InlineData(0.975, 1, 12.706204736432095)]
    [InlineData(0.975, 2, 4.302652729911275)]
    [InlineData(0.975, 4, 2.776445105197793)]
    [InlineData(0.975, 9, 2.2621571627409915)]
    [InlineData(0.975, 30, 2.0422724563012373)]
    [InlineData(0.975, 120, 1.9799304050824413)]
    [InlineData(0.95, 5, 2.015048372669157)]
    [InlineData(0.995, 3, 5.840909309733359)]
    [InlineData(0.9995, 2, 31.599054576443621)]
    [InlineData(0.8, 9, 0.8834038596786)]
    [InlineData(0.025, 4, -2.776445105197793)]
    public void Quantiles_of_t_are_those_of_the_tables(double p, double freedom, double expected) =>
        Assert.Equal(expected, ComparisonStatistics.TQuantile(p, freedom), 1e-9 * Math.Abs(expected));

    [Fact]
    public void T_of_one_degree_is_Cauchys_and_quantile_and_distribution_undo_each_other()
    {
        foreach (var t in new[] { -40, -3, -0.5, 0, 1e-3, 0.7, 2, 11, 250.0 })
        {
            Assert.Equal(0.5 + (Math.Atan(t) / Math.PI), ComparisonStatistics.TCumulative(t, 1), 1e-12);
            Assert.Equal(1, ComparisonStatistics.TCumulative(t, 7) + ComparisonStatistics.TCumulative(-t, 7), 1e-12);
        }

        foreach (var p in new[] { 0.51, 0.6, 0.9, 0.999, 0.99999 })
        {
            Assert.Equal(p, ComparisonStatistics.TCumulative(ComparisonStatistics.TQuantile(p, 13), 13), 1e-12);
        }
    }

    /// <summary>R: t.test(c(2.1, 1.0, 3.2, 0.4, 1.8)): mean 1.7, 95 % interval 0.3629 to 3.0371, t = 3.5300, p = 0.02424.</summary>
    [Fact]
    public void A_paired_difference_has_the_t_tests_interval_and_probability()
    {
        var difference = ComparisonStatistics.Paired([2.1, 1.0, 3.2, 0.4, 1.8]);
        var (deviation, t) = (Math.Sqrt(4.6 / 4), 2.776445105197793);
        Assert.Equal((5, 1.7), (difference.Seeds, Math.Round(difference.Mean, 12)));
        Assert.Equal(deviation, difference.Deviation!.Value, 1e-12);
        Assert.Equal(1.7 - (t * deviation / Math.Sqrt(5)), difference.Low!.Value, 1e-9);
        Assert.Equal(1.7 + (t * deviation / Math.Sqrt(5)), difference.High!.Value, 1e-9);

        // With four degrees of freedom the distribution is 1/2 + s (1 - s^2 / 3) * 3/4 at s = t / sqrt(t^2 + 4).
        var statistic = 1.7 / (deviation / Math.Sqrt(5));
        var s = statistic / Math.Sqrt((statistic * statistic) + 4);
        Assert.Equal(2 * (0.5 - (0.75 * s * (1 - (s * s / 3)))), difference.Probability!.Value, 1e-12);
    }

    /// <summary>Sample sizes of the paired t test at 5 %, power 80 %, as power programs give them (G*Power, R's power.t.test, rounded up).</summary>
    [Theory]
    [InlineData(0.2, 199)]
    [InlineData(0.5, 34)]
    [InlineData(0.8, 15)]
    [InlineData(1.0, 10)]
    public void The_seeds_that_a_difference_needs_are_those_of_power_tables(double effect, int expected)
    {
        Assert.Equal(expected, ComparisonStatistics.SeedsToShow(effect, 1));
        Assert.Equal(expected, ComparisonStatistics.SeedsToShow(-3 * effect, 3));
    }

    [Fact]
    public void Holms_probabilities_are_those_of_the_textbook()
    {
        Assert.Equal([0.03, 0.06, 0.06, 0.02], ComparisonStatistics.Holm([0.01, 0.04, 0.03, 0.005]).Select(p => Math.Round(p, 12)));
        Assert.Equal([1, 1], ComparisonStatistics.Holm([0.6, 0.9]));
        Assert.Empty(ComparisonStatistics.Holm([]));
    }

    [Fact]
    public void The_bootstrap_over_images_agrees_with_the_normal_interval_of_a_large_sample_and_repeats()
    {
        double[] values = [.. Enumerable.Range(0, 4000).Select(i => i % 10 < 3 ? 100.0 : 0.0)];
        var (low, high) = ComparisonStatistics.Bootstrap(values);
        var half = 1.96 * Math.Sqrt(0.3 * 0.7 / 4000) * 100;
        Assert.Equal(30 - half, low, 0.15);
        Assert.Equal(30 + half, high, 0.15);
        Assert.Equal((low, high), ComparisonStatistics.Bootstrap(values));
        Assert.Equal((5.0, 5.0), ComparisonStatistics.Bootstrap([5, 5, 5]));
    }

    [Fact]
    public void The_words_never_claim_more_than_the_interval()
    {
        Assert.Equal("one seed: 1.5 points, no interval; take at least 3 seeds", Words([1.5]));
        Assert.Equal("no difference found: 0.7 ± 2.1 points, 3 seeds; about 14 seeds would show 0.7", Words([0.7 - 0.845, 0.7, 0.7 + 0.845]));
        Assert.Equal("no difference: the same in all 2 seeds", Words([0, 0]));
        Assert.Equal("no difference found: -0.01 ± 24.8 points, 3 seeds; more than 1000 seeds would be needed to show 0.01", Words([-10, -0.03, 10]));
        Assert.StartsWith("better by 3.0 ± 0.2 points, 3 seeds", Words([2.9, 3, 3.1]));
        Assert.StartsWith("worse by 3.0 ± 0.2 points, 3 seeds", Words([-2.9, -3, -3.1]));

        var fair = ComparisonStatistics.Paired([1, 2, 3, 1, 2]);
        Assert.EndsWith("; among 12 methods that may be chance (Holm p 0.09)", ComparisonStatistics.Verdict(fair, 0.09, 12));
        Assert.DoesNotContain("chance", ComparisonStatistics.Verdict(fair, 0.03, 12));
    }

    [Fact]
    public void Accuracies_to_be_reached_lie_well_above_guessing()
    {
        Assert.Equal([30.0, 45, 54], ComparisonGathering.Accuracies(60, 10));
        Assert.Equal([15.0], ComparisonGathering.Accuracies(12, 10));
        Assert.Equal([75.0, 81], ComparisonGathering.Accuracies(90, 2));
        Assert.Equal([6.0, 9, 11], ComparisonGathering.Accuracies(12, null));
        Assert.Equal([1.0], ComparisonGathering.Accuracies(0, null));
    }

    private static string Words(double[] differences) => ComparisonStatistics.Verdict(ComparisonStatistics.Paired(differences), null, 1);
}
