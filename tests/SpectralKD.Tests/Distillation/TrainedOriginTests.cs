using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class TrainedOriginTests
{
    [Fact]
    public async Task A_trained_student_is_no_longer_untrained_and_its_origin_names_the_run()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        Assert.True(student.Origin.IsUntrained);
        var run = await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1, TrackSpectra = true }, Path.Combine(folder.Root, "run"));

        Assert.Equal(WeightsKind.Trained, student.Origin.Kind);
        Assert.Equal($"trained here: {Path.Combine(folder.Root, "run")}, vit from cait on formula", student.Origin.Words);
        Assert.Equal("trained from UNTRAINED: initial weights, seed 1", Assert.Single(student.Origin.Notes));
        Assert.Equal([true, false], run.StudentSpectra.Select(spectrum => spectrum.Weights!.IsUntrained));
        Assert.Equal(run.StudentSpectra[1].Parts[0].WeightsHash, WeightHash.Of(student));
    }

    [Fact]
    public void A_file_whose_hash_was_cut_off_is_told_all_the_same() => Assert.Equal(
        "weights of x.pth (SHA-256 ab…)", new ModelOrigin { Kind = WeightsKind.File, Name = "x.pth", Sha256 = "ab" }.Words);

    [Fact]
    public async Task The_runs_folder_keeps_where_both_models_weights_came_from()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1 }, folder.Root);
        var run = DistillationRun.Load(folder.Root);

        Assert.Equal(("UNTRAINED: initial weights, seed 1", "UNTRAINED: initial weights, seed 2"), (run.StudentOrigin!.Words, run.TeacherOrigin!.Words));
        Assert.Contains("\"Seeded\"", await File.ReadAllTextAsync(Path.Combine(folder.Root, "checkpoint", "state.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_resumed_run_remembers_what_its_student_began_from()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        using (var student = SmallRun.Student())
        {
            await SmallRun.RunAsync(student, folder: folder.Root, progress: new Stopper(stop), stop: stop.Token);
        }

        using var another = SmallRun.Student(seed: 9);
        var run = await SmallRun.RunAsync(another, folder: folder.Root, resume: true);
        Assert.Equal("seed 1", run.StudentOrigin!.Name);
        Assert.Equal("trained from UNTRAINED: initial weights, seed 1", another.Origin.Notes[0]);
    }

    [Fact]
    public async Task An_untrained_teacher_is_warned_of()
    {
        using var student = SmallRun.Student();
        var run = await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1 });

        Assert.Contains(run.Warnings, warning => warning.StartsWith("the teacher cait is UNTRAINED: initial weights, seed 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stochastic_depth_does_not_lose_where_the_weights_came_from()
    {
        var recipe = new DistillationRecipe
        {
            Student = "deit_nano_patch8_64",
            StudentWeights = "pretrained",
            DropPathRate = 0.1,
            Data = new RecipeData { Train = "textures", Count = 20 },
            Loss = new LossWeights { Method = DistillationMethod.None },
        };
        using var job = await DistillationJob.PrepareAsync(recipe, cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(WeightsKind.Embedded, job.Student.Origin.Kind);
    }

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.TotalSteps == 2)
            {
                stop.Cancel();
            }
        }
    }
}
