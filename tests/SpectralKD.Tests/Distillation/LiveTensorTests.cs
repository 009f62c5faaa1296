using SpectralKD.Tests.Weights;
using TorchSharp;

namespace SpectralKD.Tests.Distillation;

/// <summary>All tensors that a run makes are gone when it is over, however it ended. Counted on the thread that trains.</summary>
[Collection(TorchGenerator.Name)]
public sealed class LiveTensorTests
{
    private static readonly DistillationRecipe Recipe = SmallRun.Recipe with { TrackSpectra = true, Epochs = 2 };

    public static TheoryData<string> Recipes => [.. ByName.Keys];

    public static TheoryData<string> Precisions => ["float32", "bfloat16"];

    private static Dictionary<string, DistillationRecipe> ByName { get; } = new()
    {
        ["float32"] = Recipe,
        ["bfloat16"] = Recipe with { Precision = TrainingPrecision.Bf16, TeacherBFloat16 = true },
        ["gradients added up and clipped"] = Recipe with { Accumulate = 2, Optimizer = Recipe.Optimizer with { ClipNorm = 1 } },
        ["no average"] = Recipe with { EmaDecay = 0 },
        ["mixed images"] = Recipe with { Data = Recipe.Data with { Mixup = 0.8, CutMix = 1 } },
        ["hard labels"] = Recipe with { Loss = Recipe.Loss with { Method = DistillationMethod.Hard } },
        ["the FFT form"] = Recipe with { Loss = Recipe.Loss with { Method = DistillationMethod.Fft, Form = AlignmentForm.Fft } },
        ["every loss of logits"] = Recipe with { Losses = LossTerm.Parse("kd:standardise,hard,dist,dkd:standardise,nkd") },
        ["every loss of maps"] = Recipe with { Losses = LossTerm.Parse("alignment:dc=false,alignment:band=low,mse,at,haar,manifold,cka") },
        ["losses that learn"] = Recipe with { Losses = LossTerm.Parse("projector:train=true,projector,vitkd,vkd"), Accumulate = 2 },
        ["losses that learn, bfloat16"] = Recipe with { Losses = LossTerm.Parse("projector:train=true,vitkd,vkd"), Precision = TrainingPrecision.Bf16, TeacherBFloat16 = true },
        ["no teacher"] = Recipe with { Loss = Recipe.Loss with { Method = DistillationMethod.None } },
    };

    [Theory]
    [MemberData(nameof(Recipes))]
    public void A_finished_run_leaves_no_tensor_behind(string recipe)
    {
        using var folder = new TemporaryFolder();
        AssertNothingIsLeft((student, teacher) => Assert.True(Train(student, teacher, ByName[recipe], folder.File("run")).Finished));
    }

    [Theory]
    [MemberData(nameof(Precisions))]
    public void A_stopped_run_leaves_no_tensor_behind_and_neither_does_the_one_that_goes_on_with_it(string recipe)
    {
        using var folder = new TemporaryFolder();
        AssertNothingIsLeft((student, teacher) =>
        {
            using var stop = new CancellationTokenSource();
            Assert.False(Train(student, teacher, ByName[recipe], folder.File("run"), progress: new At(2, stop.Cancel), stop: stop.Token).Finished);
        });
        AssertNothingIsLeft((student, teacher) => Assert.True(Train(student, teacher, ByName[recipe], folder.File("run"), resume: true).Finished));
    }

    [Theory]
    [MemberData(nameof(Precisions))]
    public void A_failed_run_leaves_no_tensor_behind(string recipe)
    {
        using var folder = new TemporaryFolder();
        AssertNothingIsLeft((student, teacher) => Assert.Throws<SpectralKDException>(
            () => Train(student, teacher, ByName[recipe], folder.File("run"), data: new FormulaData(broken: true))));
        AssertNothingIsLeft((student, teacher) => Assert.Throws<SpectralKDException>(
            () => Train(student, teacher, ByName[recipe], folder.File("run"), resume: true, data: new FormulaData(train: 32))));
        AssertNothingIsLeft((student, teacher) => Assert.Throws<InvalidOperationException>(() => Train(
            student, teacher, ByName[recipe], progress: new At(2, () => throw new InvalidOperationException("the display is gone")))));
    }

    [Fact]
    public async Task A_recipe_trained_on_images_leaves_no_tensor_behind_on_any_thread()
    {
        var recipe = RecipeLibrary.Get("nano-deit-distilled");
        recipe = recipe with { Epochs = 1, Batch = 4, Device = "cpu", DropPathRate = 0.1, Data = recipe.Data with { Count = 16, ValidationCount = 10 } };
        using var folder = new TemporaryFolder();

        // Tensor.TotalCount sees all threads, but TorchSharp counts the tensor that a Parameter was made of for ever (its memory has a new owner).
        var models = await CountAsync(async () => (await DistillationJob.PrepareAsync(recipe)).Dispose());
        var run = await CountAsync(() => Distiller.RunAsync(recipe, folder.File("run")));

        Assert.True(run <= models, $"{run - models} tensors are left");
    }

    [Theory]
    [InlineData(SpectralDomain.Spatial)]
    [InlineData(SpectralDomain.Both)]
    public void An_analysis_leaves_no_tensor_behind_finished_stopped_or_failed(SpectralDomain domain)
    {
        AssertNothingIsLeft((student, _) => SpectralAnalysis.Run(student, Batches(3), "test", new SpectralOptions { Domain = domain }));
        AssertNothingIsLeft((student, _) =>
        {
            using var stop = new CancellationTokenSource();
            Assert.Throws<OperationCanceledException>(() => SpectralAnalysis.Run(
                student, Batches(3), "test", new SpectralOptions { Domain = domain }, new After(stop.Cancel), stop.Token));
        });
        AssertNothingIsLeft((student, _) => Assert.Throws<SpectralKDException>(
            () => SpectralAnalysis.Run(student, Batches(3, broken: true), "test", new SpectralOptions { Domain = domain })));
    }

    private static async Task<long> CountAsync(Func<Task> act)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers(); // what other tests left behind
        var before = Tensor.TotalCount;
        await act();
        return Tensor.TotalCount - before;
    }

    private static void AssertNothingIsLeft(Action<VisionModel, VisionModel> act)
    {
        using var student = SmallRun.Student();
        using var teacher = SmallRun.Teacher();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        act(student, teacher);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static DistillationRun Train(
        VisionModel student,
        VisionModel teacher,
        DistillationRecipe recipe,
        string? folder = null,
        bool resume = false,
        IProgress<TrainingProgress>? progress = null,
        FormulaData? data = null,
        CancellationToken stop = default) =>
        Distiller.Run(student, teacher, data ?? new FormulaData(), recipe, folder, resume, record: false, progress, stop);

    private static IEnumerable<AnalysisBatch> Batches(int count, bool broken = false)
    {
        for (var i = 0; i < count; i++)
        {
            using var images = full([2, 3, SmallRun.Side, SmallRun.Side], broken && i == 1 ? float.NaN : i);
            yield return new AnalysisBatch(images);
        }
    }

    // Does something when some steps of the run are done.
    private sealed class At(int steps, Action act) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == TrainingPhase.Training && value.TotalSteps == steps)
            {
                act();
            }
        }
    }

    private sealed class After(Action act) : IProgress<AnalysisProgress>
    {
        public void Report(AnalysisProgress value) => act();
    }
}
