namespace SpectralKD.Tests.Spectra;

public class UShapeTests
{
    [Theory]
    [InlineData(3, 1)]
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
    [InlineData(new double[] { 1.1, 1, 1, 1.15 }, UShapeVerdict.Weak)]
    [InlineData(new double[] { 1, 1, 1, 4 }, UShapeVerdict.Rising)]
    [InlineData(new double[] { 0.5, 1, 1, 9 }, UShapeVerdict.Rising)]
    [InlineData(new double[] { 4, 1, 1, 1 }, UShapeVerdict.Falling)]
    [InlineData(new double[] { 1, 1, 1.02, 1 }, UShapeVerdict.Flat)]
    [InlineData(new double[] { 1, 2, 2, 1 }, UShapeVerdict.Arch)]
    [InlineData(new double[] { 1, 2 }, UShapeVerdict.TooFewBlocks)]
    [InlineData(new double[] { 0, 0, 0, 0 }, UShapeVerdict.Flat)]
    public void The_verdict_follows_the_curve(double[] intensities, UShapeVerdict verdict)
    {
        var shape = UShape.Of(intensities);

        Assert.Equal(verdict, shape.Verdict);
        Assert.Equal(shape.IsU, shape.Warning is null);
    }

    [Fact]
    public void The_words_hold_the_score()
        => Assert.Equal("clear U-shape (score 3.00)", UShape.Of([3, 1, 1, 3]).Words);
}
