namespace SpectralKD.Tests.Spectra;

public class UShapeTests
{
    [Theory]
    [InlineData(4, 1)]
    [InlineData(6, 1)]
    [InlineData(7, 2)]
    [InlineData(12, 3)]
    [InlineData(24, 6)]
    public void A_quarter_is_rounded_and_at_least_one_block(int blocks, int quarter)
    {
        double[] values = [.. Enumerable.Range(0, blocks).Select(index => index < quarter ? 3.0 : index >= blocks - quarter ? 5 : 2)];
        var shape = UShape.Of(values);

        Assert.Equal((3, 2, 5), (shape.First, shape.Middle, shape.Last));
        Assert.Equal(2, shape.Score!.Value);
    }

    [Theory]
    [InlineData(new double[] { 3, 1, 1, 3 }, UShapeVerdict.Clear)]
    [InlineData(new double[] { 1.03, 1, 1, 1.15 }, UShapeVerdict.Weak)]
    [InlineData(new double[] { 1, 1, 1, 4 }, UShapeVerdict.Rising)]
    [InlineData(new double[] { 0.5, 1, 1, 9 }, UShapeVerdict.Rising)]
    [InlineData(new double[] { 4, 1, 1, 1 }, UShapeVerdict.Falling)]
    [InlineData(new double[] { 1, 1, 1, 0.9 }, UShapeVerdict.Falling)]
    [InlineData(new double[] { 1, 1, 1.02, 1 }, UShapeVerdict.Flat)]
    [InlineData(new double[] { 1, 2, 2, 1 }, UShapeVerdict.Arch)]
    [InlineData(new double[] { 1, 2 }, UShapeVerdict.TooFewBlocks)]
    [InlineData(new double[] { 3, 1, 3 }, UShapeVerdict.TooFewBlocks)]
    [InlineData(new double[] { 0, 0, 0, 0 }, UShapeVerdict.Flat)]
    public void The_verdict_follows_the_curve(double[] intensities, UShapeVerdict verdict)
    {
        var shape = UShape.Of(intensities);

        Assert.Equal(verdict, shape.Verdict);
        Assert.Equal(shape.IsU, shape.Warning is null);
    }

    [Theory]
    [InlineData(0.01, UShapeVerdict.Clear)]
    [InlineData(0.03, UShapeVerdict.Weak)]
    [InlineData(0.10, UShapeVerdict.Flat)]
    public void A_difference_counts_that_another_draw_of_images_would_not_turn_round(double error, UShapeVerdict verdict) =>
        Assert.Equal(verdict, UShape.Of([1.05, 1, 1, 1.2], [error, error, error, error]).Verdict);

    [Fact]
    public void A_difference_below_a_hundredth_is_no_shape_however_sure_it_is() =>
        Assert.Equal(UShapeVerdict.Flat, UShape.Of([1.005, 1, 1, 1.005], [1e-6, 1e-6, 1e-6, 1e-6]).Verdict);

    [Fact]
    public void A_small_but_steady_rise_is_no_flat_curve() =>
        Assert.Equal(UShapeVerdict.Rising, UShape.Of([1, 1.03, 1.07, 1.11], [0.01, 0.01, 0.01, 0.01]).Verdict);

    [Fact]
    public void A_spectrum_judges_its_curve_by_its_spread_over_the_images()
    {
        using var model = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);
        var spectrum = SpectralAnalysis.Run(model, Textures.Create(7, 32));
        double[] errors = [.. spectrum.Blocks.Select(block => block.IntensityDeviation!.Value / Math.Sqrt(7))];

        Assert.Equal(UShape.Of(spectrum.Intensities, errors), spectrum.UShape);
        Assert.Contains("2 standard errors for 3", Assert.Throws<SpectralKDException>(() => UShape.Of([1, 2, 3], [1, 2])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_words_hold_the_score()
        => Assert.Equal("clear U-shape (score 3.00)", UShape.Of([3, 1, 1, 3]).Words);
}
