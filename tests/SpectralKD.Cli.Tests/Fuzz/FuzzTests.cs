using System.Globalization;

namespace SpectralKD.Cli.Tests.Fuzz;

/// <summary>
/// Every parser against spoilt files: a fixed seed, the same in every run, and a fresh one, which is printed. <c>SPECTRALKD_FUZZ_SECONDS</c> makes the fresh one
/// last so long (all parsers together), <c>SPECTRALKD_FUZZ_SEED</c> sets it, to see a failure again.
/// </summary>
public sealed class FuzzTests : IDisposable
{
    private const ulong FixedSeed = 20_251_128;
    private const int FixedCases = 120;
    private const string Seconds = "SPECTRALKD_FUZZ_SECONDS";

    private static readonly ulong s_freshSeed = ulong.TryParse(Environment.GetEnvironmentVariable("SPECTRALKD_FUZZ_SEED"), CultureInfo.InvariantCulture, out var seed)
        ? seed
        : (ulong)Random.Shared.NextInt64(1L << 40);

    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-fuzz-").FullName;

    public static TheoryData<string> Parsers => [.. FuzzTargets.All.Select(target => target.Name)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Parsers))]
    public void Sound_files_are_read_and_spoilt_ones_are_read_or_refused_in_one_line(string parser)
    {
        var run = new FuzzRun(Target(parser), _folder);
        run.ReadSamples();
        run.Read(FixedSeed, FixedCases, TimeSpan.MaxValue);
    }

    [Fact]
    public void Spoilt_files_of_a_fresh_seed_are_read_or_refused_in_one_line()
    {
        if (!double.TryParse(Environment.GetEnvironmentVariable(Seconds), CultureInfo.InvariantCulture, out var seconds))
        {
            Assert.Skip($"skipped: {Seconds} says how long spoilt files of a fresh seed are read");
        }
        var time = TimeSpan.FromSeconds(seconds / FuzzTargets.All.Count);
        var failures = new List<string>();
        foreach (var target in FuzzTargets.All)
        {
            Say($"fuzz: {target.Name} from seed {s_freshSeed}");
            try
            {
                Say($"fuzz: {target.Name}: {new FuzzRun(target, _folder).Read(s_freshSeed, long.MaxValue, time)} cases");
            }
            catch (Xunit.Sdk.XunitException error)
            {
                Say($"fuzz: {error.Message}");
                failures.Add(error.Message);
            }
        }
        Assert.Empty(failures);
    }

    private static FuzzTarget Target(string name) => FuzzTargets.All.Single(target => target.Name == name);

    // At once: a crash of the process would take a test's own output with it.
    private static void Say(string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        using var error = Console.OpenStandardError();
        error.Write(System.Text.Encoding.UTF8.GetBytes(line + "\n"));
    }
}
