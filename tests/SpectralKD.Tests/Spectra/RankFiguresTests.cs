namespace SpectralKD.Tests.Spectra;

public class RankFiguresTests
{
    public static TheoryData<int> Cases => [.. Enumerable.Range(0, GoldenFigures.Cases)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ranks_of_each_image_agree_with_numpy(int number)
    {
        var golden = GoldenFigures.Case(number);
        using var map = golden.Map();
        using var scope = NewDisposeScope();
        var singular = Enumerable.Range(0, (int)map.shape[0])
            .Select(image => linalg.svdvals(map[image].flatten(1).t().to(float64)).data<double>().ToArray()).ToList();

        golden.List("svd_per_image", "effective_rank", singular.Select(RankFigures.EffectiveRank));
        golden.List("svd_per_image", "rankme", singular.Select(RankFigures.RankMe));
        golden.List("svd_per_image", "first_component_share", singular.Select(values => values[0] * values[0] / values.Sum(value => value * value)));
        var expected = golden.At("svd_per_image", "d_per_image").EnumerateArray().Select(row => row.EnumerateArray().Select(d => d.GetInt32()).ToArray());
        double[] parts = [0.8, 0.9, 0.95, 0.99];
        Assert.Equal(expected, singular.Select(values => parts.Select(part => RankFigures.ComponentsFor([.. values.Select(value => value * value)], part)).ToArray()));
    }

    [Fact]
    public void Equal_values_count_in_full_and_one_value_counts_once()
    {
        double[] equal = [2, 2, 2, 2];
        double[] single = [5, 0, 0, 0];

        Assert.All([RankFigures.EffectiveRank(equal), RankFigures.ParticipationRatio(equal), RankFigures.StableRank(equal)], rank => Assert.Equal(4, rank, 1e-12));
        Assert.All([RankFigures.EffectiveRank(single), RankFigures.ParticipationRatio(single), RankFigures.StableRank(single)], rank => Assert.Equal(1, rank, 1e-12));
        Assert.Equal((1, 0), (RankFigures.Flatness(equal), RankFigures.Flatness(single)));
        Assert.Equal((4, 1), (RankFigures.ComponentsFor(equal, 1), RankFigures.ComponentsFor(single, 0.99)));
    }

    [Fact]
    public void No_values_but_zero_have_no_rank()
    {
        double[] zero = [0, 0];

        Assert.Equal((0, 0, 0), (RankFigures.EffectiveRank(zero), RankFigures.ParticipationRatio(zero), RankFigures.StableRank(zero)));
        Assert.Equal((0, 0), (RankFigures.Flatness(zero), RankFigures.CodingRate(zero)));
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(1.0)]
    [InlineData(2.5)]
    public void Alpha_is_the_exponent_of_a_power_law(double exponent)
        => Assert.Equal(exponent, RankFigures.Alpha([.. Enumerable.Range(1, 192).Select(j => 7 * Math.Pow(j, -exponent))]), 1e-10);

    [Fact]
    public void The_coding_rate_is_half_the_log_determinant_whatever_the_scale()
    {
        double[] values = [3, 1, 0.5];
        var expected = 0.5 * Math.Log((1 + (12 / 4.5 * 3)) * (1 + (12 / 4.5)) * (1 + (12 / 4.5 * 0.5)));

        Assert.Equal(expected, RankFigures.CodingRate(values), 1e-12);
        Assert.Equal(expected, RankFigures.CodingRate([.. values.Select(value => 1e4 * value)]), 1e-12);
    }
}
