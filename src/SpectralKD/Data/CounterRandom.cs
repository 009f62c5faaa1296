namespace SpectralKD.Data;

/// <summary>
/// A random generator addressed by place, not by history: the numbers depend only on the words of its key, for example
/// (seed, epoch, index). Workers may therefore run in any order and still draw the same numbers. Integer arithmetic only
/// (SplitMix64's finaliser over key + counter), so the stream is the same on every platform.
/// </summary>
internal struct CounterRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15UL;
    private readonly ulong key;
    private ulong counter;

    /// <summary>Makes the generator of one place. Different words, or the same in another order, give unrelated streams.</summary>
    public CounterRandom(params ReadOnlySpan<long> words)
    {
        var state = 0x243F6A8885A308D3UL;
        foreach (var word in words)
        {
            state = Mix(state + Golden + Mix((ulong)word + Golden));
        }

        key = state;
        counter = 0;
    }

    /// <summary>The next 64 random bits.</summary>
    public ulong NextBits() => Mix(key + (++counter * Golden));

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

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
