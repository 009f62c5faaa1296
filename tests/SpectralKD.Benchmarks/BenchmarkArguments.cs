using System.Globalization;

namespace SpectralKD.Benchmarks;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchmarkArguments
{
    private static readonly string[] s_options =
        ["--threads", "--rounds", "--model", "--images", "--batch", "--photos", "--device", "--peer", "--command", "--json", "--golden"];

    public static IReadOnlyDictionary<string, Func<BenchmarkArguments, IEnumerable<Table>>> Known { get; }
        = new Dictionary<string, Func<BenchmarkArguments, IEnumerable<Table>>>
        {
            ["forward"] = ForwardBenchmark.Run,
            ["analysis"] = AnalysisBenchmark.Run,
            ["alignment"] = AlignmentBenchmark.Run,
            ["step"] = StepBenchmark.Run,
            ["training"] = TrainingBenchmark.Run,
            ["teacher-cache"] = TeacherCacheBenchmark.Run,
            ["images"] = ImagesBenchmark.Run,
            ["contest"] = ContestBenchmark.Run,
            ["precision"] = PrecisionBenchmark.Run,
            ["process"] = ProcessBenchmark.Run,
        };

    public IReadOnlyList<string> Names { get; private init; } = [.. Known.Keys.Except(["precision"])];

    public int Threads { get; private init; } = 1;

    public int Rounds { get; private init; } = 5;

    /// <summary>The one model to measure; null for each benchmark's own.</summary>
    public string? Model { get; private init; }

    public int Images { get; private init; } = 32;

    public IReadOnlyList<int> Batches { get; private init; } = [8, 32];

    /// <summary>A folder of photographs; null for pictures made for the run.</summary>
    public string? Photos { get; private init; }

    /// <summary>Where models run.</summary>
    public Device Device { get; private init; } = CPU;

    /// <summary>A Python with torch that does the same work; null for none.</summary>
    public string? Peer { get; private init; }

    /// <summary>The peer once found.</summary>
    public Peer? FoundPeer { get; init; }

    /// <summary>The spectralkd command whose processes are measured; null for none.</summary>
    public string? Command { get; private init; }

    /// <summary>Where the figures go as JSON too; null for nowhere.</summary>
    public string? Json { get; private init; }

    /// <summary>The folder of golden vectors that <c>check</c> reads.</summary>
    public string Golden { get; private init; } = "tests/golden";

    public static BenchmarkArguments Parse(string[] words)
    {
        var (arguments, names) = (new BenchmarkArguments(), new List<string>());
        for (var i = 0; i < words.Length; i++)
        {
            if (!words[i].StartsWith("--", StringComparison.Ordinal))
            {
                names.Add(Known.ContainsKey(words[i]) || words[i] == DeviceCheck.Name ? words[i] : throw Unknown(words[i], [.. Known.Keys, DeviceCheck.Name]));
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
        "--batch" => this with { Batches = [.. value.Split(',').Select(part => Number(option, part))] },
        "--photos" => this with { Photos = value },
        "--device" => this with { Device = Devices.Parse(value) },
        "--peer" => this with { Peer = value },
        "--command" => this with { Command = value },
        "--json" => this with { Json = value },
        "--golden" => this with { Golden = value },
        _ => throw Unknown(option, s_options),
    };

    private static int Number(string option, string value)
        => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new SpectralKDException($"{option} takes a whole number of at least 1; found \"{value}\"");

    private static SpectralKDException Unknown(string word, IEnumerable<string> known)
        => new($"there is no {word}; known are {string.Join(", ", known)}");
}
