using SpectralKD.Tests.Weights;
using TorchSharp;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class DistillerTests
{
    [Fact]
    public async Task A_run_learns_and_reports_every_step_and_epoch()
    {
        using var student = SmallRun.Student(dropPath: 0);
        var news = new List<TrainingProgress>();
        var run = await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 12 }, progress: new Listener(news.Add));

        Assert.True(run.Finished);
        Assert.Equal(12, run.Epochs.Count);
        Assert.Equal(60, news.Count(item => item.Phase == TrainingPhase.Training));
        Assert.Equal(12, news.Count(item => item.Phase == TrainingPhase.EpochDone && item.Metrics is not null));
        Assert.True(run.Epochs[^1].Loss < 0.8 * run.Epochs[0].Loss, $"{run.Epochs[0].Loss} -> {run.Epochs[^1].Loss}");
        Assert.True(run.Epochs[^1].Top1 > 25, $"top-1 {run.Epochs[^1].Top1}");
        Assert.All(run.Epochs, metrics => Assert.NotNull(metrics.AverageTop1));
        Assert.False(student.training);
    }

    [Theory]
    [InlineData(DistillationMethod.None, false, false)]
    [InlineData(DistillationMethod.Fft, true, false)]
    [InlineData(DistillationMethod.Soft, true, true)]
    [InlineData(DistillationMethod.Hard, true, true)]
    public async Task Each_method_logs_the_terms_it_has(DistillationMethod method, bool alignment, bool logits)
    {
        using var student = SmallRun.Student();
        var recipe = SmallRun.Recipe with { Epochs = 1, Loss = SmallRun.Recipe.Loss with { Method = method } };
        var metrics = (await SmallRun.RunAsync(student, recipe)).Epochs.Single();
        Assert.Equal(alignment, metrics.AlignmentLoss is not null);
        Assert.Equal(logits, metrics.LogitLoss is not null);
        Assert.Equal(metrics.Loss, (metrics.LabelLoss ?? metrics.Loss) + (metrics.AlignmentLoss ?? 0) + (metrics.LogitLoss ?? 0), 1e-12);
    }

    [Fact]
    public async Task Closed_form_and_transform_give_the_same_curve()
    {
        var curves = new List<double[]>();
        foreach (var form in new[] { AlignmentForm.ClosedForm, AlignmentForm.Fft })
        {
            using var student = SmallRun.Student();
            var run = await SmallRun.RunAsync(student, SmallRun.Recipe with { Loss = SmallRun.Recipe.Loss with { Form = form } });
            curves.Add([.. run.Epochs.Select(metrics => metrics.Loss)]);
        }

        Assert.All(curves[0].Zip(curves[1]), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public async Task Accumulated_batches_train_as_one_large_batch_does()
    {
        var recipe = SmallRun.Recipe with { Epochs = 2, DropPathRate = 0, TrackSpectra = false };
        using var whole = SmallRun.Student(dropPath: 0);
        using var parts = SmallRun.Student(dropPath: 0);
        var one = await SmallRun.RunAsync(whole, recipe with { Batch = 10 });
        var other = await SmallRun.RunAsync(parts, recipe with { Batch = 5, Accumulate = 2 });
        Assert.Equal(one.Steps, other.Steps);
        Assert.All(one.Epochs.Zip(other.Epochs), pair => Assert.Equal(pair.First.Loss, pair.Second.Loss, 1e-5));
    }

    [Fact]
    public async Task The_student_runs_in_bfloat16_over_float32_masters()
    {
        using var student = SmallRun.Student(dropPath: 0);
        var run = await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 6, Precision = TrainingPrecision.Bf16, TeacherBFloat16 = true });
        Assert.True(run.Epochs[^1].Loss < run.Epochs[0].Loss);
        Assert.All(student.named_parameters(), entry => Assert.Equal(ScalarType.Float32, entry.parameter.dtype));

        // Masters keep what bfloat16 would round away.
        var weight = student.named_parameters().First(entry => entry.name == "blocks.0.mlp.fc1.weight").parameter;
        using var scope = NewDisposeScope();
        Assert.True((weight - weight.to(ScalarType.BFloat16).to(ScalarType.Float32)).abs().max().item<float>() > 0);
    }

    [Fact]
    public async Task Mixed_batches_train_on_probabilities()
    {
        using var student = SmallRun.Student();
        var recipe = SmallRun.Recipe with { Data = SmallRun.Recipe.Data with { Mixup = 0.8, CutMix = 1 } };
        Assert.True((await SmallRun.RunAsync(student, recipe)).Finished);
    }

    [Fact]
    public async Task A_loss_that_is_not_finite_stops_the_run_and_names_the_way_back()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        var error = await Assert.ThrowsAsync<SpectralKDException>(
            () => SmallRun.RunAsync(student, folder: folder.File("run"), data: new FormulaData(broken: true)));
        Assert.Contains("epoch 1, step 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("NaN", error.Message, StringComparison.Ordinal);
        Assert.Contains("(epoch 1, step 0)", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);

        using var again = SmallRun.Student();
        Assert.True((await SmallRun.RunAsync(again, folder: folder.File("run"), resume: true)).Finished);
    }

    [Theory]
    [InlineData(false, "epoch 0, step 0: the student's weights hold NaN or infinity from the beginning (blocks.1.norm1.weight); take other weights")]
    [InlineData(true, "epoch 0, step 0: the teacher's weights hold NaN or infinity (blocks.1.norm1.weight); take other weights")]
    public async Task Weights_that_are_not_finite_are_the_cause_that_is_named_before_the_first_checkpoint(bool ofTeacher, string cause)
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        using var teacher = SmallRun.Teacher();
        using (no_grad())
        {
            (ofTeacher ? teacher : (SpectralKD.Models.VisionModel)student).named_parameters().First(entry => entry.name == "blocks.1.norm1.weight").parameter.fill_(float.NaN);
        }

        foreach (var recipe in new[] { SmallRun.Recipe, SmallRun.Recipe with { TrackSpectra = true } })
        {
            var error = await Assert.ThrowsAsync<SpectralKDException>(
                () => Distiller.RunAsync(student, teacher, new FormulaData(), recipe, folder.File("run")));
            Assert.Contains("training stopped: the loss is not finite in epoch 0, step 0", error.Message, StringComparison.Ordinal);
            Assert.Contains(cause, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_validation_loss_that_is_not_finite_is_logged_and_the_run_goes_on()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        var recipe = SmallRun.Recipe with { Loss = new LossWeights { Method = DistillationMethod.None } };
        var run = await SmallRun.RunAsync(student, recipe, folder.File("run"), data: new FormulaData(brokenValidation: true));
        Assert.True(run.Finished);
        Assert.All(run.Epochs, metrics => Assert.Equal(double.NaN, metrics.ValidationLoss));
        Assert.Contains("\"test_loss\":NaN", File.ReadAllText(folder.File("run/log.txt")), StringComparison.Ordinal);
        Assert.Equal(run.Epochs, DistillationRun.Load(folder.File("run")).Epochs);
        Assert.Equal(run.Epochs.Select(metrics => metrics.ValidationLoss), RunLog.Load(folder.File("run")).Numbers("test_loss"));
    }

    [Theory]
    [InlineData(DistillationMethod.Soft, true)]
    [InlineData(DistillationMethod.Hard, true)]
    [InlineData(DistillationMethod.Fft, false)]
    [InlineData(DistillationMethod.None, false)]
    public async Task A_teacher_with_a_fresh_head_may_teach_its_features_but_not_its_logits(DistillationMethod method, bool refused)
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        using var teacher = SmallRun.Teacher();
        teacher.Origin = new SpectralKD.Models.ModelOrigin
        {
            Kind = SpectralKD.Models.WeightsKind.File,
            Name = "/weights/teacher.pth",
            FreshHead = true,
            Notes = ["the head is fresh"],
        };
        var recipe = SmallRun.Recipe with { Epochs = 1, Loss = SmallRun.Recipe.Loss with { Method = method } };
        Task<DistillationRun> Run() => Distiller.RunAsync(student, teacher, new FormulaData(), recipe, folder.File("run"));
        if (refused)
        {
            var error = await Assert.ThrowsAsync<SpectralKDException>(Run);
            Assert.Contains("the teacher cait has a fresh, random head of 4 classes (weights of /weights/teacher.pth)", error.Message, StringComparison.Ordinal);
            Assert.Contains("method fft", error.Message, StringComparison.Ordinal);
            Assert.False(Directory.Exists(folder.File("run")));
        }
        else
        {
            Assert.Equal(method == DistillationMethod.Fft, (await Run()).Warnings.Contains("the teacher cait: the head is fresh"));
        }
    }

    [Fact]
    public async Task An_untrained_teacher_is_said_to_be_one()
    {
        using var student = SmallRun.Student();
        var run = await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 1 });
        Assert.Contains("the teacher cait is UNTRAINED: initial weights, seed 2", run.Warnings);
    }

    [Fact]
    public async Task An_alignment_term_that_outweighs_KD_is_pointed_out()
    {
        using var student = SmallRun.Student();
        var run = await SmallRun.RunAsync(student, SmallRun.Recipe with { Loss = SmallRun.Recipe.Loss with { Beta = 1000 } });
        Assert.Contains(run.Warnings, warning => warning.Contains("outweighs KD", StringComparison.Ordinal));
        using var other = SmallRun.Student();
        var quiet = await SmallRun.RunAsync(other, SmallRun.Recipe with { Loss = SmallRun.Recipe.Loss with { Beta = 1e-6 } });
        Assert.DoesNotContain(quiet.Warnings, warning => warning.Contains("outweighs KD", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_best_weights_are_those_that_gave_the_best_accuracy()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student(dropPath: 0);
        var run = await SmallRun.RunAsync(student, SmallRun.Recipe with { Epochs = 6 }, folder.File("run"));

        using var best = SmallRun.Student(seed: 9);
        using var file = SafetensorsFile.Open(run.BestWeights!);
        WeightLoader.Load(best, file);
        var top1 = Evaluation.Of(best, new FormulaData().Validation(4))!.Top1;
        Assert.Equal(run.Epochs.Max(metrics => Math.Max(metrics.Top1!.Value, metrics.AverageTop1!.Value)), top1, 1e-9);
        Assert.Equal(top1.ToString(System.Globalization.CultureInfo.InvariantCulture), file.Metadata["top1"]);
    }

    [Fact]
    public async Task Tracked_spectra_tell_the_dynamics()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student(dropPath: 0);
        var run = await SmallRun.RunAsync(student, SmallRun.Recipe with { TrackSpectra = true, Epochs = 2 }, folder.File("run"));
        var dynamics = run.Dynamics();
        Assert.Equal(3, dynamics.Student.Count);
        Assert.Equal(3 * 4, dynamics.Distances.Count);
        Assert.Equal(3, dynamics.MeanDistances.Count);
        Assert.Equal(0, DistillationDynamics.Of(dynamics.Teacher, dynamics.Teacher, dynamics.Teacher).Distances.Max(entry => entry.Distance));

        var read = DistillationRun.Load(folder.File("run"));
        Assert.Equal(dynamics.MeanDistances, read.Dynamics().MeanDistances);
        Assert.Equal(12, read.Dynamics().ToDataFrame().Rows.Count);
    }

    [Fact]
    public async Task Models_that_do_not_fit_are_explained_before_the_first_step()
    {
        using var student = SmallRun.Student();
        async Task<string> Message(DistillationRecipe recipe) =>
            (await Assert.ThrowsAsync<SpectralKDException>(() => SmallRun.RunAsync(student, recipe))).Message;

        Assert.Contains("block 7 does not exist: cait", await Message(SmallRun.Recipe with { TeacherLayers = [0, 7] }), StringComparison.Ordinal);
        Assert.Contains("pairs", await Message(SmallRun.Recipe with { TeacherLayers = [0] }), StringComparison.Ordinal);
        Assert.Contains("takes 9", await Message(SmallRun.Recipe with { Accumulate = 9 }), StringComparison.Ordinal);
        Assert.Contains("epochs must be at least 1", await Message(SmallRun.Recipe with { Epochs = 0 }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_leaves_no_tensor_behind()
    {
        using var student = SmallRun.Student();
        var live = new List<long>();
        var recipe = SmallRun.Recipe with { Epochs = 8 };
        await SmallRun.RunAsync(student, recipe, progress: new Listener(item =>
        {
            if (item.Phase == TrainingPhase.Training)
            {
                live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            }
        }));

        // The first step makes the optimiser's state; from then on the count stands still.
        Assert.Single(live.Skip(2).Distinct());
    }

    private sealed class Listener(Action<TrainingProgress> hear) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => hear(value);
    }
}
