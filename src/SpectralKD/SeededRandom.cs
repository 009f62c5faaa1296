using static SpectralKD.SplitMix64;

namespace SpectralKD;

/// <summary>
/// A random generator addressed by place, not by history: the numbers depend only on the words of its key, for example
/// (seed, epoch, index). Workers may therefore run in any order and still draw the same numbers. Integer arithmetic only
/// (SplitMix64's finaliser over key + counter), so the stream is the same on every platform.
/// </summary>
internal struct CounterRandom
{
    private readonly ulong _key;
    private ulong _counter;

    /// <summary>Makes the generator of one place. Different words, or the same in another order, give unrelated streams.</summary>
    public CounterRandom(params ReadOnlySpan<long> words)
    {
        var state = 0x243F6A8885A308D3UL;
        foreach (var word in words)
        {
            state = Mix(state + Golden + Mix((ulong)word + Golden));
        }

        _key = state;
        _counter = 0;
    }

    /// <summary>The next 64 random bits.</summary>
    public ulong NextBits() => Mix(_key + (++_counter * Golden));

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double NextBetween(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>Uniform integer in [0, bound), without modulo bias beyond 2^-32.</summary>
    public int NextInt(int bound) => (int)(((NextBits() >> 32) * (ulong)bound) >> 32);

    /// <summary>True with the given probability.</summary>
    public bool NextBool(double probability) => NextDouble() < probability;

    /// <summary>Normal with the given mean and standard deviation (Box-Muller; one of the pair is used).</summary>
    public double NextGaussian(double mean = 0, double deviation = 1)
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        return mean + (deviation * radius * Math.Cos(2 * Math.PI * NextDouble()));
    }

    /// <summary>Shuffles in place (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var last = items.Length - 1; last > 0; last--)
        {
            var other = NextInt(last + 1);
            (items[last], items[other]) = (items[other], items[last]);
        }
    }
}

/// <summary>
/// Random numbers by position: value i of the tensor called <c>name</c> under a seed, whatever was drawn before it. SplitMix64 gives
/// the bits; only additions, multiplications, divisions and square roots follow, so every machine gets the same numbers.
/// </summary>
internal readonly struct SeededNormal
{
    private readonly ulong _origin;

    public SeededNormal(long seed, string name)
    {
        var hash = 0xcbf29ce484222325UL; // FNV-1a, 64 bits
        foreach (var unit in System.Text.Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ unit) * 0x100000001b3UL;
        }

        _origin = Mix(hash + Mix(unchecked((ulong)seed) + Golden));
    }

    /// <summary>Uniform in (0, 1), 53 bits, never an end point.</summary>
    public double Uniform(long index) => ((Mix(_origin + (unchecked((ulong)index) * Golden)) >> 11) + 0.5) * (1.0 / (1L << 53));

    /// <summary>Standard normal, by the inverse of its distribution function.</summary>
    public double Normal(long index) => NormalQuantile.At(Uniform(index));
}

/// <summary>
/// The inverse of the standard normal distribution function: M. J. Wichura's algorithm AS 241 (PPND16, Applied Statistics 37, 1988),
/// relative accuracy about 1e-16. Its logarithm is computed here, because those of the platforms differ in the last digit.
/// </summary>
internal static class NormalQuantile
{
    private static readonly double[] MiddleTop =
    [
        1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
        1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
    ];

    private static readonly double[] MiddleBottom =
    [
        1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
        1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
    ];

    private static readonly double[] TailTop =
    [
        6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
        2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
    ];

    private static readonly double[] TailBottom =
    [
        1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
        7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
    ];

    private static readonly double[] OddReciprocals = [.. Enumerable.Range(0, 11).Select(i => 1.0 / ((2 * i) + 1))];

    /// <summary>The x with P(X &lt;= x) = <paramref name="p"/> for a standard normal X; p in (0, 1).</summary>
    public static double At(double p)
    {
        var q = p - 0.5;
        if (Math.Abs(q) <= 0.425)
        {
            return Central(q); // five values of six
        }

        var r = Math.Sqrt(-Log(q < 0 ? p : 1 - p));
        var size = r <= 5
            ? Horner(MiddleTop, r - 1.6) / Horner(MiddleBottom, r - 1.6)
            : Horner(TailTop, r - 5) / Horner(TailBottom, r - 5);
        return q < 0 ? -size : size;
    }

    // Written out, because a model of 86 million weights is drawn with it.
    private static double Central(double q)
    {
        var x = 0.180625 - (q * q);
        var (top, bottom) = (2.5090809287301226727e3, 5.2264952788528545610e3);
        (top, bottom) = ((top * x) + 3.3430575583588128105e4, (bottom * x) + 2.8729085735721942674e4);
        (top, bottom) = ((top * x) + 6.7265770927008700853e4, (bottom * x) + 3.9307895800092710610e4);
        (top, bottom) = ((top * x) + 4.5921953931549871457e4, (bottom * x) + 2.1213794301586595867e4);
        (top, bottom) = ((top * x) + 1.3731693765509461125e4, (bottom * x) + 5.3941960214247511077e3);
        (top, bottom) = ((top * x) + 1.9715909503065514427e3, (bottom * x) + 6.8718700749205790830e2);
        (top, bottom) = ((top * x) + 1.3314166789178437745e2, (bottom * x) + 4.2313330701600911252e1);
        (top, bottom) = ((top * x) + 3.3871328727963666080e0, (bottom * x) + 1.0);
        return q * top / bottom;
    }

    private static double Horner(ReadOnlySpan<double> coefficients, double x)
    {
        var sum = 0.0;
        for (var i = coefficients.Length - 1; i >= 0; i--)
        {
            sum = (sum * x) + coefficients[i];
        }

        return sum;
    }

    /// <summary>Natural logarithm of a normal positive number: exponent by bits, mantissa by the series of 2 atanh.</summary>
    internal static double Log(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)(bits >> 52) - 1023;
        var mantissa = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | (1023L << 52)); // in [1, 2)
        if (mantissa > 1.4142135623730951)
        {
            (mantissa, exponent) = (mantissa / 2, exponent + 1);
        }

        var t = (mantissa - 1) / (mantissa + 1); // |t| <= 0.172: 11 terms t^n / n, n = 1, 3 … 21, reach 1e-18
        return (2 * t * Horner(OddReciprocals, t * t)) + (exponent * 0.69314718055994530942);
    }
}

/// <summary>SplitMix64: its finaliser, and the odd number that its counter advances by (Steele, Lea and Flood, OOPSLA 2014).</summary>
internal static class SplitMix64
{
    public const ulong Golden = 0x9E3779B97F4A7C15UL;

    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
