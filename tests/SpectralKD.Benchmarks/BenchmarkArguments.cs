using System.Globalization;

namespace SpectralKD.Benchmarks;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchmarkArguments
{
    public static IReadOnlyDictionary<string, Action<BenchmarkArguments>> Known { get; } = new Dictionary<string, Action<BenchmarkArguments>>
    {
        ["analysis"] = AnalysisBenchmark.Run,
        ["alignment"] = AlignmentBenchmark.Run,
        ["training"] = TrainingBenchmark.Run,
        ["teacher-cache"] = TeacherCacheBenchmark.Run,
        ["images"] = ImagesBenchmark.Run,
        ["precision"] = PrecisionBenchmark.Run,
    };

    public IReadOnlyList<string> Names { get; private init; } = [.. Known.Keys.Except(["images", "precision"])];

    public int Threads { get; private init; } = 1;

    public int Rounds { get; private init; } = 9;

    public string Model { get; private init; } = "deit_tiny_patch16_224";

    public int Images { get; private init; } = 16;

    public int Batch { get; private init; } = 8;

    public static BenchmarkArguments Parse(string[] words)
    {
        var (arguments, names) = (new BenchmarkArguments(), new List<string>());
        for (var i = 0; i < words.Length; i++)
        {
            var option = words[i].StartsWith("--", StringComparison.Ordinal);
            if (!option)
            {
                names.Add(Known.ContainsKey(words[i]) ? words[i] : throw Unknown(words[i], Known.Keys));
                continue;
            }

            var value = i + 1 < words.Length ? words[i + 1] : throw new SpectralKDException($"{words[i]} needs a value");
            arguments = arguments.With(words[i++], value);
        }

        return names.Count == 0 ? arguments : arguments with { Names = names };
    }

    private BenchmarkArguments With(string option, string value) => option switch
    {
        "--threads" => this with { Threads = Number(option, value) },
        "--rounds" => this with { Rounds = Number(option, value) },
        "--model" => this with { Model = value },
        "--images" => this with { Images = Number(option, value) },
        "--batch" => this with { Batch = Number(option, value) },
        _ => throw Unknown(option, ["--threads", "--rounds", "--model", "--images", "--batch"]),
    };

    private static int Number(string option, string value)
        => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new SpectralKDException($"{option} takes a whole number of at least 1; found \"{value}\"");

    private static SpectralKDException Unknown(string word, IEnumerable<string> known)
        => new($"there is no {word}; known are {string.Join(", ", known)}");
}
