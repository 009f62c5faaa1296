using System.Diagnostics;
using System.Runtime.CompilerServices;
using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class KillTests
{
    private const string FolderVariable = "SPECTRALKD_TEST_KILLED_RUN";
    private const string CacheVariable = "SPECTRALKD_TEST_KILLED_RUNS_CACHE";

    // A checkpoint every other step, so that kills often hit the writing of one.
    private static readonly DistillationRecipe Recipe = SmallRun.Recipe with { Epochs = 4, CheckpointSteps = 2 };

    /// <summary>SPECTRALKD_TEST_KILLS sets another number of kills.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_killed_at_random_moments_ends_with_the_weights_of_the_unbroken_one(bool cached)
    {
        var kills = int.TryParse(Environment.GetEnvironmentVariable("SPECTRALKD_TEST_KILLS"), out var number) ? number : 4;
        using var folder = new TemporaryFolder();
        var path = folder.File("run");
        var cache = cached ? folder.File("cache") : null;
        var random = new Random(20);
        for (var kill = 0; kill < kills; kill++)
        {
            await KillAsync(path, cache, random.Next(0, 120));
        }

        using var student = SmallRun.Student(seed: 99);
        var run = await SmallRun.RunAsync(student, Recipe with { CacheTeacher = cache }, path, resume: true, data: new FormulaData(train: 80));
        using var unbroken = SmallRun.Student();
        var expected = await SmallRun.RunAsync(unbroken, Recipe, data: new FormulaData(train: 80));

        Assert.True(run.Finished);
        var values = SmallRun.Values(student);
        Assert.All(SmallRun.Values(unbroken), entry => Assert.Equal(entry.Value, values[entry.Key]));
        Assert.All(expected.Epochs.Zip(run.Epochs), pair => Assert.Equal(pair.First.Loss, pair.Second.Loss));
        Assert.Equal(4, Directory.GetFiles(Path.Combine(path, "checkpoint")).Length);
    }

    /// <summary>
    /// The other process of the test above: this program trains, or goes on training, instead of running tests. On one thread, as a module's
    /// initialiser must.
    /// </summary>
    [ModuleInitializer]
    internal static void TrainInsteadOfTesting()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { } path)
        {
            using var student = SmallRun.Student();
            using var teacher = SmallRun.Teacher();
            var recipe = Recipe with { CacheTeacher = Environment.GetEnvironmentVariable(CacheVariable) };
            Distiller.Run(student, teacher, new FormulaData(train: 80), recipe, path, resume: true, record: true, new Marker(path + ".started"), CancellationToken.None);
            Environment.Exit(0);
        }
    }

    private static async Task KillAsync(string path, string? cache, int milliseconds)
    {
        var marker = path + ".started";
        File.Delete(marker);
        var program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "SpectralKD.Tests.exe" : "SpectralKD.Tests");
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[FolderVariable] = path;
        start.Environment[CacheVariable] = cache;
        using var child = Process.Start(start)!;
        while (!File.Exists(marker) && !child.HasExited)
        {
            await Task.Delay(5);
        }

        await Task.Delay(milliseconds);
        child.Kill();
        await child.WaitForExitAsync();

        // A child that had nothing left to do made no step.
        Assert.True(File.Exists(marker) || child.ExitCode == 0, await child.StandardOutput.ReadToEndAsync());
    }

    private sealed class Marker(string path) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == TrainingPhase.Training && !File.Exists(path))
            {
                File.WriteAllText(path, "");
            }
        }
    }
}
