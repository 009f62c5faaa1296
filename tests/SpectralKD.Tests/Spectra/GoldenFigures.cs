using System.Text.Json;

namespace SpectralKD.Tests.Spectra;

/// <summary>The golden figures of feature maps (figures2): their maps, and comparison with numpy's values.</summary>
internal sealed class GoldenFigures(JsonElement golden)
{
    public const int Cases = 8;

    public static GoldenFigures Case(int number) => new(Document.RootElement.GetProperty("cases")[number]);

    private static readonly JsonDocument Document = JsonDocument.Parse(File.ReadAllText(SharedData.Golden("figures2", "maps.json")));

    public string Kind => golden.GetProperty("kind").GetString()!;

    /// <summary>The maps, float32 <c>[B, C, H, W]</c>.</summary>
    public Tensor Map()
    {
        LibTorch.EnsureLoaded();
        var name = golden.GetProperty("name").GetString()!;
        return Kind == "noise"
            ? GoldenMaps.Generate(name, Kind, [.. golden.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())])
            : GoldenMaps.Read(SharedData.Golden("figures2", "maps.safetensors"), $"{name}.{Kind}");
    }

    /// <summary>The maps' spectra in both domains.</summary>
    public ModelSpectrum Spectrum()
    {
        using var map = Map();
        var accumulator = new SpectrumAccumulator("golden", [new BlockInfo(0, "blocks.0", 0, 0, 0)], SpectralDomain.Both);
        accumulator.Add([new FeatureMap(0, map)]);
        return accumulator.ToSpectrum("generator");
    }

    public JsonElement At(string group, string name) => golden.GetProperty(group).GetProperty(name);

    public void Scalar(string group, string name, double? actual, double tolerance = 1e-8)
        => Close($"{group}/{name}", At(group, name).GetDouble(), actual!.Value, tolerance);

    public void List(string group, string name, IEnumerable<double> actual, double tolerance = 1e-8)
    {
        var (expected, found) = (At(group, name).EnumerateArray().Select(value => value.GetDouble()).ToArray(), actual.ToArray());
        Assert.Equal(expected.Length, found.Length);
        foreach (var (one, two) in expected.Zip(found))
        {
            Close($"{group}/{name}", one, two, tolerance);
        }
    }

    public static void Close(string what, double expected, double actual, double tolerance)
        => Assert.True(Math.Abs(expected - actual) <= tolerance * Math.Max(1, Math.Abs(expected)), $"{what}: {expected:R} and {actual:R}");
}
