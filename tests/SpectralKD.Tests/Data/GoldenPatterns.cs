using System.Text;
using System.Text.Json;

namespace SpectralKD.Tests.Data;

/// <summary>The two images of golden/preprocess/patterns.json, made from their formulas, and their expected values.</summary>
internal static class GoldenPatterns
{
    public static JsonElement Root { get; } =
        JsonDocument.Parse(File.ReadAllText(SharedData.Golden("preprocess", "patterns.json"))).RootElement;

    public static RgbImage Make(string pattern) => pattern == "saw" ? Saw() : Noise();

    public static JsonElement Expected(string pattern) =>
        Root.GetProperty("images").EnumerateObject().Single(image => image.Name.StartsWith(pattern, StringComparison.Ordinal)).Value;

    private static RgbImage Saw()
    {
        var pixels = new byte[320 * 240 * 3];
        for (var i = 0; i < 320 * 240; i++)
        {
            var (x, y) = (i % 320, i / 320);
            pixels[3 * i] = (byte)((3 * x) + (2 * y));
            pixels[(3 * i) + 1] = (byte)((x * y) >> 4);
            pixels[(3 * i) + 2] = (byte)((x ^ y) * 2);
        }

        return new RgbImage(320, 240, pixels);
    }

    private static RgbImage Noise()
    {
        var hash = 0xcbf29ce484222325UL;
        foreach (var letter in Encoding.UTF8.GetBytes("pattern.noise"))
        {
            hash = (hash ^ letter) * 0x100000001b3UL;
        }

        var pixels = new byte[61 * 97 * 3];
        for (var i = 0; i < pixels.Length; i++)
        {
            var z = hash + (ulong)i + 0x9E3779B97F4A7C15UL;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            pixels[i] = (byte)((z ^ (z >> 31)) >> 56);
        }

        return new RgbImage(61, 97, pixels);
    }
}
