using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

/// <summary>A teacher may see each crop in a size of its own, and its maps may be brought to the student's grid.</summary>
[Collection(TorchGenerator.Name)]
public sealed class TeacherSizeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static DistillationRecipe Recipe { get; } = new()
    {
        Student = "deit_nano_patch8_64",
        Teacher = "deit_nano_patch4_32",
        TeacherWeights = "seeded:2",
        TeacherImageSize = 32,
        StudentLayers = [0, 11],
        TeacherLayers = [0, 11],
        Epochs = 1,
        Batch = 4,
        Device = "cpu",
        ProbeImages = 4,
        Data = new RecipeData { Count = 12, ValidationCount = 4, Augmentation = "deit", Workers = 2 },
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Both_sizes_show_the_same_crop_each_resized_from_the_image_s_own_pixels()
    {
        var textures = Textures.Create(8, 96);
        var options = new TrainBatchOptions { BatchSize = 8, Augmentation = Augmentation.None, Workers = 2 };
        using var batch = TrainBatches.Read(textures, Preprocessing.ImageNet, 64, 0, options, secondSize: 28).Single();
        Assert.Equal([8, 3, 28, 28], batch.Second!.shape);
        using var alone = TrainBatches.Read(textures, Preprocessing.ImageNet, 28, 0, options).Single();
        Assert.True(batch.Second.allclose(alone.Images, 0, 0));
    }

    [Theory]
    [InlineData("crop-flip", 64, 28)]
    [InlineData("deit", 64, 40)]
    [InlineData("crop-flip", 32, 56)]
    public void Augmented_views_agree_where_the_larger_is_averaged_down(string augmentation, int size, int other)
    {
        var textures = new Smooth();
        var options = new TrainBatchOptions { BatchSize = 16, Augmentation = Augmentation.Parse(augmentation) with { ErasingProbability = 0 }, Workers = 2, Seed = 3 };
        using var batch = TrainBatches.Read(textures, Preprocessing.ImageNet, size, 2, options, secondSize: other).Single();
        using var scope = NewDisposeScope();
        var (one, two) = (nn.functional.adaptive_avg_pool2d(batch.Images, 8), nn.functional.adaptive_avg_pool2d(batch.Second!, 8));
        var apart = (one - two).abs().mean([1, 2, 3]);
        var strangers = (one - two.roll(1, 0)).abs().mean([1, 2, 3]);
        Assert.True(apart.max().item<float>() < 0.25f, $"{apart.max().item<float>()}");
        Assert.True(strangers.mean().item<float>() > 4 * apart.mean().item<float>());
    }

    [Fact]
    public void The_same_part_is_erased_in_both_sizes()
    {
        var options = new TrainBatchOptions { BatchSize = 16, Augmentation = Augmentation.None with { ErasingProbability = 1 }, Workers = 1, Seed = 3 };
        using var plain = TrainBatches.Read(new Smooth(), Preprocessing.ImageNet, 64, 0, options with { Augmentation = Augmentation.None }, secondSize: 32).Single();
        using var erased = TrainBatches.Read(new Smooth(), Preprocessing.ImageNet, 64, 0, options, secondSize: 32).Single();
        using var scope = NewDisposeScope();
        var one = nn.functional.adaptive_avg_pool2d((plain.Images - erased.Images).abs().gt(0).to(float32), 32);
        var two = (plain.Second! - erased.Second!).abs().gt(0).to(float32);
        Assert.True((one - two).abs().mean().item<float>() < 0.05f);
        Assert.True(two.mean().item<float>() > 0.02f);
    }

    [Fact]
    public async Task A_teacher_of_another_patch_size_teaches_on_the_same_grid()
    {
        using var job = await DistillationJob.PrepareAsync(Recipe);
        Assert.Equal(32, job.Teacher!.Spec.ImageSize.Height);
        var run = await job.RunAsync(_folder.File("run"));
        Assert.True(run.Finished);
        Assert.NotNull(run.Epochs[0].AlignmentLoss);
        var again = DistillationRecipe.Load(_folder.File("run/recipe.json"));
        Assert.Equal((ImageSize)32, again.TeacherImageSize);
        Assert.Null(again.Unrepeatable);
    }

    [Fact]
    public async Task Mixed_images_go_to_the_teacher_mixed_in_the_same_way()
    {
        var run = await Distiller.RunAsync(Recipe with { Data = Recipe.Data with { Mixup = 0.8, CutMix = 1 } }, _folder.File("run"));
        Assert.True(run.Finished);
    }

    [Fact]
    public async Task The_teacher_s_cache_keeps_what_the_teacher_saw()
    {
        var recipe = Recipe with { CacheTeacher = _folder.File("cache"), Epochs = 2, Data = Recipe.Data with { Views = 1 } };
        var cached = await Distiller.RunAsync(recipe, _folder.File("cached"));
        var plain = await Distiller.RunAsync(recipe with { CacheTeacher = null }, _folder.File("plain"));
        Assert.Equal(plain.Epochs[1].Loss, cached.Epochs[1].Loss);
    }

    [Fact]
    public async Task Unequal_grids_are_an_error_that_names_both_ways_out()
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => Distiller.RunAsync(Recipe with { TeacherImageSize = 48 }, _folder.File("run")));
        Assert.Contains("height and width must agree", error.Message, StringComparison.Ordinal);
        Assert.Contains("give it an image size of its own, or resize its maps (resizeMaps)", error.Message, StringComparison.Ordinal);
        using var student = ModelCatalog.Create("deit_nano_patch8_64");
        using var teacher = ModelCatalog.Create("deit_nano_patch4_32");
        var data = new ImageTrainingData(DataSplit.Open("textures", null, 12, 4, 64, null, 0.1, 0, true, null), Preprocessing.ImageNet, 64);
        error = await Assert.ThrowsAsync<SpectralKDException>(() => Distiller.RunAsync(student, teacher, data, Recipe));
        Assert.Contains("teacherImageSize 32", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_teacher_of_another_mean_and_deviation_is_shown_the_same_crops_by_its_own_numbers_and_that_is_said()
    {
        var half = new Preprocessing { Mean = [0.5f, 0.4f, 0.3f], Std = [0.5f, 0.6f, 0.7f] };
        using var student = ModelCatalog.Create("deit_nano_patch4_32");
        using var teacher = ModelCatalog.Create(ModelCatalog.Find("cait_nano_patch4_32").Spec with { Preprocessing = half }, seed: 2);
        var split = DataSplit.Open("textures", null, 12, 4, 64, null, 0.1, 0, true, null);
        var data = new ImageTrainingData(split, Preprocessing.ImageNet, 32, Recipe.Data);
        var asTeacher = new ImageTrainingData(split, half, 32, Recipe.Data with { Augmentation = "none" });
        using var scope = NewDisposeScope();

        var shown = new ImageTrainingData(split, Preprocessing.ImageNet, 32, Recipe.Data with { Augmentation = "none" }).For(teacher);
        using var batch = shown.Train(0, 4, 0).First();
        using var wanted = asTeacher.Train(0, 4, 0).First();
        Assert.True(batch.TeacherImages!.allclose(wanted.Images, 1e-5, 1e-5));
        Assert.False(batch.Images.allclose(wanted.Images, 1e-2, 1e-2));
        using var probe = shown.Probe(4).Single();
        Assert.True(probe.TeacherImages!.allclose(asTeacher.Probe(4).Single().Images, 1e-5, 1e-5));
        Assert.Same(data, data.For(student));

        var run = await Distiller.RunAsync(student, teacher, data, Recipe with { TeacherImageSize = null });
        Assert.Contains(
            "the student deit_nano_patch4_32 takes images by mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225, the teacher cait_nano_patch4_32 by mean 0.5 0.4 0.3, deviation 0.5 0.6 0.7: "
            + "each is shown the same crops by its own numbers", run.Warnings);
        Assert.True(run.Finished);
    }

    [Fact]
    public void Images_of_two_sizes_go_to_a_teacher_of_other_numbers_in_its_own_size()
    {
        var half = new Preprocessing { Mean = [0.5f, 0.5f, 0.5f], Std = [0.5f, 0.5f, 0.5f] };
        using var teacher = ModelCatalog.Create(ModelCatalog.Find("deit_nano_patch4_32").Spec with { Preprocessing = half }, seed: 2);
        var split = DataSplit.Open("textures", null, 12, 4, 64, null, 0.1, 0, true, null);
        var settings = Recipe.Data with { Augmentation = "none" };
        using var batch = new ImageTrainingData(split, Preprocessing.ImageNet, 64, settings, teacherImageSize: 32).For(teacher).Train(0, 4, 0).First();
        using var wanted = new ImageTrainingData(split, half, 32, settings).Train(0, 4, 0).First();
        Assert.True(batch.TeacherImages!.allclose(wanted.Images, 1e-5, 1e-5));
        using var probe = new ImageTrainingData(split, Preprocessing.ImageNet, 64, settings, teacherImageSize: 32).For(teacher).Probe(4).Single();
        Assert.Equal([probe.Images.shape[0], 3, 32, 32], probe.TeacherImages!.shape);
    }

    [Fact]
    public async Task Windows_of_student_and_teacher_are_in_the_recipe_and_a_resumed_run_keeps_them()
    {
        var recipe = new DistillationRecipe
        {
            Student = "swin_nano_patch2_window4_32",
            Window = 2,
            Teacher = "swinv2_nano_patch2_window4_32",
            TeacherWeights = "seeded:2",
            TeacherWindow = 8,
            StudentLayers = [2],
            TeacherLayers = [2],
            Epochs = 1,
            Batch = 4,
            Device = "cpu",
            ProbeImages = 4,
            Data = new RecipeData { Count = 8, ValidationCount = 4, Workers = 1 },
        };
        using (var job = await DistillationJob.PrepareAsync(DistillationRecipe.FromJson(recipe.ToJson())))
        {
            Assert.Equal((2, 8), (((SwinSpec)job.Student.Spec).WindowSize, ((SwinV2Spec)job.Teacher!.Spec).WindowSize));
            Assert.True((await job.RunAsync(_folder.File("run"))).Finished);
        }

        var written = DistillationRecipe.Load(_folder.File("run/recipe.json"));
        Assert.Equal((2, 8), (written.Window, written.TeacherWindow));
        using var again = await DistillationJob.PrepareAsync(written with { Epochs = 2 });
        var longer = await again.RunAsync(_folder.File("run"), resume: true);
        Assert.Equal(2, longer.Epochs.Count);
        Assert.Equal(2, ((SwinSpec)again.Student.Spec).WindowSize);

        // Of models that were loaded by hand, the run's recipe tells the windows too.
        using var student = ModelLoader.Load("swin_nano_patch2_window4_32", new ModelLoadOptions { Weights = "seeded:1", WindowSize = 2, Device = CPU });
        using var own = ModelLoader.Load("swin_nano_patch2_window4_32", new ModelLoadOptions { Weights = "seeded:2", Device = CPU });
        var data = new ImageTrainingData(DataSplit.Open("textures", null, 8, 4, 32, null, 0.1, 0, false, null), Preprocessing.ImageNet, 32, recipe.Data);
        await Distiller.RunAsync(student, own, data, recipe, _folder.File("own"));
        written = DistillationRecipe.Load(_folder.File("own/recipe.json"));
        Assert.Equal((2, null), (written.Window, written.TeacherWindow));
        Assert.Null(written.Unrepeatable);

        var error = await Assert.ThrowsAsync<SpectralKDException>(() => DistillationJob.PrepareAsync(recipe with { Student = "deit_nano_patch4_32", StudentLayers = [2] }));
        Assert.Equal("deit_nano_patch4_32 has no attention windows, so it takes no window size", error.Message);
    }

    [Theory]
    [InlineData(MapResize.Auto)]
    [InlineData(MapResize.Area)]
    [InlineData(MapResize.Bicubic)]
    public async Task Maps_of_another_grid_are_resized_where_that_is_asked_for(MapResize resize)
    {
        var run = await Distiller.RunAsync(Recipe with { TeacherImageSize = 48, ResizeMaps = resize }, _folder.File("run"));
        Assert.True(run.Finished);
        Assert.True(run.Epochs[0].AlignmentLoss > 0);
        Assert.Equal(resize, DistillationRecipe.Load(_folder.File("run/recipe.json")).ResizeMaps);
    }

    [Fact]
    public void Areas_are_averaged_on_the_way_down_and_bicubic_points_taken_on_the_way_up()
    {
        using var scope = NewDisposeScope();
        var map = arange(0, 36, float32).reshape(1, 1, 6, 6);
        var small = ResizedMaps.To(new BlockInfo(0, "b", 1, 3, 3), map, MapResize.Auto);
        Assert.Equal(3.5f, small[0, 0, 0, 0].item<float>()); // mean of 0, 1, 6, 7
        var large = ResizedMaps.To(new BlockInfo(0, "b", 1, 12, 12), map, MapResize.Auto);
        Assert.Equal([1, 1, 12, 12], large.shape);
        Assert.Equal(12.515625f, large[0, 0, 4, 5].item<float>(), 1e-5f); // PyTorch's interpolate
        Assert.Same(map, ResizedMaps.To(new BlockInfo(0, "b", 1, 6, 6), map, MapResize.Bicubic));
        Assert.Same(map, ResizedMaps.To(new BlockInfo(0, "b", 1, 3, 3), map, MapResize.None));
    }

    /// <summary>Images of slow waves, so that a resize changes little.</summary>
    private sealed class Smooth : IImageSource
    {
        public string Name => "waves";

        public int Count => 16;

        public IReadOnlyList<string> Classes { get; } = ["one"];

        public int Label(int index) => 0;

        public string ItemName(int index) => $"wave {index}";

        public RgbImage Read(int index)
        {
            var pixels = new byte[96 * 96 * 3];
            for (var i = 0; i < pixels.Length; i++)
            {
                var (x, y, c) = (i / 3 % 96 / 96.0, i / 3 / 96 / 96.0, i % 3);
                pixels[i] = (byte)(128 + (120 * Math.Sin((2 * Math.PI * ((x * (1 + (index % 3))) + (y * (1 + (index / 5))))) + c + index)));
            }

            return new RgbImage(96, 96, pixels);
        }
    }
}
