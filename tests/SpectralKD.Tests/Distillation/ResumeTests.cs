using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class ResumeTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(9)]
    [InlineData(14)]
    public async Task A_run_stopped_after_any_step_goes_on_to_the_same_weights(int steps)
    {
        using var folder = new TemporaryFolder();
        var expected = await Unbroken();
        using var student = SmallRun.Student();
        using var stop = new CancellationTokenSource();
        var partial = await SmallRun.RunAsync(student, folder: folder.File("run"), stop: stop.Token, progress: new StopAfter(steps, stop));
        Assert.False(partial.Finished);
        Assert.Equal(steps, partial.Steps);

        using var resumed = SmallRun.Student(seed: 99);
        var run = await SmallRun.RunAsync(resumed, folder: folder.File("run"), resume: true);
        Assert.True(run.Finished);
        AssertSame(expected, (SmallRun.Values(resumed), run));
        Assert.Equal(3, EpochLog.Read(folder.File("run/log.txt")).Count);
    }

    [Fact]
    public async Task Two_runs_never_write_into_one_folder()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        var error = default(SpectralKDException);
        await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1 }, folder.File("run"), progress: new Once(() =>
        {
            using var other = SmallRun.Student();
            error = Assert.Throws<SpectralKDException>(() => SmallRun.RunAsync(other, folder: folder.File("run"), resume: true).GetAwaiter().GetResult());
        }));
        Assert.Contains("another run is writing", error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_holds_a_run_is_not_overwritten()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1 }, folder.File("run"));
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1 }, folder.File("run")));
        Assert.Contains("already holds a run", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_recipe_is_refused_with_the_difference()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 2 }, folder.File("run"));
        var error = await Assert.ThrowsAsync<SpectralKDException>(
            () => SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1 }, folder.File("run"), resume: true));
        Assert.Contains("epochs 2 -> 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_images_and_another_teacher_are_refused()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, folder: folder.File("run"));
        var images = await Assert.ThrowsAsync<SpectralKDException>(
            () => SmallRun.RunAsync(student, folder: folder.File("run"), resume: true, data: new FormulaData(train: 40)));
        Assert.Contains("other images", images.Message, StringComparison.Ordinal);

        using var teacher = SmallRun.Teacher(seed: 3);
        var other = await Assert.ThrowsAsync<SpectralKDException>(
            () => Distiller.RunAsync(student, teacher, new FormulaData(), SmallRun.Recipe, folder.File("run"), resume: true));
        Assert.Contains("another teacher", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_checkpoint_is_named()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, folder: folder.File("run"));
        var file = Directory.GetFiles(folder.File("run/checkpoint"), "model-*").Single();
        var bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => SmallRun.RunAsync(student, folder: folder.File("run"), resume: true));
        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(file), error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("epoch", "1000000000")]
    [InlineData("epoch", "3")]
    [InlineData("step", "100")]
    [InlineData("totalSteps", "1099511627776")]
    public async Task A_state_that_is_beyond_the_recipe_is_refused_in_one_line(string name, string value)
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1 }, folder.File("run"));
        var state = folder.File("run/checkpoint/state.json");
        File.WriteAllText(state, System.Text.RegularExpressions.Regex.Replace(File.ReadAllText(state), $"(?m)^  \"{name}\": [0-9]+", $"  \"{name}\": {value}"));
        var error = await Assert.ThrowsAsync<SpectralKDException>(
            () => SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1 }, folder.File("run"), resume: true));
        Assert.Contains("state.json is damaged", error.Message, StringComparison.Ordinal);
    }

    private static async Task<(Dictionary<string, float[]> Weights, DistillationRun Run)> Unbroken()
    {
        using var student = SmallRun.Student();
        var run = await SmallRun.RunAsync(student);
        return (SmallRun.Values(student), run);
    }

    private static void AssertSame((Dictionary<string, float[]> Weights, DistillationRun Run) one, (Dictionary<string, float[]> Weights, DistillationRun Run) other)
    {
        Assert.All(one.Weights, entry => Assert.Equal(entry.Value, other.Weights[entry.Key]));
        Assert.All(one.Run.Epochs.Zip(other.Run.Epochs), pair => Assert.Equal(
            pair.First with { Seconds = null, ImagesPerSecond = null }, pair.Second with { Seconds = null, ImagesPerSecond = null }));
    }

    private sealed class Once(Action action) : IProgress<TrainingProgress>
    {
        private bool _done;

        public void Report(TrainingProgress value)
        {
            if (!_done)
            {
                _done = true;
                action();
            }
        }
    }
}
