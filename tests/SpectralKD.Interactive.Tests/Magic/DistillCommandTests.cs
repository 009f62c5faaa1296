using SpectralKD.Interactive.Magic;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class DistillCommandTests : IDisposable
{
    private const string Images = "#!spectral-images textures --count 10 --size 16 --classes 4 --seed 3";
    private readonly FakeHost _host = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-distill-").FullName;

    [Fact]
    public async Task The_folders_recipe_is_what_was_done_and_trains_the_same_again()
    {
        var weights = Path.Combine(_folder, "teacher.safetensors");
        await RunAsync(
            "#!spectral-model cait_nano_patch4_32 --weights seeded:4 --classes 4 --as first", $"#!spectral-save first --to {weights}",
            $"#!spectral-model cait_nano_patch4_32 --weights {weights} --as teacher",
            "#!spectral-model deit_nano_patch4_32 --weights seeded:9 --classes 4 --as student",
            Images, $"#!spectral-distill --teacher teacher --student student --epochs 1 --batch 4 --w-fft 0.3 --distillation-beta 2 --seed 5 --out {_folder}/run");

        var recipe = DistillationRecipe.Load($"{_folder}/run/recipe.json");
        Assert.Null(recipe.Unrepeatable);
        Assert.Equal(("cait_nano_patch4_32", weights), (recipe.Teacher, recipe.TeacherWeights));
        Assert.Equal(("deit_nano_patch4_32", "seeded:9"), (recipe.Student, recipe.StudentWeights));
        Assert.Equal(("textures", 10, 16, 4, 3), (recipe.Data.Train, recipe.Data.Count, recipe.Data.Size, recipe.Data.Classes, recipe.Data.Seed));
        Assert.Equal((true, 0.1, 5), (recipe.Data.HoldOut, recipe.Data.ValidationShare, recipe.Data.ValidationSeed));
        Assert.Equal((2, 0.3), (recipe.Loss.Beta, recipe.Loss.WFft));

        var run = (DistillationRun)_host["run"]!;
        var again = await Distiller.RunAsync(recipe, $"{_folder}/again");
        Assert.Equal(run.Epochs.Select(metrics => (metrics.Loss, metrics.Top1)), again.Epochs.Select(metrics => (metrics.Loss, metrics.Top1)));
    }

    [Fact]
    public async Task Losses_are_named_as_in_a_recipe_and_shown_in_the_table_of_epochs()
    {
        await RunAsync(
            "#!spectral-model cait_nano_patch4_32 --weights seeded:4 --classes 4 --as teacher", "#!spectral-model deit_nano_patch4_32 --weights seeded:9 --classes 4 --as student", Images);
        const string Distill = "#!spectral-distill --teacher teacher --student student --epochs 1 --batch 4";
        await RunAsync($"{Distill} --losses dist,projector:train=true:weight=0.5 --out {_folder}/run");
        var run = (DistillationRun)_host["run"]!;
        Assert.Equal(["labels:weight=1:smoothing=0.1", "dist:weight=2:tau=1:beta=1:gamma=1", "projector:weight=0.5:train=true"], run.Recipe!.Losses!.Select(term => term.ToString()));
        var table = new Interactive.Views.RunView(run).ToPlainText();
        Assert.Matches("loss +labels +dist +projector", table);

        var both = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync(Distill + " --losses dist --alpha 0.5", _host));
        Assert.StartsWith("--losses takes the place of --method, --alpha", both.Message);
        var unknown = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync(Distill + " --losses dits", _host));
        Assert.StartsWith("there is no loss \"dits\"; did you mean dist?", unknown.Message);
    }

    private string Shown() => ((Interactive.Views.INotebookView)_host.Displayed[^1]).ToPlainText();

    [Fact]
    public async Task The_methods_are_listed_and_one_is_explained()
    {
        await RunAsync("#!spectral-methods");
        var all = Shown();
        Assert.All(LossCatalog.All, kind => Assert.Contains(kind.Name, all));
        await RunAsync("#!spectral-methods dkd");
        Assert.Contains("epochs over which the term rises to its weight", Shown());
        Assert.Contains("arXiv 2203.08679", Shown());
        await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync("#!spectral-methods dkdd", _host));
    }

    [Fact]
    public async Task A_teacher_of_other_classes_is_refused_where_its_logits_would_teach()
    {
        var weights = Path.Combine(_folder, "teacher.safetensors");
        await RunAsync(
            "#!spectral-model cait_nano_patch4_32 --weights seeded:4 --classes 10 --as first", $"#!spectral-save first --to {weights}",
            $"#!spectral-model cait_nano_patch4_32 --weights {weights} --classes 4 --as teacher",
            "#!spectral-model deit_nano_patch4_32 --weights seeded --classes 4 --as student", Images);
        const string Distill = "#!spectral-distill --teacher teacher --student student --epochs 1 --batch 4";
        foreach (var method in new[] { "", " --method hard", " --layers none" })
        {
            var error = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync(Distill + method, _host));
            Assert.Contains("the teacher cait_nano_patch4_32 has a fresh, random head of 4 classes", error.Message);
        }

        await RunAsync(Distill + " --method fft");
        Assert.Contains(((DistillationRun)_host["run"]!).Warnings, warning => warning.StartsWith("the teacher cait_nano_patch4_32: the head (4 classes) is fresh"));
    }

    [Fact]
    public async Task The_teachers_answers_are_kept_and_read_where_asked_and_its_numbers_are_chosen()
    {
        await RunAsync(
            "#!spectral-model cait_nano_patch4_32 --weights seeded:4 --classes 4 --as teacher", "#!spectral-model deit_nano_patch4_32 --weights seeded:9 --classes 4 --as student", Images,
            $"#!spectral-distill --teacher teacher --student student --epochs 3 --batch 4 --augment crop-flip --views 2 --cache-teacher {_folder}/cache --cache-top 2 --cache-half --teacher-precision bf16");
        var run = (DistillationRun)_host["run"]!;
        Assert.Equal((8, 16), (run.TeacherCache!.Read, run.TeacherCache.Computed));
        Assert.Equal((2, true, ModelPrecision.Bf16, 2), (run.Recipe!.CacheTop, run.Recipe.CacheHalf, run.Recipe.TeacherPrecision, run.Recipe.Data.Views));
        Assert.Contains("of 24 images shown to the teacher 8 were read from its cache", new Interactive.Views.RunView(run).ToPlainText());
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync(
            $"#!spectral-distill --teacher teacher --student student --epochs 1 --batch 4 --image-cache {_folder}/decoded", _host));
        Assert.StartsWith("textures needs no image cache", error.Message);
    }

    [Fact]
    public async Task An_analysis_takes_the_numbers_to_compute_in_and_says_where_they_are_slow()
    {
        await RunAsync("#!spectral-model deit_nano_patch4_32 --weights seeded:9 --as model", Images, "#!spectral-analyze --precision bf16 --as brief");
        Assert.Equal("BFloat16", ((ModelSpectrum)_host["brief"]!).Parts.Single().NumberType);
    }

    [Theory]
    [InlineData("--beta", "take --w-fft, the weight of the alignment loss, or --distillation-beta, the reference's factor before it")]
    [InlineData("--distillation-alpha", "take --alpha")]
    [InlineData("--distillation-tau", "take --tau")]
    [InlineData("--epoch", "did you mean --epochs?")]
    public async Task A_parameters_other_name_is_an_error_that_says_what_to_take(string typed, string said)
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync($"#!spectral-distill --student s {typed} 0.2", _host));
        Assert.Contains(said, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task No_advice_reuses_a_name_that_is_taken()
    {
        await RunAsync("#!spectral-model deit_nano_patch4_32 --weights seeded --as teacher", Images + " --as photos");
        _host["teacherSpectrum"] = 1;
        _host["layersTable"] = 1;
        _host["layers"] = "none";
        Assert.EndsWith(
            "run #!spectral-analyze --model teacher --as spectrum first, and name spectrum instead of teacher",
            await Message("#!spectral-select --teacher teacher --student teacher"));
        Assert.EndsWith("run #!spectral-model deit_tiny_patch16_224 --as photosModel first, and name photosModel instead of photos", await Message("#!spectral-analyze --model photos"));
        Assert.EndsWith("run #!spectral-images textures --as teacherImages first, and name teacherImages instead of teacher", await Message("#!spectral-analyze --model teacher --images teacher"));
        Assert.EndsWith("run #!spectral-model vit_tiny_patch16_224 --as vit_tiny_patch16_224 first", await Message("#!spectral-analyze --model vit_tiny_patch16_224"));
        Assert.EndsWith("run #!spectral-images \"cifar10/test\" --as images first, and name images instead of cifar10/test", await Message("#!spectral-analyze --model teacher --images cifar10/test"));
        Assert.EndsWith("run #!spectral-analyze --as nowhere first", await Message("#!spectral-layer nowhere"));
        Assert.EndsWith(
            "--as layersLayers first, and name layersLayers instead of layers",
            await Message("#!spectral-distill --teacher teacher --student teacher --images photos --layers layers"));
        _host["nowhereTable"] = 1;
        Assert.EndsWith("run #!spectral-analyze --as nowhereSpectrum first, and name nowhereSpectrum instead of nowhere", await Message("#!spectral-layer nowhere"));
        Assert.IsAssignableFrom<VisionModel>(_host["teacher"]);
    }

    [Fact]
    public async Task An_advice_that_is_followed_makes_what_was_missing()
    {
        await RunAsync("#!spectral-model deit_nano_patch4_32 --weights seeded --as teacher", Images);
        var advice = await Message("#!spectral-layer teacher");
        await RunAsync(advice[advice.IndexOf("#!", StringComparison.Ordinal)..advice.IndexOf(" first,", StringComparison.Ordinal)]);
        Assert.IsType<ModelSpectrum>(_host["teacherSpectrum"]);
        Assert.IsAssignableFrom<VisionModel>(_host["teacher"]);
    }

    public void Dispose()
    {
        foreach (var (name, _) in _host.Variables)
        {
            (_host[name] as IDisposable)?.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task<string> Message(string line) => (await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync(line, _host))).Message;

    private async Task RunAsync(params string[] lines)
    {
        foreach (var line in lines)
        {
            await MagicLine.ExecuteAsync(line, _host);
        }
    }
}
