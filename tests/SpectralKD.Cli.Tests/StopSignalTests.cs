using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests;

/// <summary>
/// Signals to the real program. Its steps take long (hundreds of batches each), so that a signal meets torch at work; what is said here holds at any
/// speed: torch has one thread, for two wait for each other on a busy machine. A wait has a limit only so that a failure comes to an end.
/// </summary>
public sealed class StopSignalTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-signals-").FullName;

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_signal_ends_a_training_after_its_step_with_a_checkpoint_and_says_how_to_go_on(string signal, int code)
    {
        using var training = StartTraining();
        await training.UntilAsync(() => File.Exists(State));

        await training.SendAsync(signal);
        await training.EndAsync(code);

        Assert.Contains($"go on with: spectralkd distill {Recipe} --out {Run} --resume", training.Said);
        Assert.DoesNotContain("   at ", training.Said);
        Assert.False(DistillationRun.Load(Run).Finished);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_second_signal_ends_a_training_at_once_without_a_crash_and_the_checkpoint_before_is_whole(string signal, int code)
    {
        using var training = StartTraining();
        await training.UntilAsync(() => File.Exists(State));

        while (!training.HasEnded)
        {
            await training.SendAsync(signal);
            await Task.Delay(600);
        }

        await training.EndAsync(code);
        Assert.DoesNotContain("   at ", training.Said);
        Assert.False(DistillationRun.Load(Run).Finished);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_signal_ends_an_analysis_and_nothing_is_half_written(string signal, int code)
    {
        var to = Path.Combine(_folder, "out");
        using var analysis = Start(
            "analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--count", "200000", "--batch", "256", "--out", to);
        await analysis.UntilAsync(() => analysis.Said.Contains("images", StringComparison.Ordinal));

        await analysis.SendAsync(signal);
        await analysis.EndAsync(code);

        Assert.Contains("spectralkd: stopped", analysis.Said);
        Assert.All(Directory.Exists(to) ? Directory.EnumerateFiles(to) : [], file => Assert.Equal("partial.json", Path.GetFileName(file))); // whole, or not there: what --resume goes on with
    }

    [Fact]
    public async Task A_signal_ends_predictions_without_a_crash()
    {
        await File.WriteAllTextAsync(Recipe, """
            { "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "student": "deit_nano_patch4_32", "batch": 8, "device": "cpu", "data": { "train": "textures", "count": 4000, "validationCount": 10, "size": 32 } }
            """);
        using var predict = Start("predict", Recipe, "--count", "4000", "--all-pairs");
        await predict.UntilAsync(() => predict.Said.Contains("step 1 of ", StringComparison.Ordinal));

        await predict.SendAsync("TERM");
        await predict.EndAsync(143);

        Assert.Contains("spectralkd: stopped", predict.Said);
        Assert.DoesNotContain("   at ", predict.Said);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_signal_ends_a_notebook_and_what_ran_until_then_is_saved(string signal, int code)
    {
        var notebook = Path.Combine(_folder, "test.ipynb");
        await File.WriteAllTextAsync(notebook, Notebook("40 + 2", "System.Threading.Thread.Sleep(-1);", "\"never reached\""));
        using var run = Start("run", notebook, "--out", Path.Combine(_folder, "out"));
        await run.UntilAsync(() => run.Said.Contains("[2/3]", StringComparison.Ordinal));

        await run.SendAsync(signal);
        await run.EndAsync(code);

        Assert.Contains("cell [2] was stopped", run.Said);
        var executed = await File.ReadAllTextAsync(Path.Combine(_folder, "out", "test.ipynb"));
        Assert.Contains("\"42\"", executed);
        Assert.DoesNotContain("\"execution_count\": 3", executed);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Run => Path.Combine(_folder, "run");

    private string State => Path.Combine(Run, "checkpoint", "state.json");

    private string Recipe => Path.Combine(_folder, "slow.json");

    private RunningProgram StartTraining()
    {
        File.WriteAllText(Recipe, """
            {
              "version": 1, "student": "deit_nano_patch4_32", "loss": { "method": "none" }, "epochs": 100000, "batch": 8, "accumulate": 200, "device": "cpu",
              "data": { "train": "textures", "count": 3200, "validationCount": 10 }
            }
            """);
        return Start("distill", Recipe, "--out", Run);
    }

    private static RunningProgram Start(params string[] arguments)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "skipped: signals are sent as on Unix");
        return new RunningProgram(arguments);
    }

    private static string Notebook(params string[] cells) => new JsonObject
    {
        ["cells"] = new JsonArray([.. cells.Select((source, i) => new JsonObject
        {
            ["cell_type"] = "code",
            ["id"] = $"cell-{i}",
            ["metadata"] = new JsonObject(),
            ["source"] = source,
            ["outputs"] = new JsonArray(),
            ["execution_count"] = null,
        })]),
        ["metadata"] = new JsonObject(),
        ["nbformat"] = 4,
        ["nbformat_minor"] = 5,
    }.ToJsonString();

    // The command line in a process of its own.
    private sealed class RunningProgram : IDisposable
    {
        private readonly Process _process;
        private readonly StringBuilder _said = new();

        public RunningProgram(string[] arguments)
        {
            _process = new Process
            {
                StartInfo = new ProcessStartInfo(ProgramRun.Dotnet, [ProgramRun.CommandLine, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true },
            };
            _process.StartInfo.Environment["OMP_NUM_THREADS"] = "1";
            _process.OutputDataReceived += Hear;
            _process.ErrorDataReceived += Hear;
            _process.Start();
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
        }

        public bool HasEnded => _process.HasExited;

        public string Said
        {
            get
            {
                lock (_said)
                {
                    return _said.ToString();
                }
            }
        }

        public async Task UntilAsync(Func<bool> holds)
        {
            using var limit = new CancellationTokenSource(Limit);
            while (!holds())
            {
                Assert.False(HasEnded, Said);
                await Task.Delay(20, limit.Token);
            }
        }

        public async Task SendAsync(string signal) =>
            await ProgramRun.RunAsync("/bin/sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {_process.Id}")]);

        public async Task EndAsync(int code)
        {
            using var limit = new CancellationTokenSource(Limit);
            await _process.WaitForExitAsync(limit.Token);
            Assert.True(_process.ExitCode == code, $"ended with {_process.ExitCode}, not {code}:\n{Said}");
        }

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
            }

            _process.Dispose();
        }

        private void Hear(object sender, DataReceivedEventArgs line)
        {
            lock (_said)
            {
                _said.AppendLine(line.Data);
            }
        }
    }
}
