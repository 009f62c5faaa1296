using System.Globalization;

namespace SpectralKD.Spectra;

/// <summary>Smallest and largest activation of all analysed blocks and images: the outer edges of the entropy's 100 bins.</summary>
/// <param name="Minimum">Smallest value, finite.</param>
/// <param name="Maximum">Largest value, finite, not less than the smallest.</param>
public sealed record ActivationRange(double Minimum, double Maximum)
{
    /// <summary>Reads a range as it is typed: <c>-12.5,20</c>.</summary>
    /// <exception cref="SpectralKDException">The text is not two finite numbers, the smaller one first.</exception>
    public static ActivationRange Parse(string text)
    {
        var ends = text.Split(',').Select(Number).ToArray();
        return ends is [{ } low, { } high] && low < high ? new ActivationRange(low, high) : throw new SpectralKDException(
            $"\"{text}\" is no range of activations; write two finite numbers, the smaller one first, for example -12.5,20");
    }

    /// <summary>The range that covers both.</summary>
    public ActivationRange Union(ActivationRange other)
        => new(Math.Min(Minimum, other.Minimum), Math.Max(Maximum, other.Maximum));

    /// <summary>The range as <see cref="Parse"/> reads it, without loss.</summary>
    public override string ToString() => FormattableString.Invariant($"{Minimum:R},{Maximum:R}");

    private static double? Number(string text)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}
