using System.Text;

namespace SpectralKD.Tests.Spectra;

/// <summary>The golden vectors' number generator: FNV-1a of the name, then SplitMix64 by position.</summary>
internal static class Generator
{
    public static float[] Values(string name, long count, double scale, double offset)
    {
        var hash = 0xcbf29ce484222325UL;
        foreach (var b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 0x100000001b3UL;
        }

        var values = new float[count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)((((Mix(hash + (ulong)i + 0x9E3779B97F4A7C15UL) >> 40) / 16777216.0) - 0.5) * scale + offset);
        }

        return values;
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
