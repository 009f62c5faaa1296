namespace SpectralKD.Tests;

public sealed class DurationsTests
{
    [Theory]
    [InlineData(0.04, "0.0 s")]
    [InlineData(2.34, "2.3 s")]
    [InlineData(59.94, "59.9 s")]
    [InlineData(59.97, "1 min 00 s")]
    [InlineData(65.4, "1 min 05 s")]
    [InlineData(3599.7, "1 h 00 min")]
    [InlineData(7500, "2 h 05 min")]
    [InlineData(360000, "100 h 00 min")]
    [InlineData(3.6e300, "1.0e+297 h")]
    public void A_duration_is_spelled_in_one_way(double seconds, string text) => Assert.Equal(text, Durations.Text(seconds));
}
