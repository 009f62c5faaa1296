using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class ComparisonTests : IDisposable
{
    private const string Tiny = """
        {
          // comments are allowed
          "base": {
            "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "student": "deit_nano_patch4_32", "epochs": 2, "batch": 4, "device": "cpu", "probeImages": 2,
            "learningRate": 0.002, "align": false, "loss": { "alpha": 0.5 }, "data": { "train": "textures", "count": 8, "validationCount": 6, "size": 32 }
          },
          "methods": { "labels": { "loss": { "method": "none" } }, "soft": { "loss": { "tau": 2 } } },
          "seeds": 2,
        }
        """;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_method_is_the_base_recipe_with_its_changes_merged_in()
    {
        var comparison = Comparison.FromJson(Tiny.Replace("\"seeds\": 2", """ "students": { "deit_nano_patch4_32": { "epochs": 3 }, "small": { "student": "deit_nano_patch4_32", "align": null } }, "seeds": [7] """));
        var runs = comparison.Runs();
        Assert.Equal(["deit_nano_patch4_32/labels/seed-7", "deit_nano_patch4_32/soft/seed-7", "small/labels/seed-7", "small/soft/seed-7"], runs.Select(run => run.Name));
        Assert.Equal((3, 0.5, 2, 7, false), (runs[1].Recipe.Epochs, runs[1].Recipe.Loss.Alpha, runs[1].Recipe.Loss.Tau, runs[1].Recipe.Seed, runs[1].Recipe.Align));
        Assert.Equal((2, 1, true), (runs[2].Recipe.Epochs, runs[2].Recipe.Loss.Tau, runs[2].Recipe.Align));
        Assert.Equal(comparison.ToJson(), Comparison.FromJson(comparison.ToJson()).ToJson());
        Assert.Equal("labels", comparison.BaselineName);
    }

    [Theory]
    [InlineData("\"seeds\"", "\"seed\"", "unknown key \"seed\"; did you mean seeds?")]
    [InlineData("\"seeds\": 2", "\"seeds\": 0", "a number of seeds, at least 1")]
    [InlineData("\"seeds\": 2", "\"seeds\": [1, 1]", "seeds are at least one, each once, but are [1, 1]")]
    [InlineData("\"seeds\": 2", "\"baseline\": \"sofd\"", "the baseline \"sofd\" is none of its methods; did you mean soft?")]
    [InlineData("\"seeds\": 2", "\"accuracies\": [0]", "accuracies are percentages")]
    [InlineData("\"seeds\": 2", "\"budget\": -1", "the budget is the seconds of a run")]
    [InlineData("\"soft\":", "\"a/b\":", "\"a/b\" of methods cannot name a folder")]
    [InlineData("{ \"tau\": 2 }", "{ \"tauu\": 2 }", "the recipe of soft is no recipe: it has an unknown key \"tauu\"")]
    [InlineData("\"teacher\": \"cait_nano_patch4_32\",", "", "the method soft needs a teacher")]
    [InlineData("\"tau\": 2", "\"tau\": 2, \"tau\": 3", "it has the key \"tau\" twice")]
    [InlineData("\"base\"", "\"basis\"", "unknown key \"basis\"")]
    public void What_is_wrong_with_a_comparison_is_said_in_one_line(string what, string by, string expected)
    {
        var error = Assert.Throws<SpectralKDException>(() => Comparison.FromJson(Tiny.Replace(what, by)));
        Assert.Contains(expected, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task Methods_of_a_seed_begin_with_the_same_weights_see_the_same_images_and_are_not_trained_twice()
    {
        // Two names for one method: whatever differed between them would show.
        var comparison = Comparison.FromJson(Tiny.Replace("\"loss\": { \"tau\": 2 }", "\"loss\": { \"tau\": 2 }, \"note\": \"one\" }, \"again\": { \"loss\": { \"tau\": 2 }"));
        var news = new List<ComparisonProgress>();
        var result = await comparison.RunAsync(_folder.Root, progress: new Hears(news));

        Assert.True(result.Finished);
        Assert.Equal(6, result.Outcomes.Count);
        Assert.All(new[] { 0, 1 }, seed => Assert.Equal(Curve(result, "soft", seed), Curve(result, "again", seed)));
        Assert.NotEqual(Curve(result, "soft", 0), Curve(result, "soft", 1));
        Assert.NotEqual(Curve(result, "soft", 0), Curve(result, "labels", 0));
        Assert.Equal(Weights("labels", 0).Length, Weights("soft", 0).Length);
        Assert.True(Directory.Exists(_folder.File("teacher")), "the teacher's answers are kept for all runs");
        Assert.All(result.Outcomes, outcome => Assert.Equal(6, outcome.Hits!.Count));
        Assert.All(result.Outcomes, outcome => Assert.Equal(outcome.Top1, 100.0 * outcome.Hits!.Count(hit => hit) / 6, 1e-9));
        Assert.Contains(news, item => item.Note?.Contains("runs to train take about", StringComparison.Ordinal) == true);

        var row = result.Rows.Single(row => row.Method == "again");
        var differences = new[] { 0, 1 }.Select(seed => Top1(result, "again", seed) - Top1(result, "labels", seed)).ToList();
        Assert.Equal(differences.Average(), row.Difference!.Mean, 1e-9);
        Assert.True(row.Cost is { Seconds: > 0, StepsPerEpoch: 2 });
        Assert.True(File.Exists(_folder.File("summary.csv")) && File.Exists(_folder.File("runs.csv")) && File.Exists(_folder.File("summary.json")));

        var before = File.GetLastWriteTimeUtc(_folder.File("runs/soft/seed-0/log.txt"));
        news.Clear();
        var again = await (comparison with { Seeds = [0, 1, 2] }).RunAsync(_folder.Root, progress: new Hears(news));
        Assert.Equal(9, again.Outcomes.Count);
        Assert.Equal(before, File.GetLastWriteTimeUtc(_folder.File("runs/soft/seed-0/log.txt")));
        Assert.Contains(news, item => item.Note == "6 of 9 runs are finished already and are not repeated");
        Assert.Contains(news, item => item.Note?.StartsWith("3 runs more than before", StringComparison.Ordinal) == true);
        Assert.Equal(result.Outcomes.Select(outcome => outcome.Top1), again.Outcomes.Where(outcome => outcome.Seed < 2).Select(outcome => outcome.Top1));
    }

    [Fact]
    public async Task A_comparison_that_was_stopped_goes_on_and_ends_as_the_unbroken_one()
    {
        var comparison = Comparison.FromJson(Tiny) with { Seeds = [3] };
        using var stop = new CancellationTokenSource();
        var steps = 0;
        var stopped = await comparison.RunAsync(_folder.File("broken"), progress: new Hears([], news => Stop(news.Training?.Phase == TrainingPhase.Training && ++steps == 3)), stop: stop.Token);
        Assert.False(stopped.Finished);
        Assert.Equal(["labels/seed-3", "soft/seed-3"], stopped.Missing);

        // What a kill may leave: a run's folder without a checkpoint.
        Directory.CreateDirectory(_folder.File("broken/runs/soft/seed-3/checkpoint"));
        var ended = await comparison.RunAsync(_folder.File("broken"));
        var whole = await comparison.RunAsync(_folder.File("whole"));
        Assert.True(ended.Finished);
        Assert.Equal(whole.Outcomes.SelectMany(outcome => outcome.Epochs).Select(epoch => (epoch.Loss, epoch.Top1)), ended.Outcomes.SelectMany(outcome => outcome.Epochs).Select(epoch => (epoch.Loss, epoch.Top1)));
        Assert.StartsWith("one seed: ", ended.Rows[1].Verdict);
        Assert.Null(ended.Rows[1].Difference!.HalfWidth);
        Assert.Contains("one seed: there is no interval, and no difference can be told from chance", ended.Notes);

        void Stop(bool now)
        {
            if (now)
            {
                stop.Cancel();
            }
        }
    }

    [Fact]
    public async Task A_changed_recipe_is_told_and_nothing_of_the_old_runs_is_lost()
    {
        await (Comparison.FromJson(Tiny) with { Seeds = [0] }).RunAsync(_folder.Root);
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => Comparison.FromJson(Tiny.Replace("\"tau\": 2", "\"tau\": 4")).RunAsync(_folder.Root));
        Assert.Contains("1 of the runs in", error.Message);
        Assert.Contains("(soft/seed-0: loss.tau 2 -> 4)", error.Message);
        Assert.Equal(2, ComparisonResult.Gather(_folder.Root).Outcomes.Count);
    }

    [Fact]
    public async Task A_method_that_cannot_be_trained_is_named_before_the_others_are_trained()
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => Comparison.FromJson(Tiny.Replace(
            "\"soft\":", """ "crossed": { "align": true, "teacher": "cait_nano_patch8_64", "teacherWeights": "seeded:1", "imageSize": 48 }, "soft": """)).RunAsync(_folder.Root));
        Assert.StartsWith("crossed cannot be trained: ", error.Message);
        Assert.False(Directory.Exists(_folder.File("runs")));
        error = await Assert.ThrowsAsync<SpectralKDException>(() => Comparison.FromJson(Tiny).RunAsync(_folder.Root, jobs: 2));
        Assert.Contains("call spectralkd compare --jobs", error.Message);
    }

    [Fact]
    public async Task A_budget_of_seconds_gives_the_cheaper_method_more_epochs()
    {
        var comparison = Comparison.FromJson(Tiny.Replace("\"seeds\": 2", "\"seeds\": 1, \"budget\": 0.001")) with { Accuracies = [99.9] };
        var result = await comparison.RunAsync(_folder.Root);
        Assert.All(result.Rows, row => Assert.Equal(1, row.Epochs)); // at least one
        Assert.All(result.Rows, row => Assert.Equal((0, null, null), (row.Times[0].Reached, row.Times[0].Epochs, row.Times[0].Seconds)));

        // The measured costs decide, and they stay what they were.
        var folder = new ComparisonFolder(_folder.File("costs-given"));
        foreach (var run in comparison.Runs())
        {
            folder.Keep(run, new StepCost { Seconds = run.Method == "labels" ? 0.1 : 0.35, StepsPerEpoch = 2, Recipe = StepMeter.KeyOf(run.Recipe) });
        }

        var given = await (comparison with { Budget = 0.8 }).RunAsync(folder.Root);
        Assert.Equal([4, 1], given.Rows.Select(row => row.Epochs));
        Assert.Equal(0.8, given.Outcomes[0].SecondsAfter(4), 1e-9);
    }

    [Fact]
    public async Task Runs_that_others_trained_are_gathered()
    {
        var comparison = Comparison.FromJson(Tiny);
        var runs = new ComparisonRunner(comparison, _folder.Root, null).Prepare();
        Assert.Equal(4, ComparisonScripts.Commands(runs, "dir").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("#SBATCH --array=1-4%2\n", ComparisonScripts.Slurm(runs, "dir", 2, 0, "1:00:00"));
        Assert.True((await ComparisonRunner.RunOneAsync(_folder.Root, "soft/seed-1", null, CancellationToken.None)).Finished);
        Assert.True((await ComparisonRunner.RunOneAsync(_folder.Root, "1", null, CancellationToken.None)).Finished);
        var gathered = ComparisonResult.Gather(_folder.Root);
        Assert.Equal(["soft/seed-0", "labels/seed-1"], gathered.Missing.OrderByDescending(name => name));
        Assert.Equal("no seed in common with the baseline", gathered.Rows[1].Verdict);
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => ComparisonRunner.RunOneAsync(_folder.Root, "sofd/seed-0", null, CancellationToken.None));
        Assert.Contains("did you mean soft/seed-0?", error.Message);
        Assert.Throws<SpectralKDException>(() => new ComparisonRunner(comparison with { Budget = 3 }, _folder.File("other"), null).Prepare());
    }

    [Fact]
    public async Task A_sweep_over_layers_has_each_pair_alone_every_strategy_thresholds_and_random_pairs()
    {
        var recipe = DistillationRecipe.FromJson("""
            { "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "student": "deit_nano_patch4_32", "epochs": 1, "batch": 4, "device": "cpu", "probeImages": 2,
              "data": { "train": "textures", "count": 4, "validationCount": 4, "size": 32 } }
            """);
        var sweep = await LayerSweep.OfAsync(recipe, _folder.Root);
        var names = sweep.Methods.Select(method => method.Name).ToList();
        Assert.Equal("no-alignment", sweep.BaselineName);
        Assert.Equal(12, names.Count(name => name.StartsWith("pair-", StringComparison.Ordinal)));
        Assert.Subset(names.ToHashSet(), new HashSet<string> { "pair-0-0", "pair-11-23", "endpoints", "even", "all", "top", "random-1", "random-2", "random-3" });
        Assert.Equal(names.Count, sweep.Runs().Where(run => run.Seed == 0).Select(run => $"{run.Recipe.Align} {string.Join(' ', run.Recipe.StudentLayers ?? [])}-{string.Join(' ', run.Recipe.TeacherLayers ?? [])}").Distinct().Count());
        Assert.Equal(sweep.ToJson(), (await LayerSweep.OfAsync(recipe, _folder.Root)).ToJson());

        var few = sweep with { Methods = [.. sweep.Methods.Where(method => method.Name is "no-alignment" or "pair-0-0" or "pair-11-23" or "random-1")], Seeds = [0] };
        var table = LayerSweep.Table(await few.RunAsync(_folder.Root));
        Assert.Equal(2, table.Rows.Count);
        Assert.Equal([0.0, 1.0], table["depth"].Cast<double>());
        Assert.All(table["intensity"].Cast<double>(), value => Assert.True(value > 0));
        await Assert.ThrowsAsync<SpectralKDException>(() => LayerSweep.OfAsync(recipe with { Loss = new LossWeights { Method = DistillationMethod.None } }));

        var terms = await LayerSweep.OfAsync(recipe.WithLosses("kd,alignment"));
        Assert.Equal(["labels", "kd"], terms.Runs()[0].Recipe.Losses!.Select(term => term.Name));
        Assert.Equal(sweep.Methods.Select(method => method.Name), terms.Methods.Select(method => method.Name));
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => LayerSweep.OfAsync(recipe.WithLosses("dist")));
        Assert.Contains("varies the layers of the loss alignment, and the recipe's losses are labels, dist; add alignment", error.Message);
    }

    [Fact]
    public void The_built_in_comparisons_can_be_read_and_say_how_long_they_take()
    {
        Assert.Contains("textures-small", ComparisonLibrary.Names);
        Assert.All(ComparisonLibrary.Names, name =>
        {
            var comparison = ComparisonLibrary.Get(name);
            Assert.NotNull(comparison.Note);
            Assert.True(comparison.Methods.Count > 1 && comparison.Seeds.Count >= 3, name);
            Assert.Matches("minute|hour", ComparisonLibrary.Text(name)[..600]);
            Assert.Empty(ComparisonPairing.Notes(comparison, comparison.Runs()));
        });
        Assert.Contains("did you mean textures-small?", Assert.Throws<SpectralKDException>(() => ComparisonLibrary.Get("texture-small")).Message);
    }

    public void Dispose() => _folder.Dispose();

    private static IEnumerable<(double, double?)> Curve(ComparisonResult result, string method, int seed) =>
        result.Outcomes.Single(outcome => (outcome.Method, outcome.Seed) == (method, seed)).Epochs.Select(epoch => (epoch.Loss, epoch.Top1));

    private static double Top1(ComparisonResult result, string method, int seed) => result.Outcomes.Single(outcome => (outcome.Method, outcome.Seed) == (method, seed)).Top1;

    private byte[] Weights(string method, int seed) => File.ReadAllBytes(_folder.File($"runs/{method}/seed-{seed}/best.safetensors"));

    private sealed class Hears(List<ComparisonProgress> news, Action<ComparisonProgress>? also = null) : IProgress<ComparisonProgress>
    {
        public void Report(ComparisonProgress value)
        {
            news.Add(value);
            also?.Invoke(value);
        }
    }
}
