using System.Text.Json;

namespace SpectralKD.Tests.Spectra;

/// <summary>Every figure against numpy's and PyTorch's, from the same float32 maps.</summary>
public class GoldenSpectraTests
{
    public static TheoryData<int> MapCases => [.. Enumerable.Range(0, 6)];

    public static TheoryData<string, string> Models =>
        [.. new[] { "small", "small2" }.SelectMany(set => SharedData.GoldenCases(set).Where(name => File.Exists(Path.Combine(SharedData.Golden(set, name), "spectral.json")))
            .Select(name => (set, name)))];

    [Theory]
    [MemberData(nameof(MapCases))]
    public void Figures_of_generated_maps_agree_with_the_reference(int number)
    {
        LibTorch.EnsureLoaded();
        using var document = JsonDocument.Parse(File.ReadAllText(SharedData.Golden("spectral", "maps.json")));
        var golden = document.RootElement.GetProperty("cases")[number];
        using var map = GoldenMaps.Generate(
            golden.GetProperty("name").GetString()!,
            golden.GetProperty("kind").GetString()!,
            [.. golden.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())]);
        Compare(golden, Analyse(map, 0).Blocks[0]);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Figures_of_model_maps_agree_with_the_reference(string set, string model)
    {
        LibTorch.EnsureLoaded();
        using var document = JsonDocument.Parse(File.ReadAllText(SharedData.Golden(set, model, "spectral.json")));
        foreach (var golden in document.RootElement.GetProperty("blocks").EnumerateArray())
        {
            var block = golden.GetProperty("block").GetInt32();
            using var map = GoldenMaps.Read(SharedData.Golden(set, model, "expected.safetensors"), $"block.{block}");
            Compare(golden, Analyse(map, block).Blocks[0]);
        }
    }

    private static ModelSpectrum Analyse(Tensor map, int block)
    {
        var accumulator = new SpectrumAccumulator("golden", [new BlockInfo(block, $"blocks.{block}", 0, 0, 0)], SpectralDomain.Both);
        accumulator.Add([new FeatureMap(block, map)]);
        return accumulator.ToSpectrum("generator");
    }

    private static void Compare(JsonElement golden, BlockSpectrum block)
    {
        Scalar(golden, "spatial_intensity", block.SpatialIntensity);
        Scalar(golden, "entropy", block.Uniformity);
        Scalar(golden, "total_power", block.TotalPower);
        Scalar(golden, "hf_threshold", block.HighFrequencyThreshold);
        Scalar(golden, "hf_ratio", block.HighFrequencyRatio);
        Scalar(golden, "channel_intensity_none", block.ChannelIntensity * block.Channels);
        Scalar(golden, "channel_intensity_ortho", block.ChannelIntensity * Math.Sqrt(block.Channels));
        List(golden, "radial_counts", [.. block.RadialCounts.Select(count => (double)count)]);
        List(golden, "radial_amplitude", block.RadialAmplitude!.Value);
        List(golden, "radial_power", block.RadialPower!.Value);
        List(golden, "channel_spectrum_none", [.. block.ChannelSpectrum!.Value.Select(value => value * block.Channels)]);
        List(golden, "map_amplitude_shifted", block.AmplitudeMap!.Value);
        Assert.Equal(golden.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).Skip(1), [block.Channels, block.Height, block.Width]);
    }

    private static void Scalar(JsonElement golden, string name, double? actual)
    {
        var expected = golden.GetProperty(name).GetDouble();
        Assert.True(Math.Abs(expected - actual!.Value) <= 1e-10 * Math.Max(1e-3, Math.Abs(expected)), $"{name}: {expected:R} and {actual:R}");
    }

    /// <summary>Lists have 9 significant digits in the golden files, the maps 7. What should be zero is rounding noise below 1e-16.</summary>
    private static void List(JsonElement golden, string name, IReadOnlyList<double> actual)
    {
        var expected = golden.GetProperty(name).EnumerateArray().Select(value => value.GetDouble()).ToArray();
        Assert.Equal(expected.Length, actual.Count);
        var tolerance = name.StartsWith("map", StringComparison.Ordinal) ? 6e-7 : 6e-9;
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= (tolerance * Math.Abs(expected[i])) + 1e-16, $"{name}[{i}]: {expected[i]:R} and {actual[i]:R}");
        }
    }
}
