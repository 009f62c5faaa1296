using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

/// <summary>Every method of the table in whole runs: trained by recipe, stopped and gone on with, kept out of the student, refused where it does not fit.</summary>
[Collection(TorchGenerator.Name)]
public sealed class MethodRunTests
{
    private static readonly DistillationRecipe s_recipe = SmallRun.Recipe with { Epochs = 1, StudentLayers = null, TeacherLayers = null };

    public static TheoryData<string> Methods => new(LossCatalog.All.Select(kind => kind.Name).Concat(
        ["kd:standardise", "dkd:standardise", "projector:train=true", "alignment:dc=false", "alignment:band=low", "alignment:band=high", "manifold,kd:weight=1,labels:weight=0", "vkd,kd:weight=1"]));

    public static TheoryData<string> Learning => new("projector:train=true", "projector", "vitkd", "vkd", "manifold:tokens=9,vitkd");

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task Each_method_trains_an_epoch_by_recipe_and_its_term_is_in_the_log(string losses)
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        var before = SmallRun.Values(student);
        var recipe = DistillationRecipe.FromJson((s_recipe with { Losses = LossTerm.Parse(losses) }).ToJson());
        var run = await SmallRun.RunAsync(student, recipe, folder.File("run"));

        var metrics = Assert.Single(run.Epochs);
        Assert.True(double.IsFinite(metrics.Loss));
        Assert.Contains(SmallRun.Values(student), entry => !entry.Value.SequenceEqual(before[entry.Key]));
        var terms = (metrics.OtherLosses?.Values.Sum() ?? 0) + (metrics.LabelLoss ?? metrics.Loss) + (metrics.AlignmentLoss ?? 0) + (metrics.LogitLoss ?? 0);
        Assert.Equal(metrics.Loss, terms, 1e-9 * Math.Max(1, metrics.Loss));
        var log = EpochLog.Line(Assert.Single(EpochLog.Read(folder.File("run/log.txt"))));
        Assert.Equal(EpochLog.Line(metrics), log);
        var name = losses.Split(',', ':')[0];
        Assert.Contains(name switch { "labels" => "\"train_loss\"", "alignment" => "\"train_loss_fft\"", "kd" or "hard" => "\"train_loss_dist\"", _ => $"\"train_term_{name}\"" }, log, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Learning))]
    public async Task A_run_whose_loss_learns_goes_on_to_the_same_bits_after_a_stop(string losses)
    {
        using var folder = new TemporaryFolder();
        var recipe = s_recipe with { Epochs = 2, Losses = LossTerm.Parse(losses) };
        using var whole = SmallRun.Student();
        var unbroken = await SmallRun.RunAsync(whole, recipe, folder.File("whole"));
        using var first = SmallRun.Student();
        using var stop = new CancellationTokenSource();
        var partial = await SmallRun.RunAsync(first, recipe, folder.File("run"), stop: stop.Token, progress: new StopAfter(3, stop));
        Assert.False(partial.Finished);

        using var second = SmallRun.Student(seed: 99);
        var run = await SmallRun.RunAsync(second, recipe, folder.File("run"), resume: true);

        Assert.True(run.Finished);
        var expected = SmallRun.Values(whole);
        Assert.All(SmallRun.Values(second), entry => Assert.Equal(expected[entry.Key], entry.Value));
        Assert.Equal(unbroken.Epochs.Select(Line), run.Epochs.Select(Line));
        Assert.Equal(Learnt(folder.File("whole")), Learnt(folder.File("run")));
    }

    [Fact]
    public async Task What_a_loss_learns_is_trained_and_kept_in_the_checkpoint_and_not_in_the_student()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, s_recipe with { Losses = LossTerm.Parse("projector:train=true,vitkd,vkd") }, folder.File("run"));
        using var fixedStudent = SmallRun.Student();
        await SmallRun.RunAsync(fixedStudent, s_recipe with { Losses = LossTerm.Parse("projector") }, folder.File("fixed"));

        using var scope = NewDisposeScope();
        var learnt = Tensors(folder.File("run"), "losses");
        Assert.Contains("projector.projectors.0.weight", learnt.Keys);
        Assert.Contains("projector.bn_student.0.running_mean", learnt.Keys);
        Assert.Contains("vitkd.generation.2.weight", learnt.Keys);
        var orthonormal = learnt["vkd.projectors.0.weight"];
        Assert.True((orthonormal.t().mm(orthonormal) - eye(24)).abs().max().item<float>() < 2e-6);
        var released = Tensors(folder.File("fixed"), "losses");
        var begun = new ProjectorTerm(new TermSizes([.. Enumerable.Range(0, 3).Select(_ => new LayerPair(new(0, "", 24, 4, 4), new(0, "", 32, 4, 4)))], s_recipe.Seed), train: false);
        var initial = begun.Module.named_parameters().First(entry => entry.name == "projectors.0.weight").parameter;
        Assert.True(initial.equal(released["projector.projectors.0.weight"]).all().item<bool>());
        Assert.False(initial.equal(learnt["projector.projectors.0.weight"]).all().item<bool>());
        begun.Dispose();
        var names = SmallRun.Values(student).Keys.Order().ToList();
        Assert.Equal(names, Tensors(folder.File("run"), "model").Keys.Order());
        Assert.Equal(names, Tensors(folder.File("run"), "average").Keys.Order());
    }

    [Theory]
    [InlineData("soft", "labels:weight=0.09999999999999998,alignment,kd")] // 1 - 0.9, as the reference computes it
    [InlineData("hard", "labels:weight=0.09999999999999998,alignment,hard")]
    [InlineData("fft", "labels:weight=0.09999999999999998,alignment")]
    [InlineData("none", "labels")]
    public async Task A_recipe_with_a_method_is_to_the_bit_the_recipe_with_its_list_of_losses(string method, string losses)
    {
        using var one = SmallRun.Student();
        using var other = SmallRun.Student();
        var loss = new LossWeights { Method = Enum.Parse<DistillationMethod>(method, ignoreCase: true), Alpha = 0.9 };
        var expected = await SmallRun.RunAsync(one, s_recipe with { Loss = loss });
        var run = await SmallRun.RunAsync(other, s_recipe with { Losses = LossTerm.Parse(losses) });
        var values = SmallRun.Values(one);
        Assert.All(SmallRun.Values(other), entry => Assert.Equal(values[entry.Key], entry.Value));
        Assert.Equal(expected.Epochs.Select(Line), run.Epochs.Select(Line));
    }

    [Fact]
    public async Task With_the_teachers_cache_a_run_is_the_same_to_the_bit()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        var recipe = s_recipe with { Epochs = 2, Losses = LossTerm.Parse("dist,vitkd,vkd,alignment:dc=false") };
        var plain = await SmallRun.RunAsync(student, recipe);
        foreach (var images in new[] { 20, 0 })
        {
            using var cached = SmallRun.Student();
            var run = await SmallRun.RunAsync(cached, recipe with { CacheTeacher = folder.File("cache") });
            Assert.Equal(images, run.TeacherCache!.Computed);
            var values = SmallRun.Values(student);
            Assert.All(SmallRun.Values(cached), entry => Assert.Equal(values[entry.Key], entry.Value));
            Assert.Equal(plain.Epochs.Select(Line), run.Epochs.Select(Line));
        }
    }

    [Fact]
    public async Task The_runs_recipe_has_every_default_written_out_and_runs_again()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, s_recipe with { Losses = LossTerm.Parse("dkd:standardise,mse") }, folder.File("run"));
        var written = DistillationRecipe.Load(folder.File("run/recipe.json"));
        Assert.Equal(
            ["labels:weight=1:smoothing=0.1", "dkd:weight=1:alpha=9:beta=72:tau=2:warmup=20:standardise=true", "mse:weight=0.2"],
            written.Losses!.Select(term => term.ToString()));
        Assert.Equal(written.ToJson(), DistillationRecipe.FromJson(written.ToJson()).ToJson());
    }

    [Fact]
    public void The_page_of_methods_has_each_with_its_defaults()
    {
        var page = File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "docs", "methods.md"));
        foreach (var kind in LossCatalog.All)
        {
            var from = page.IndexOf($"### {kind.Name}\n", StringComparison.Ordinal);
            Assert.True(from >= 0, kind.Name);
            var end = page.IndexOf("\n#", from + 4, StringComparison.Ordinal);
            var arguments = string.Join(':', kind.Arguments.Select(argument => $"{argument.Name}={argument.Default}"));
            Assert.Contains(
                FormattableString.Invariant($"Defaults: weight {kind.Weight}{(kind.WeighsByFamily ? " (0.05 for Swin students)" : "")}, labels {kind.LabelWeight}")
                    + (arguments.Length == 0 ? "" : $"; `{arguments}`") + (kind.Layers.Length == 0 ? "" : $". Layers: {kind.Layers}") + ".",
                page[from..end], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("dits", "there is no loss \"dits\"; did you mean dist? (losses: labels, kd, hard, dist, dkd,")]
    [InlineData("dist:taw=2", "the loss dist has no argument \"taw\"; did you mean tau? (it takes tau, beta, gamma, weight)")]
    [InlineData("dist:tau=0", "the loss dist: tau must be a number in (0, 1000], but is 0")]
    [InlineData("dist:tau=warm", "tau must be a number in (0, 1000], but is warm")]
    [InlineData("alignment:band=lo", "band must be one of all, low, high, but is \"lo\"; did you mean low?")]
    [InlineData("alignment:form=spatial:dc=false", "the form spatial has no frequencies")]
    [InlineData("kd:weight=-1", "weight must be in [0, 1000000], but is -1")]
    [InlineData("kd:tau=1:tau=2", "the loss kd has tau twice")]
    [InlineData("kd:studentLayers=0:teacherLayers=0", "the loss kd compares no feature maps")]
    [InlineData("mse:studentLayers=0+1:teacherLayers=0", "studentLayers has 2 and teacherLayers 1 entries")]
    [InlineData("mse:studentLayers=a", "studentLayers must be block numbers parted by +, such as 0+11, but is \"a\"")]
    [InlineData("labels,labels", "the losses name labels twice")]
    [InlineData("manifold:tokens=2.5", "tokens must be a whole number in [2, 1000000], but is 2.5")]
    [InlineData("", "there is no loss \"\"")]
    public void What_is_typed_wrong_is_said_in_one_line(string losses, string words)
    {
        var error = Assert.Throws<SpectralKDException>(() => LossTerm.Parse(losses));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("\"losses\": [{\"name\": \"dits\"}]", "there is no loss \"dits\"; did you mean dist?")]
    [InlineData("\"losses\": [{\"name\": \"dist\", \"tau\": -1}]", "tau must be a number in (0, 1000], but is -1")]
    [InlineData("\"losses\": [\"dist\", {\"weight\": 2}]", "the value of \"losses[1]\"")]
    [InlineData("\"losses\": [\"dist\"], \"loss\": {\"tau\": 2}", "it has losses and values of its own in loss")]
    [InlineData("\"losses\": [\"dist\"], \"align\": false", "align is for loss")]
    [InlineData("\"losses\": [\"dist\"], \"teacher\": null", "the loss dist cannot do without a teacher")]
    [InlineData("\"losses\": [\"dist\", \"mse\"], \"teacher\": null", "the losses dist and mse cannot do without a teacher")]
    [InlineData("\"losses\": [\"labels\"], \"teacher\": null, \"cacheTeacher\": \"x\"", "the losses have no teacher")]
    [InlineData("\"losses\": [\"dist\"], \"cacheTeacher\": \"x\", \"cacheTop\": 2", "the loss dist compares all of them; leave cacheTop out")]
    [InlineData("\"lossess\": []", "unknown key \"lossess\"; did you mean losses?")]
    public void A_recipe_that_is_wrong_is_refused_in_one_line(string keys, string words)
    {
        var teacher = keys.Contains("\"teacher\"", StringComparison.Ordinal) ? "" : "\"teacher\": \"cait_nano_patch8_64\", ";
        var error = Assert.Throws<SpectralKDException>(() => DistillationRecipe.FromJson("{\"student\": \"deit_nano_patch8_64\", " + teacher + keys + "}"));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Names_alone_stand_for_a_method_with_its_defaults_and_numbers_may_be_numbers()
    {
        var recipe = DistillationRecipe.FromJson(
            "{\"student\": \"a\", \"teacher\": \"b\", \"losses\": [\"dist\", {\"name\": \"mse\", \"weight\": 0.5, \"studentLayers\": [0, -1], \"teacherLayers\": [0, -1]}, {\"name\": \"kd\", \"standardise\": true, \"tau\": 3}]}");
        Assert.Equal(["dist", "mse:weight=0.5:studentLayers=0+-1:teacherLayers=0+-1", "kd:standardise=true:tau=3"], recipe.Losses!.Select(term => term.ToString()));
        Assert.Equal(recipe.Losses!.Select(term => term.ToString()), LossTerm.Parse(string.Join(',', recipe.Losses!)).Select(term => term.ToString()));
    }

    [Fact]
    public void A_list_from_the_command_line_takes_the_place_of_the_recipes_loss_and_keeps_its_smoothing()
    {
        var recipe = s_recipe with { Loss = new LossWeights { Smoothing = 0, Tau = 3 } };
        Assert.Equal(["labels:smoothing=0", "dist"], recipe.WithLosses("dist").Losses!.Select(term => term.ToString()));
        Assert.Equal(["labels:smoothing=0", "nkd"], recipe.WithLosses("dist").WithLosses("nkd").Losses!.Select(term => term.ToString()));
        Assert.Equal(["dist", "labels"], recipe.WithLosses("dist,labels").Losses!.Select(term => term.ToString()));
        recipe.WithLosses("dist").Validate();
    }

    [Theory]
    [InlineData("dist", 5, "the student has 4 classes and the teacher 5, so their logits cannot be compared; give both the same classes, or leave out the loss dist")]
    [InlineData("mse,at", 5, null)]
    public async Task Other_classes_are_refused_where_logits_are_compared(string losses, int classes, string? words)
    {
        using var teacher = ModelCatalog.Create(new CaitSpec { Name = "cait", ImageSize = 16, PatchSize = 4, EmbedDim = 32, Depth = 4, Heads = 4, ClassDepth = 1, Classes = classes }, 2);
        await Refused(teacher, losses, words);
    }

    [Theory]
    [InlineData("alignment", "the loss alignment cannot compare vit block 0 [24, 4, 4] with cait block 0 [32, 2, 2]: height and width must agree")]
    [InlineData("mse", "the loss mse cannot compare")]
    [InlineData("manifold", "the loss manifold cannot compare")]
    [InlineData("vitkd", "the loss vitkd cannot compare")]
    [InlineData("at,cka,vkd", null)]
    public async Task Other_grids_are_refused_where_places_are_compared(string losses, string? words)
    {
        using var teacher = ModelCatalog.Create(new CaitSpec { Name = "cait", ImageSize = 16, PatchSize = 8, EmbedDim = 32, Depth = 4, Heads = 4, ClassDepth = 1, Classes = 4 }, 2);
        await Refused(teacher, losses, words);
    }

    [Theory]
    [InlineData("alignment", "the teacher needs at least as many channels as the student; choose a wider teacher, or mse")]
    [InlineData("mse,at,haar,projector,manifold,vitkd,vkd,cka", null)]
    public async Task A_narrower_teacher_is_refused_by_alignment_alone(string losses, string? words)
    {
        using var teacher = ModelCatalog.Create(new CaitSpec { Name = "cait", ImageSize = 16, PatchSize = 4, EmbedDim = 16, Depth = 4, Heads = 4, ClassDepth = 1, Classes = 4 }, 2);
        await Refused(teacher, losses, words);
    }

    [Fact]
    public async Task A_method_without_a_teacher_and_layers_without_use_are_named()
    {
        using var student = SmallRun.Student();
        var error = await Assert.ThrowsAsync<SpectralKDException>(
            () => Distiller.RunAsync(student, null, new FormulaData(), s_recipe with { Losses = LossTerm.Parse("mse") }));
        Assert.Contains("the loss mse cannot do without a teacher", error.Message, StringComparison.Ordinal);

        var run = await SmallRun.RunAsync(student, s_recipe with { Losses = LossTerm.Parse("dist"), StudentLayers = [0], TeacherLayers = [0] });
        Assert.Contains(run.Warnings, warning => warning.Contains("studentLayers and teacherLayers have no use", StringComparison.Ordinal));
    }

    private static async Task Refused(VisionModel teacher, string losses, string? words)
    {
        using var student = SmallRun.Student();
        var recipe = s_recipe with { Losses = LossTerm.Parse(losses) };
        if (words is null)
        {
            Assert.True((await Distiller.RunAsync(student, teacher, new FormulaData(), recipe)).Finished);
            return;
        }

        var error = await Assert.ThrowsAsync<SpectralKDException>(() => Distiller.RunAsync(student, teacher, new FormulaData(), recipe));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static string Line(EpochMetrics metrics) => EpochLog.Line(metrics with { Seconds = null, ImagesPerSecond = null });

    private static Dictionary<string, float[]> Learnt(string run)
    {
        using var scope = NewDisposeScope();
        return Tensors(run, "losses").ToDictionary(entry => entry.Key, entry => entry.Value.data<float>().ToArray());
    }

    private static Dictionary<string, Tensor> Tensors(string run, string kind) =>
        Models.GoldenTensors.Read(Directory.GetFiles(Path.Combine(run, "checkpoint"), kind + "-*").Single());

    private sealed class StopAfter(int steps, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.TotalSteps == steps)
            {
                stop.Cancel();
            }
        }
    }
}
