using System.Security.Cryptography;
using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class RecipeRecordTests
{
    private const int Side = 32;

    private static readonly DistillationRecipe Asked = new()
    {
        Teacher = "somebody",
        Student = "someone",
        Epochs = 1,
        Batch = 4,
        Device = "cpu",
        Seed = 3,
        Data = new RecipeData { Train = "images", Augmentation = "crop-flip", Workers = 1 },
        Loss = new LossWeights { Beta = 0.5, WFft = 0.4 },
    };

    public static TheoryData<string> Ways => ["textures", "held out", "two textures", "folder", "folder held out", "folder with parts", "drawn folders"];

    [Theory]
    [MemberData(nameof(Ways))]
    public void The_recorded_images_open_as_the_same_images(string way)
    {
        using var folder = new TemporaryFolder();
        var split = Split(way, folder);
        using var student = ModelCatalog.Create("deit_nano_patch4_32", classes: 4);
        var data = new ImageTrainingData(split, student.Spec.Preprocessing, Side, Asked.Data, Asked.Seed);
        var recipe = RecipeRecord.Of(Asked with { Loss = new LossWeights { Method = DistillationMethod.None } }, student, null, data);
        Assert.Null(recipe.Unrepeatable);

        var again = ImageTrainingData.Open(DistillationRecipe.FromJson(recipe.ToJson()), student.Spec.Preprocessing, Side).Split;
        foreach (var (one, other) in new[] { (split.Train, again.Train), (split.Validation, again.Validation) })
        {
            Assert.Equal(one.Classes, other.Classes);
            Assert.Equal(Contents(one), Contents(other));
        }

        Assert.Equal("crop-flip", recipe.Data.Augmentation);
    }

    [Fact]
    public async Task A_run_on_models_from_files_is_repeated_by_its_own_recipe()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, seed) in new[] { ("cait_nano_patch4_32", 5), ("deit_nano_patch4_32", 6) })
        {
            using var made = ModelCatalog.Create(name, classes: 4, seed: seed);
            ModelLoader.Save(made, folder.File(name + ".safetensors"));
        }

        using var teacher = ModelLoader.Load("cait_nano_patch4_32", new ModelLoadOptions { Weights = folder.File("cait_nano_patch4_32.safetensors") });
        using var student = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = folder.File("deit_nano_patch4_32.safetensors") });
        var data = new ImageTrainingData(Split("held out", folder), student.Spec.Preprocessing, Side, Asked.Data, Asked.Seed);
        var run = await Distiller.RunAsync(student, teacher, data, Asked, folder.File("run"));

        var recipe = DistillationRecipe.Load(folder.File("run/recipe.json"));
        Assert.Null(recipe.Unrepeatable);
        Assert.Equal(("cait_nano_patch4_32", folder.File("cait_nano_patch4_32.safetensors")), (recipe.Teacher, recipe.TeacherWeights));
        Assert.Equal(("deit_nano_patch4_32", folder.File("deit_nano_patch4_32.safetensors")), (recipe.Student, recipe.StudentWeights));
        Assert.Equal((0.5, 0.4), (recipe.Loss.Beta, recipe.Loss.WFft));

        var again = await Distiller.RunAsync(recipe, folder.File("again"));
        Assert.Equal(run.Epochs.Select(Lasting), again.Epochs.Select(Lasting));
        static EpochMetrics Lasting(EpochMetrics metrics) => metrics with { Seconds = null, ImagesPerSecond = null };
    }

    [Theory]
    [InlineData("seeded:7", "seeded:7")]
    [InlineData("pretrained", "pretrained")]
    public void Weights_are_named_as_they_load_again(string weights, string recorded)
    {
        using var student = ModelLoader.Load("deit_nano_patch8_64", new ModelLoadOptions { Weights = weights });
        Assert.Equal(recorded, RecipeRecord.Of(Asked, student, null, new FormulaData()).StudentWeights);
    }

    [Fact]
    public void Weights_of_the_hub_are_named_with_their_revision()
    {
        using var student = SmallRun.Student();
        student.Origin = new ModelOrigin { Kind = WeightsKind.Hub, Name = "timm/x", Revision = "abc", Source = new WeightSource.Hub("timm/x", "abc").ToString() };
        Assert.Equal("hf-hub:timm/x@abc", RecipeRecord.Of(Asked, student, null, new FormulaData()).StudentWeights);
        Assert.Equal(new WeightSource.Hub("timm/x", "abc"), WeightSource.Parse("hf-hub:timm/x@abc"));
        Assert.Equal("/w/a.pth#ema", new WeightSource.LocalFile("/w/a.pth", Ema: true).ToString());
    }

    [Fact]
    public async Task What_a_recipe_cannot_name_is_said_in_it_and_refused_by_distill_and_export()
    {
        using var folder = new TemporaryFolder();
        using var student = ModelCatalog.Create("deit_nano_patch4_32", classes: 4, imageSize: SmallRun.Side);
        using var teacher = SmallRun.Teacher();
        teacher.Origin = new ModelOrigin { Kind = WeightsKind.Trained, Name = "runs/teacher" };
        await Distiller.RunAsync(student, teacher, new FormulaData(), Asked with { StudentLayers = [0], TeacherLayers = [0] }, folder.File("run"));

        var recipe = DistillationRecipe.Load(folder.File("run/recipe.json"));
        Assert.Equal(3, recipe.Unrepeatable!.Count);
        Assert.Contains("the teacher cait was built with sizes that are not the catalogue's", recipe.Unrepeatable);
        Assert.Contains(recipe.Unrepeatable, reason => reason.StartsWith("the teacher cait was trained here: runs/teacher; save it", StringComparison.Ordinal));
        Assert.Contains("the images come from the session's own FormulaData", recipe.Unrepeatable);
        foreach (var error in new[]
        {
            await Assert.ThrowsAsync<SpectralKDException>(() => Distiller.RunAsync(recipe, folder.File("again"))),
            Assert.Throws<SpectralKDException>(() => RunExport.ToTorchrun(recipe)),
            Assert.Throws<SpectralKDException>(() => RunExport.ToSlurm(recipe)),
        })
        {
            Assert.Contains("cannot be run again", error.Message, StringComparison.Ordinal);
            Assert.Contains("FormulaData", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Weights_that_were_changed_or_a_file_that_was_replaced_since_loading_are_noticed(bool replaced)
    {
        using var folder = new TemporaryFolder();
        using var student = ModelCatalog.Create("deit_nano_patch4_32", classes: 4, imageSize: SmallRun.Side);
        ModelLoader.Save(student, folder.File("student.safetensors"));
        using var loaded = ModelLoader.Load(
            "deit_nano_patch4_32", new ModelLoadOptions { Weights = folder.File("student.safetensors"), ImageSize = SmallRun.Side });
        using (TorchSharp.torch.no_grad())
        {
            (replaced ? student : loaded).named_parameters().First().parameter.fill_(0.5);
        }

        if (replaced)
        {
            ModelLoader.Save(student, folder.File("student.safetensors"));
        }

        var recipe = Asked with { Loss = new LossWeights { Method = DistillationMethod.None } };
        var run = await Distiller.RunAsync(loaded, null, new FormulaData(), recipe, folder.File("run"));
        Assert.Contains(run.Recipe!.Unrepeatable!, reason => reason.StartsWith(
            $"the student deit_nano_patch4_32 is not what {folder.File("student.safetensors")} holds", StringComparison.Ordinal));
        Assert.Equal("made in the session", run.Recipe.StudentWeights);
    }

    [Fact]
    public async Task A_run_goes_on_with_the_recipe_that_it_was_begun_with_though_the_student_in_the_session_has_learnt_since()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, folder: folder.File("run"));
        var written = File.ReadAllText(folder.File("run/recipe.json"));
        student.Origin = new ModelOrigin { Kind = WeightsKind.Trained, Name = folder.File("run") };
        await SmallRun.RunAsync(student, folder: folder.File("run"), resume: true);
        Assert.Equal(written, File.ReadAllText(folder.File("run/recipe.json")));
    }

    [Fact]
    public async Task A_run_of_an_earlier_version_whose_recipe_says_what_the_caller_said_goes_on()
    {
        using var folder = new TemporaryFolder();
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, folder: folder.File("run"));
        SmallRun.Recipe.Save(folder.File("run/recipe.json"));
        Assert.True((await SmallRun.RunAsync(student, folder: folder.File("run"), resume: true)).Finished);
    }

    [Fact]
    public void Training_and_validation_images_of_other_classes_are_refused() => Assert.Contains(
        "differ in their classes",
        Assert.Throws<SpectralKDException>(() => new ImageTrainingData(
            new DataSplit(Textures.Create(8, 16, 4), Textures.Create(8, 16, 3)), Preprocessing.ImageNet, 16)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Export_says_where_the_reference_validates_on_other_images()
    {
        var paper = RecipeLibrary.Get("paper-deit-tiny");
        var other = RunExport.ToTorchrun(paper with { Data = paper.Data with { Train = "/d/train", Validation = "/e/val" } });
        Assert.Contains("the reference validates on /d/val, not on /e/val", other.Notes);
        Assert.True(RunExport.ToTorchrun(paper with { Data = paper.Data with { Train = "/d/train", Validation = "/d/val" } }).Runs);
        Assert.True(RunExport.ToTorchrun(paper with { Data = paper.Data with { Train = "/d/train", Validation = null, HoldOut = true } }).Runs);
        Assert.False(RunExport.ToTorchrun(paper with { Data = paper.Data with { Train = "/d/photos", Validation = null, HoldOut = true } }).Runs);
    }

    private static DataSplit Split(string way, TemporaryFolder folder) => way switch
    {
        "textures" => DataSplit.Open("textures", count: 12, validationCount: 4, size: 16, classes: 4, seed: 2),
        "held out" => DataSplit.BySeed(ImageSources.Open("textures", 20, 16, 4, seed: 3), 0.25, seed: 7),
        "two textures" => new DataSplit(ImageSources.Open("textures", 10, 16, 4, seed: 1), Textures.Create(6, 16, 4, seed: 2)),
        "folder" => DataSplit.Open(Photos(folder, "photos"), count: 10, validationCount: 3, seed: 4),
        "folder held out" => DataSplit.BySeed(ImageSources.Open(Photos(folder, "photos"), 12, classes: 4, seed: 5), 0.25, seed: 5),
        "folder with parts" => DataSplit.Open(Parts(folder), count: 9),
        _ => new DataSplit(ImageSources.Open(Photos(folder, "a"), 8, seed: 1), ImageSources.Open(Photos(folder, "b"), 7, seed: 2)),
    };

    private static string Parts(TemporaryFolder folder)
    {
        Photos(folder, "parts/train");
        Photos(folder, "parts/val");
        return folder.File("parts");
    }

    // Sixteen different images in four classes.
    private static string Photos(TemporaryFolder folder, string name)
    {
        var images = Textures.Create(16, 16, 4, seed: name.Length);
        for (var i = 0; i < images.Count; i++)
        {
            var place = Directory.CreateDirectory(Path.Combine(folder.Root, name, $"class{images.Label(i)}")).FullName;
            File.WriteAllBytes(Path.Combine(place, $"{i}.png"), ContactSheet.Render(new SubsetImageSource(images, [i]), 1));
        }

        return folder.File(name);
    }

    private static List<string> Contents(IImageSource source) =>
        [.. Enumerable.Range(0, source.Count).Select(i => $"{source.Label(i)} {source.ItemName(i)} {Convert.ToHexString(SHA256.HashData(source.Read(i).Pixels))}")];
}
