using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Benchmarks;

/// <summary>All rounds of one variant.</summary>
internal sealed class Row(string name, double units, double? floorSeconds)
{
    private readonly List<Sample> _samples = [];

    public string Name => name;

    public void Add(Sample sample) => _samples.Add(sample);

    public double Wall => Median(sample => sample.Wall);

    public double Cpu => Median(sample => sample.Cpu);

    public double System => Median(sample => sample.System);

    public double Peak => _samples.Max(sample => sample.PeakMiB);

    public double PerSecond => units / Wall;

    /// <summary>CPU seconds of a unit at the best rate seen, over those it took; null where there is no floor.</summary>
    public double? ShareOfFloor => floorSeconds / Cpu;

    public double Units => units;

    /// <summary>Quartiles of a figure over the baseline's, round by round.</summary>
    public double[] Over(Row baseline, Func<Sample, double> figure)
    {
        var ratios = _samples.Zip(baseline._samples, (own, other) => figure(own) / figure(other)).Order().ToArray();
        return [At(ratios, 0.5), At(ratios, 0.25), At(ratios, 0.75)];
    }

    private double Median(Func<Sample, double> figure) => At([.. _samples.Select(figure).Order()], 0.5);

    private static double At(double[] sorted, double part) => sorted[(int)Math.Round(part * (sorted.Length - 1))];
}

/// <summary>A job's variants, the first of which is the baseline, as a table and as JSON.</summary>
internal sealed record Table(string Title, string Unit, IReadOnlyList<Row> Rows)
{
    public void Print()
    {
        Console.WriteLine();
        Console.WriteLine(Title);
        Console.WriteLine($"| variant | {Unit}/s | ms | CPU ms | system ms | time / baseline | CPU / baseline | peak MiB | of the floor |");
        Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var row in Rows)
        {
            var (wall, cpu) = (row.Over(Rows[0], sample => sample.Wall), row.Over(Rows[0], sample => sample.Cpu));
            var floor = row.ShareOfFloor is { } share ? FormattableString.Invariant($"{share:0.00}") : "";
            Console.WriteLine(FormattableString.Invariant(
                $"| {row.Name} | {row.PerSecond:0.0} | {Per(row, row.Wall):0.0} | {Per(row, row.Cpu):0.0} | {Per(row, row.System):0.0} ")
                + FormattableString.Invariant($"| {wall[0]:0.00} ({wall[1]:0.00} to {wall[2]:0.00}) | {cpu[0]:0.00} ({cpu[1]:0.00} to {cpu[2]:0.00}) | {row.Peak:0} | {floor} |"));
        }
    }

    public JsonObject ToJson() => new()
    {
        ["title"] = Title,
        ["unit"] = Unit,
        ["rows"] = new JsonArray([.. Rows.Select(row => new JsonObject
        {
            ["name"] = row.Name,
            ["baseline"] = Rows[0].Name,
            ["per_second"] = row.PerSecond,
            ["wall_ms"] = Per(row, row.Wall),
            ["cpu_ms"] = Known(Per(row, row.Cpu)),
            ["system_ms"] = Known(Per(row, row.System)),
            ["wall_ratio"] = row.Over(Rows[0], sample => sample.Wall)[0],
            ["cpu_ratio"] = Known(row.Over(Rows[0], sample => sample.Cpu)[0]),
            ["peak_mib"] = Known(row.Peak),
            ["share_of_floor"] = row.ShareOfFloor,
        })]),
    };

    // JSON has no NaN: what a system does not tell is null.
    private static double? Known(double value) => double.IsFinite(value) ? value : null;

    private static double Per(Row row, double seconds) => seconds * 1000 / row.Units;
}

/// <summary>Everything that a run of the benchmarks found, in one file.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static void Write(string path, BenchmarkArguments arguments, IEnumerable<Table> tables) => File.WriteAllText(path, new JsonObject
    {
        ["torch"] = TorchSharp.torch.__version__,
        ["threads"] = arguments.Threads,
        ["processors"] = Environment.ProcessorCount,
        ["load"] = MachineLoad.Now(),
        ["tables"] = new JsonArray([.. tables.Select(table => table.ToJson())]),
    }.ToJsonString(s_indented));
}
