using Microsoft.Data.Analysis;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class LayerPredictionsTests
{
    private static readonly DistillationRecipe Recipe = DistillationRecipe.FromJson("""
        { "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "student": "deit_nano_patch4_32", "epochs": 1, "batch": 4, "device": "cpu",
          "studentLayers": [0], "teacherLayers": [0], "data": { "train": "textures", "count": 12, "validationCount": 4, "size": 32 } }
        """);

    [Fact]
    public async Task Every_candidate_pair_gets_every_predictor_and_the_same_ones_again()
    {
        var predictions = await LayerPredictions.OfAsync(Recipe, new PredictionOptions { Images = 12 });

        var table = predictions.Table;
        Assert.Equal(12, table.Rows.Count);
        Assert.Equal(["student_block", "teacher_block", "depth", .. LayerPredictions.Predictors.Where(predictor => !predictor.AfterEpoch).Select(predictor => predictor.Name)], table.Columns.Select(column => column.Name));
        Assert.All(table.Columns, column => Assert.Equal(0, column.NullCount));
        Assert.All(Numbers(table, "gradient_affinity"), value => Assert.InRange(value, -1, 1));
        Assert.All(Numbers(table, "gradient_ratio"), value => Assert.True(value > 0));
        Assert.All(Numbers(table, "intensity").Zip(Numbers(table, "rms"), Numbers(table, "kappa")), block => Assert.Equal(block.First, block.Second * block.Third, 1e-9));
        Assert.Equal(table.ToCsv(), (await LayerPredictions.OfAsync(Recipe, new PredictionOptions { Images = 12 })).Table.ToCsv());
    }

    [Fact]
    public async Task Several_first_weights_give_means_with_their_spread_and_the_teachers_figures_once()
    {
        async Task<DataFrame> Of(int seed, int seeds) => (await LayerPredictions.OfAsync(Recipe with { Seed = seed }, new PredictionOptions { Images = 12, Seeds = seeds })).Table;
        var (both, one, two) = (await Of(3, 2), await Of(3, 1), await Of(4, 1));

        foreach (var predictor in LayerPredictions.Predictors.Where(predictor => !predictor.AfterEpoch))
        {
            var (first, second) = (Numbers(one, predictor.Name).ToList(), Numbers(two, predictor.Name).ToList());
            Assert.Equal(predictor.Varies, !first.SequenceEqual(second));
            Assert.Equal(first.Zip(second, (a, b) => (a + b) / 2), Numbers(both, predictor.Name), (a, b) => Math.Abs(a - b) < 1e-12);
            Assert.Equal(predictor.Varies, both.Columns.Any(column => column.Name == predictor.Name + "_sd"));
            if (predictor.Varies)
            {
                Assert.Equal(first.Zip(second, (a, b) => Math.Abs(a - b) / Math.Sqrt(2)), Numbers(both, predictor.Name + "_sd"), (a, b) => Math.Abs(a - b) < 1e-12);
            }
        }
    }

    [Fact]
    public async Task After_the_first_epoch_the_gradients_are_those_of_a_run_without_alignment_that_was_stopped_there()
    {
        var told = new List<PredictionProgress>();
        var options = new PredictionOptions { Images = 8, FirstEpoch = true };
        var predictions = await LayerPredictions.OfAsync(Recipe with { Epochs = 3 }, options, new Told(told.Add));
        var table = predictions.Table;
        Assert.Equal("knn and probe are missing: they need two images of a class, and of 8 images no two are of one class, or all are; look at more (--count)", Assert.Single(predictions.Notes));

        using var job = await DistillationJob.PrepareAsync(LayerSweep.Aligned(Recipe with { Epochs = 3 }), cancellation: TestContext.Current.CancellationToken);
        var without = LayerSweep.NotAligned(Recipe with { Epochs = 3 });
        using var stop = new CancellationTokenSource();
        await Distiller.RunAsync(job.Student, job.Teacher, job.Data, without, progress: new Stop(stop), stop: stop.Token);
        var pairs = LayerSweep.Candidates(job.Student, job.Teacher!, all: false);
        var expected = GradientAffinity.Of(job, without, pairs, 4, epoch: 1);
        Assert.Equal(expected.Select(pair => pair.Cosine), Numbers(table, "gradient_affinity_epoch_1"));
        Assert.Equal(expected.Select(pair => pair.Ratio), Numbers(table, "gradient_ratio_epoch_1"));
        Assert.NotEqual(Numbers(table, "gradient_affinity"), Numbers(table, "gradient_affinity_epoch_1"));

        Assert.Equal(Enumerable.Range(1, 7), told.Select(news => news.Step).Distinct());
        Assert.All(told, news => Assert.Equal(7, news.Steps));
        Assert.All(told.GroupBy(news => news.Step), step => Assert.Equal((step.Last().Total, true), (step.Last().Done, step.Last().Total > 0)));
        Assert.Equal("step 6 of 7, first epoch without alignment", told.First(news => news.Step == 6).Title);
    }

    [Fact]
    public async Task Predictions_stop_between_two_gradients()
    {
        using var stop = new CancellationTokenSource();
        var gradients = 0;
        var progress = new Told(news =>
        {
            if (news.Unit == "gradients" && news.Done == 1)
            {
                gradients++;
                stop.Cancel();
            }

            Assert.False(news.Unit == "gradients" && news.Done > 1);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => LayerPredictions.OfAsync(Recipe, new PredictionOptions { Images = 8 }, progress, stop.Token));
        Assert.Equal(1, gradients);
    }

    [Fact]
    public async Task The_gradients_are_those_of_the_two_losses_and_do_not_stay_in_the_student()
    {
        // The other losses are nearly all mean square error of one pair's maps, which is that pair's alignment up to the half spectrum's weights: there both gradients are nearly one.
        var twin = Recipe with { StudentLayers = null, TeacherLayers = null, Losses = [new LossTerm { Name = "labels" }, new LossTerm { Name = "kd" }, new LossTerm { Name = "alignment" }] };
        using var job = await DistillationJob.PrepareAsync(LayerSweep.Aligned(twin), cancellation: TestContext.Current.CancellationToken);
        var spatial = job.Recipe with { Losses = [new LossTerm { Name = "mse", Weight = 1e5, StudentLayers = [11], TeacherLayers = [23] }] };
        var affinity = GradientAffinity.Of(job, spatial, [(11, 23), (0, 0)], 4);

        Assert.True(affinity[0].Cosine > 0.9, $"{affinity[0]}");
        Assert.True(Math.Abs(affinity[1].Cosine) < affinity[0].Cosine);
        Assert.All(job.Student.parameters(), parameter => Assert.True(parameter.grad is not { } gradient || gradient.abs().sum().item<float>() == 0));
    }

    [Fact]
    public void The_strategy_predicted_takes_the_best_pairs_each_block_once_in_order_of_depth()
    {
        using var teacher = ModelLoader.Load("cait_nano_patch8_64");
        using var student = ModelLoader.Load("deit_nano_patch8_64");
        LayerScore[] scores = [new LayerScore(3, 6, 0.5), new LayerScore(3, 7, 0.9), new LayerScore(1, 7, 0.8), new LayerScore(0, 0, 0.1), new LayerScore(5, 10, double.NaN)];

        static LayerSelection By(int? count, params LayerScore[] given) => new() { Strategy = LayerStrategy.Predicted, Scores = given, Count = count };
        var pairs = LayerPairs.Select(teacher, student, By(2, scores));
        Assert.Equal([0, 3], pairs.StudentLayers);
        Assert.Equal([0, 7], pairs.TeacherLayers);
        Assert.Equal("the 2 pairs that promise most before training", pairs.Reason);
        Assert.Equal(2, LayerPairs.Select(teacher, student, By(null, scores)).Pairs.Length);
        Assert.Contains("run #!spectral-predict", Assert.Throws<SpectralKDException>(() => LayerPairs.Select(teacher, student, By(1))).Message);
        Assert.Contains("3 layer pairs do not fit: the predictions have 2", Assert.Throws<SpectralKDException>(() => LayerPairs.Select(teacher, student, By(3, scores))).Message);
        Assert.Contains("have a pair 12-0", Assert.Throws<SpectralKDException>(() => LayerPairs.Select(teacher, student, By(1, [new LayerScore(12, 0, 1)]))).Message);
    }

    [Fact]
    public async Task What_cannot_be_predicted_is_said()
    {
        static async Task Says(DistillationRecipe recipe, int images, string expected) =>
            Assert.Contains(expected, (await Assert.ThrowsAsync<SpectralKDException>(() => LayerPredictions.OfAsync(recipe, new PredictionOptions { Images = images }))).Message);
        await Says(Recipe, 7, "predictions take at least 8 images, but 7 were asked for");
        Assert.Contains("at least one seed, but 0", (await Assert.ThrowsAsync<SpectralKDException>(() => LayerPredictions.OfAsync(Recipe, new PredictionOptions { Seeds = 0 }))).Message);
        await Says(Recipe with { Loss = new LossWeights { Method = DistillationMethod.None } }, 8, "a prediction of layers needs a recipe with a teacher");
        await Says((Recipe with { StudentLayers = null, TeacherLayers = null }).WithLosses("dist"), 8, "add alignment");
        await Says(Recipe with { Batch = 13 }, 8, "fewer than one batch of 13");
        var predictions = new LayerPredictions { Teacher = "t", Student = "s", Table = new DataFrame() };
        Assert.Contains("there is no predictor intensty; did you mean intensity?", Assert.Throws<SpectralKDException>(() => predictions.Scores("intensty")).Message);
        Assert.Contains("predict with --first-epoch", Assert.Throws<SpectralKDException>(() => predictions.Scores("gradient_affinity_epoch_1")).Message);
    }

    [Fact]
    public void Distances_promise_more_the_smaller_they_are()
    {
        var table = new DataFrame(new Int32DataFrameColumn("student_block", [0, 1]), new Int32DataFrameColumn("teacher_block", [0, 2]),
            new DoubleDataFrameColumn("procrustes", [0.5, 0.2]), new DoubleDataFrameColumn("r2", [0.5, 0.2]));
        var predictions = new LayerPredictions { Teacher = "t", Student = "s", Table = table };

        Assert.Equal(1, predictions.Scores("procrustes").MaxBy(score => score.Score)!.Student);
        Assert.Equal(0, predictions.Scores("r2").MaxBy(score => score.Score)!.Student);
    }

    private static IEnumerable<double> Numbers(DataFrame table, string name) => table[name].Cast<double>();

    private sealed class Told(Action<PredictionProgress> hear) : IProgress<PredictionProgress>
    {
        public void Report(PredictionProgress value) => hear(value);
    }

    private sealed class Stop(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value is { Phase: TrainingPhase.EpochDone, Metrics.Epoch: 0 })
            {
                stop.Cancel();
            }
        }
    }
}

public class LayerStudyTests
{
    private static readonly double[] Depths = [.. Enumerable.Range(0, 12).Select(block => block / 11.0)];

    [Fact]
    public void A_predictor_that_orders_the_gains_is_found_with_no_regret_and_noise_is_not()
    {
        var study = LayerStudy.Of(Table([.. Depths.Select((_, i) => (double)((7 * i) % 12))], seeds: 3, noise: 0.1));

        var known = study.Rows.Single(row => row.Name == "r2");
        Assert.Equal((1, true, true), (known.Rho, known.Holm < 0.01, known.GivenDepth > 0.9));
        Assert.Equal(study.Best, known.ChosenGain, 1e-12);
        Assert.Equal("depth", study.Rows[0].Name);
        Assert.Null(study.Rows[0].GivenDepth);
        Assert.True(study.Rows.Single(row => row.Name == "kappa").Probability > 0.2);
        Assert.Equal((12, 3), (study.Pairs, study.Seeds));
        Assert.True(study.Reliability > 0.95 && study.Visible < 1, $"{study.Reliability} {study.Visible}");
        Assert.StartsWith("r2 1.00 went with the gains beyond what depth explains (Holm, 2 predictors)", study.Verdict);
    }

    [Fact]
    public void What_only_follows_depth_is_nothing_given_depth()
    {
        double[] parabola = [.. Depths.Select(depth => 10 * Math.Pow(depth - 0.4, 2))];
        var study = LayerStudy.Of(Table(parabola, seeds: 1, noise: 0));

        var known = study.Rows.Single(row => row.Name == "r2");
        Assert.Equal(1, known.Rho, 1e-12);
        Assert.True(study.Seeds == 1 && study.Reliability is null);
        Assert.Contains("one seed: nothing is known of its spread", study.Verdict);
        var line = LayerStudy.Of(Table([.. Depths.Select(depth => 2 * depth)], seeds: 1, noise: 0));
        Assert.Equal(0, line.Rows.Single(row => row.Name == "r2").GivenDepth);
        Assert.StartsWith("r2 1.00 went with the gains beyond chance, but given depth none of them did", line.Verdict);
    }

    [Fact]
    public void Gains_that_are_noise_have_no_reliability_and_the_limit_of_sight_is_said()
    {
        var study = LayerStudy.Of(Table([.. Depths.Select(_ => 0.0)], seeds: 4, noise: 3));

        Assert.True(study.Reliability < 0.6, $"{study.Reliability}");
        Assert.InRange(study.Visible!.Value, 1, 6);
        Assert.Contains("12 pairs, 4 seeds: two pairs", study.Verdict);
    }

    [Fact]
    public void Ranks_share_ties_and_correlations_agree_with_their_definition()
    {
        Assert.Equal([1, 2.5, 2.5, 4], PredictorRow.Ranks([1, 2, 2, 5]));
        Assert.Equal(-1, PredictorRow.Correlation([1, 2, 3], [6, 4, 2]), 1e-12);
        Assert.Equal(0, PredictorRow.Correlation([1, 1, 1], [6, 4, 2]));
    }

    [Fact]
    public void A_table_that_cannot_be_studied_is_refused_in_one_line()
    {
        Assert.Contains("the table has no column depth, gain", Assert.Throws<SpectralKDException>(() => LayerStudy.Of(new DataFrame())).Message);
        var few = new DataFrame(new DoubleDataFrameColumn("depth", [0.0, 0.5, 1]), new DoubleDataFrameColumn("gain", [1.0, 2, 3]));
        Assert.Contains("3 layer pairs have gains, but their order can be studied from 4 on", Assert.Throws<SpectralKDException>(() => LayerStudy.Of(few)).Message);
    }

    private static DataFrame Table(double[] truth, int seeds, double noise)
    {
        var random = new CounterRandom(5);
        var gains = Enumerable.Range(0, seeds).Select(seed => truth.Select(gain => gain + seed + random.NextGaussian(0, noise)).ToArray()).ToList();
        var table = new DataFrame(
            new DoubleDataFrameColumn("depth", Depths), new DoubleDataFrameColumn("gain", truth.Select((_, i) => gains.Average(seed => seed[i]))),
            new DoubleDataFrameColumn("r2", truth), new DoubleDataFrameColumn("kappa", truth.Select(_ => random.NextDouble())));
        if (seeds > 1)
        {
            gains.Select((values, seed) => new DoubleDataFrameColumn($"gain_seed_{seed}", values)).ToList().ForEach(table.Columns.Add);
        }

        return table;
    }
}
