using System.Text;

namespace SpectralKD.Tests.Weights;

/// <summary>The formula by which the golden weights were made (tests/golden README): FNV-1a of the name, then splitmix64.</summary>
internal static class GoldenGenerator
{
    public static float[] Values(string name, int count, double scale, double offset)
    {
        var seed = Encoding.UTF8.GetBytes(name).Aggregate(0xcbf29ce484222325UL, (hash, b) => unchecked((hash ^ b) * 0x100000001b3UL));
        return [.. Enumerable.Range(0, count).Select(i => (float)((Uniform(seed, (ulong)i) - 0.5) * scale + offset))];
    }

    private static double Uniform(ulong seed, ulong index)
    {
        unchecked
        {
            var z = seed + index + 0x9E3779B97F4A7C15UL;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            return ((z ^ (z >> 31)) >> 40) / 16777216.0;
        }
    }
}
