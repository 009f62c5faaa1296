namespace SpectralKD.Models;

/// <summary>
/// Random numbers by position: value i of the tensor called <c>name</c> under a seed, whatever was drawn before it. SplitMix64 gives
/// the bits; only additions, multiplications, divisions and square roots follow, so every machine gets the same numbers.
/// </summary>
internal readonly struct SeededNormal
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
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

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
