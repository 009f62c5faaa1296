using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class RecipeTests
{
    [Fact]
    public void A_recipe_survives_JSON_with_all_its_values()
    {
        var recipe = SmallRun.Recipe with
        {
            Note = "größer",
            Loss = new LossWeights { Method = DistillationMethod.Hard, Form = AlignmentForm.Fft, Tau = 3 },
            Optimizer = new AdamWSettings { ClipNorm = 1.5 },
            Data = new RecipeData { Train = "a b", Augmentation = "deit", Mixup = 0.8 },
            Precision = TrainingPrecision.Bf16,
        };
        var json = recipe.ToJson();
        Assert.Equal(json, DistillationRecipe.FromJson(json).ToJson());
        Assert.Contains("\"closed-form\"", SmallRun.Recipe.ToJson(), StringComparison.Ordinal);
        Assert.Contains("\"tf32\"", SmallRun.Recipe.ToJson(), StringComparison.Ordinal);
        Assert.Contains("\"bf16\"", json, StringComparison.Ordinal);
        Assert.Contains("größer", json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nano-deit-alnoe", "did you mean nano-deit-alone?")]
    [InlineData("nowhere/recipe.json", "a built-in one of cifar10-cait-teacher, ")]
    public void A_recipe_that_is_not_there_is_answered_with_those_that_are(string name, string said) =>
        Assert.Contains(said, Assert.Throws<SpectralKDException>(() => DistillationRecipe.Load(name)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_path_that_holds_a_zero_or_nothing_is_refused_in_one_line()
    {
        Assert.All(["", "\0recipe.json"], path =>
        {
            Assert.Throws<SpectralKDException>(() => DistillationRecipe.Load(path));
            Assert.Throws<SpectralKDException>(() => Comparison.Load(path));
        });
        Assert.Throws<SpectralKDException>(() => SpectralKD.Data.ImageSources.Open("\0photos"));
        Assert.Throws<SpectralKDException>(() => SpectralKD.Data.ImageSources.FindParts("\0photos"));
        Assert.Throws<SpectralKDException>(() => SpectralKD.Weights.WeightSource.Parse("\0weights.pth"));
    }

    [Fact]
    public void A_written_recipe_is_complete()
    {
        var json = new DistillationRecipe { Student = "deit_tiny_patch16_224", Teacher = "cait_s24_224" }.ToJson();
        foreach (var key in new[] { "version", "emaDecay", "accumulate", "validationShare", "clipNorm", "checkpointSteps", "wFft", "trackSpectra" })
        {
            Assert.Contains($"\"{key}\":", json, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{ "student": "a", "teacher": "b", "epoch": 3 }""", "unknown key \"epoch\"; did you mean epochs?")]
    [InlineData("""{ "student": "a", "teacher": "b", "loss": { "gamma": 3 } }""", "unknown key \"gamma\"")]
    [InlineData("""{ "teacher": "b" }""", "\"student\" is missing")]
    [InlineData("""{ "student": "a", "teacher": "b", "epochs": "many" }""", "\"epochs\"")]
    [InlineData("""{ "student": "a", "teacher": "b", "loss": { "method": "sof" } }""", "\"loss.method\"")]
    [InlineData("""{ "student": "a" """, "not valid JSON")]
    [InlineData("""{ "student": "a", "teacher": "b", "version": 7 }""", "format version 7")]
    [InlineData("""{ "student": "a" }""", "needs a teacher")]
    [InlineData("""{ "student": "a", "teacher": "b", "emaDecay": 1 }""", "emaDecay must be in [0, 1), but is 1")]
    [InlineData("""{ "student": "a", "teacher": "b", "studentLayers": [1, 2] }""", "pairs")]
    [InlineData("null", "holds null")]
    [InlineData("""{ "student": "a", "teacher": "b", "epochs": 1, "epochs": 2 }""", "the key \"epochs\" twice")]
    [InlineData("""{ "student": "a", "teacher": "b", "loss": { "tau": 1, "tau": 2 } }""", "the key \"tau\" twice")]
    [InlineData("""{ "student": null, "teacher": "b" }""", "\"student\"")]
    [InlineData("""{ "student": "a", "teacher": "b", "optimizer": null }""", "\"optimizer\" in line 1")]
    [InlineData("""{ "student": "a", "teacher": "b", "loss": null }""", "\"loss\"")]
    [InlineData("""{ "student": "a", "teacher": "b", "data": null }""", "\"data\"")]
    [InlineData("""{ "student": "a", "teacher": "b", "data": { "train": null } }""", "\"data.train\"")]
    [InlineData("""{ "student": "a", "teacher": "b", "teacherWeights": null }""", "\"teacherWeights\"")]
    [InlineData("""{ "student": "a\ud800", "teacher": "b" }""", "student")]
    [InlineData("""{ "stu\ud800dent": "a", "teacher": "b" }""", "no recipe")]
    [InlineData("""{ "student": "a", "teacher": "b", "epochs": 1e12 }""", "\"epochs\"")]
    [InlineData("""{ "student": "a", "teacher": "b", "learningRate": 1e999 }""", "learningRate")]
    [InlineData("""{ "student": "a", "teacher": "b", "batch": 2147483647, "accumulate": 2 }""", "too large")]
    [InlineData("""{ "student": "a", "teacher": "b", "classes": 0 }""", "classes must be at least 1")]
    [InlineData("""{ "student": "a", "teacher": "b", "imageSize": -224 }""", "imageSize must be at least 1")]
    [InlineData("""{ "student": "a", "teacher": "b", "studentLayers": [null], "teacherLayers": [0] }""", "studentLayers")]
    [InlineData("""[1]""", "no recipe")]
    public void A_bad_recipe_is_explained_in_one_line(string json, string words)
    {
        var error = Assert.Throws<SpectralKDException>(() => DistillationRecipe.FromJson(json));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain("System.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("nowhere.json", Assert.Throws<SpectralKDException>(() => DistillationRecipe.Load("nowhere.json")).Message, StringComparison.Ordinal);

    [Fact]
    public void Recipes_of_the_library_are_valid_and_named_helpfully()
    {
        Assert.Equal(
            [
                "cifar10-cait-teacher", "cifar10-deit-none", "cifar10-deit-soft", "cifar10-deit-spectralkd",
                "nano-cait-teacher", "nano-deit-alone", "nano-deit-distilled", "nano-pvt-teacher", "paper-deit-tiny",
            ],
            RecipeLibrary.Names);
        Assert.All(RecipeLibrary.Names, name => RecipeLibrary.Get(name).Validate());
        var error = Assert.Throws<SpectralKDException>(() => RecipeLibrary.Get("nano-deit-distiled"));
        Assert.Contains("did you mean nano-deit-distilled?", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nano-deit-alone", "nano-deit-distilled")]
    [InlineData("cifar10-deit-none", "cifar10-deit-soft")]
    [InlineData("cifar10-deit-soft", "cifar10-deit-spectralkd")]
    public void Compared_students_differ_in_what_teaches_them_alone(string one, string other)
    {
        var differences = RecipeFile.Differences(RecipeLibrary.Get(one), RecipeLibrary.Get(other));
        Assert.All(differences, difference => Assert.Matches("^(note|teacher|teacherWeights|loss.method|align|studentLayers|teacherLayers) ", difference));
    }

    [Fact]
    public async Task A_recipe_alone_trains_and_goes_on()
    {
        using var folder = new TemporaryFolder();
        var recipe = new DistillationRecipe
        {
            Teacher = "cait_nano_patch4_32",
            TeacherWeights = "seeded:3",
            Student = "deit_nano_patch4_32",
            Data = new RecipeData { Train = "textures", Count = 12, ValidationCount = 4, Augmentation = "crop-flip", Mixup = 0.8, Classes = 4, Workers = 2 },
            Epochs = 2,
            Batch = 4,
            DropPathRate = 0.1,
            Device = "cpu",
        };
        using var stop = new CancellationTokenSource();
        var partial = await Distiller.RunAsync(recipe, folder.File("run"), progress: new StopAt(4, stop), stop: stop.Token);
        Assert.Equal(4, partial.Steps);
        var run = await Distiller.ResumeAsync(folder.File("run"));
        Assert.True(run.Finished);
        Assert.Equal(6, run.Steps);
    }

    private sealed class StopAt(int step, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.TotalSteps >= step)
            {
                stop.Cancel();
            }
        }
    }
}
