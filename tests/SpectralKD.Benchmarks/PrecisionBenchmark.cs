using System.Globalization;

namespace SpectralKD.Benchmarks;

/// <summary>
/// What bfloat16 does to the figures of an analysis: for each figure the largest deviation from float32 over all blocks, relative to the figure (shares and
/// entropies: absolute). Models with their published weights where these are in the cache, else seeded; textures, or the photos that --photos names.
/// </summary>
internal static class PrecisionBenchmark
{
    private static readonly (string Name, bool Relative, Func<BlockSpectrum, IEnumerable<double>> Of)[] Figures =
    [
        ("intensity", true, block => [block.SpatialIntensity!.Value]),
        ("intensity_sd", true, block => [block.IntensityDeviation!.Value]),
        ("uniformity (0 to 1)", false, block => [block.Uniformity!.Value]),
        ("high_frequency_ratio (0 to 1)", false, block => [block.HighFrequencyRatio!.Value]),
        ("total_power", true, block => [block.TotalPower!.Value]),
        ("channel_intensity", true, block => [block.ChannelIntensity!.Value]),
        ("activation_entropy (bits)", false, block => [block.ActivationEntropy!.Value]),
        ("radial amplitude, every ring", true, block => block.RadialAmplitude!.Value),
        ("radial power, every ring", true, block => block.RadialPower!.Value),
        ("amplitude map, every frequency", true, block => block.AmplitudeMap!.Value),
        ("channel spectrum, every frequency", true, block => block.ChannelSpectrum!.Value),
    ];

    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        var photos = arguments.Photos;
        string[] names = ["deit_tiny_patch16_224", "cait_xxs24_224", "swin_tiny_patch4_window7_224", "deit_nano_patch8_64"];
        var columns = names.Select(name => Deviations(name, photos, arguments)).ToList();
        Console.WriteLine($"bfloat16 against float32, {arguments.Images} images of {(photos is null ? "textures" : Path.GetFileName(photos))}; largest deviation over all blocks");
        Console.WriteLine($"| figure | {string.Join(" | ", columns.Select(column => column.Title))} |");
        Console.WriteLine($"|---|{string.Concat(names.Select(_ => "---:|"))}");
        for (var figure = 0; figure < Figures.Length; figure++)
        {
            Console.WriteLine($"| {Figures[figure].Name} | {string.Join(" | ", columns.Select(column => Cell(column.Values[figure], Figures[figure].Relative)))} |");
        }

        Console.WriteLine($"| U score | {string.Join(" | ", columns.Select(column => Cell(column.Values[^1], relative: true)))} |");
        return []; // nothing is timed
    }

    private static (string Title, double[] Values) Deviations(string name, string? photos, BenchmarkArguments arguments)
    {
        using var model = Load(name);
        var images = photos is null ? ImageSources.Open("textures", arguments.Images, model.Spec.ImageSize.Height) : ImageSources.Open(photos, arguments.Images);
        var options = new SpectralOptions { Domain = SpectralDomain.Both, BatchSize = arguments.Batches[0] };
        var exact = SpectralAnalysis.Run(model, images, options with { Precision = ModelPrecision.Float32 });
        var brief = SpectralAnalysis.Run(model, images, options with { Precision = ModelPrecision.Bf16, EntropyRange = exact.Activations });
        return (exact.Title,
        [
            .. Figures.Select(figure => exact.Blocks.Zip(brief.Blocks).Max(pair => figure.Of(pair.First).Zip(figure.Of(pair.Second))
                .Max(values => Math.Abs(values.First - values.Second) / (figure.Relative ? Math.Abs(values.First) : 1)))),
            Math.Abs(exact.UShape.Score!.Value - brief.UShape.Score!.Value) / exact.UShape.Score.Value,
        ]);
    }

    private static VisionModel Load(string name)
    {
        try
        {
            return ModelLoader.Load(name);
        }
        catch (SpectralKDException)
        {
            return ModelLoader.Load(name, new() { Weights = "seeded" });
        }
    }

    private static string Cell(double value, bool relative) =>
        relative ? string.Create(CultureInfo.InvariantCulture, $"{100 * value:0.00} %") : value.ToString("0.0000", CultureInfo.InvariantCulture);
}
