using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

[Collection(TorchGenerator.Name)]
public sealed class TeacherCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DistillationMethod.Soft, new[] { 0, 3 })]
    [InlineData(DistillationMethod.Hard, new[] { 3, 3 })]
    [InlineData(DistillationMethod.Fft, new[] { 3, 0 })]
    [InlineData(DistillationMethod.Soft, null)]
    public async Task The_teacher_runs_once_for_each_image_and_the_weights_are_those_without_a_cache_to_the_bit(DistillationMethod method, int[]? layers)
    {
        var recipe = SmallRun.Recipe with { Loss = new LossWeights { Method = method }, Align = layers is not null, TeacherLayers = layers ?? [0, 3] };
        var (expected, _) = await Train(recipe);
        var (first, run) = await Train(Cached(recipe));
        var (second, again) = await Train(Cached(recipe) with { LearningRate = 1e-3 });

        AssertSame(expected, first);
        AssertSame(expected, second);
        Assert.Equal((40, 20), (run.TeacherCache!.Read, run.TeacherCache.Computed));
        Assert.Equal((60, 0), (again.TeacherCache!.Read, again.TeacherCache.Computed));
        Assert.Empty(OfCache(again));
    }

    [Fact]
    public async Task A_bfloat16_teachers_answers_are_kept_exactly_too()
    {
        var recipe = SmallRun.Recipe with { TeacherBFloat16 = true };
        var (expected, _) = await Train(recipe);
        var (actual, run) = await Train(Cached(recipe));
        AssertSame(expected, actual);
        Assert.Equal(40, run.TeacherCache!.Read);
    }

    [Fact]
    public async Task Another_teacher_number_type_or_choice_of_layers_finds_nothing()
    {
        await Train(Cached(SmallRun.Recipe) with { Epochs = 1 });
        Assert.Equal(0, (await Train(Cached(SmallRun.Recipe) with { Epochs = 1, TeacherLayers = [1, 3] })).Run.TeacherCache!.Read);
        Assert.Equal(0, (await Train(Cached(SmallRun.Recipe) with { Epochs = 1, TeacherBFloat16 = true })).Run.TeacherCache!.Read);
        using var student = SmallRun.Student();
        using var other = SmallRun.Teacher(seed: 3);
        var run = await Distiller.RunAsync(student, other, new FormulaData(), Cached(SmallRun.Recipe) with { Epochs = 1 });
        Assert.Equal(0, run.TeacherCache!.Read);
        Assert.Equal(20, (await Train(Cached(SmallRun.Recipe) with { Epochs = 1, Seed = 9 })).Run.TeacherCache!.Read);
    }

    [Theory]
    [InlineData("crop-flip")]
    [InlineData("deit")]
    public async Task With_views_each_draw_comes_again_in_another_order_and_from_there_on_the_teacher_rests(string augmentation)
    {
        var source = Textures.Create(18, SmallRun.Side, 4);
        var data = new ImageTrainingData(
            new DataSplit(source, new SubsetImageSource(source, [])), Preprocessing.ImageNet, SmallRun.Side, new RecipeData { Augmentation = augmentation, Views = 2 }, seed: 3);
        var recipe = SmallRun.Recipe with { Seed = 3, Epochs = 5, Data = new RecipeData { Augmentation = augmentation, Views = 2 } };
        var (expected, _) = await Train(recipe, data);
        var (actual, run) = await Train(Cached(recipe), data);

        AssertSame(expected, actual);
        Assert.Equal((48, 32), (run.TeacherCache!.Read, run.TeacherCache.Computed));
        var (first, later, other) = (Pictures(data, 1), Pictures(data, 3), Pictures(data, 2));
        Assert.Equal(first.Order(), later.Order());
        Assert.NotEqual(first, later);
        Assert.NotEqual(first.Order(), other.Order());
        Assert.Equal(2, run.Recipe!.Data.Views);
    }

    [Theory]
    [InlineData(null, "crop-flip", "draws anew in each epoch")]
    [InlineData(3, "crop-flip", "3 views in 3 epochs")]
    [InlineData(2, "crop-flip", null)]
    [InlineData(null, "none", null)]
    public async Task A_cache_that_cannot_serve_the_run_says_so(int? views, string augmentation, string? said)
    {
        var source = Textures.Create(8, SmallRun.Side, 4);
        var settings = new RecipeData { Augmentation = augmentation, Views = views };
        var data = new ImageTrainingData(new DataSplit(source, new SubsetImageSource(source, [])), Preprocessing.ImageNet, SmallRun.Side, settings, seed: 5);
        var (_, run) = await Train(Cached(SmallRun.Recipe) with { Data = settings }, data);
        Assert.Equal(said is null ? 0 : 1, OfCache(run).Count());
        Assert.All(OfCache(run), warning => Assert.Contains(said!, warning, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Its_size_is_said_before_the_first_step()
    {
        var notes = new List<string>();
        await Train(Cached(SmallRun.Recipe), progress: new Notes(notes));
        var record = 24 + (4 * (4 + (2 * 32 * 16))); // key and checksum, 4 logits, 2 maps of 32 x 4 x 4
        Assert.StartsWith(FormattableString.Invariant($"the teacher's answers take {20 * 3 * record / 1e3:0.##} kB of "), Assert.Single(notes), StringComparison.Ordinal);
        var (_, run) = await Train(Cached(SmallRun.Recipe), progress: new Notes(notes));
        Assert.Contains("20 are there already", notes[1], StringComparison.Ordinal);
        Assert.Equal(64 + (20 * record), new FileInfo(Assert.Single(Files())).Length);
        Assert.StartsWith("of 60 images shown to the teacher 60 were read", run.TeacherCache!.Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_record_is_computed_anew_and_said_and_a_cut_one_is_passed_over()
    {
        var (expected, _) = await Train(Cached(SmallRun.Recipe));
        var path = Assert.Single(Files());
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[64 + 4000] ^= 1;
        await File.WriteAllBytesAsync(path, bytes[..^10]);

        var (actual, run) = await Train(Cached(SmallRun.Recipe));
        AssertSame(expected, actual);
        Assert.Equal(1, run.TeacherCache!.Damaged);
        Assert.Contains(run.Warnings, warning => warning.Contains("damaged (its checksum does not fit) and was computed anew", StringComparison.Ordinal));
        foreach (var name in new[] { "records-0.bin", "records-9.bin" }) // whichever of the two files is looked at first
        {
            File.Move(path, Path.Combine(Path.GetDirectoryName(path)!, name));
            path = Path.Combine(Path.GetDirectoryName(path)!, name);
            var (_, healed) = await Train(Cached(SmallRun.Recipe));
            Assert.Equal(60, healed.TeacherCache!.Read);
            Assert.Equal(0, healed.TeacherCache!.Damaged);
        }
    }

    [Fact]
    public async Task A_file_with_a_damaged_head_is_named_and_not_read()
    {
        await Train(Cached(SmallRun.Recipe));
        var path = Assert.Single(Files());
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[40] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        var (_, run) = await Train(Cached(SmallRun.Recipe));
        Assert.Contains(Path.GetFileName(path), Assert.Single(OfCache(run)), StringComparison.Ordinal);
        Assert.Equal(20, run.TeacherCache!.Computed);
    }

    [Fact]
    public void A_full_disk_ends_the_keeping_not_the_reading()
    {
        var written = 0;
        using var records = new TeacherRecords(_folder.Root, new byte[32], 100)
        {
            WriteAt = (file, bytes, at) =>
            {
                RandomAccess.Write(file, ++written > 3 ? bytes.AsSpan(0, 50) : bytes, at);
                if (written > 3)
                {
                    throw new IOException("No space left on device");
                }
            },
        };
        for (byte key = 1; key <= 5; key++)
        {
            records.Content.Fill(key);
            records.Add(key);
        }

        Assert.Equal(("No space left on device", 2, 4), (records.Failure, records.Count, written));
        Assert.True(records.TryRead(2));
        Assert.Equal(2, records.Content[99]);
        using var other = new TeacherRecords(_folder.Root, new byte[32], 100);
        Assert.Equal((2, 0), (other.Count, other.PassedOver.Count));
    }

    [Fact]
    public void Several_processes_write_beside_each_other_and_later_ones_read_them_all()
    {
        using var one = new TeacherRecords(_folder.Root, new byte[32], 8);
        using var two = new TeacherRecords(_folder.Root, new byte[32], 8);
        for (byte key = 1; key <= 10; key++)
        {
            var records = key % 2 == 0 ? one : two;
            records.Content.Fill(key);
            records.Add(key);
        }

        using var later = new TeacherRecords(_folder.Root, new byte[32], 8);
        Assert.Equal((5, 5, 10), (one.Count, two.Count, later.Count));
        Assert.All(Enumerable.Range(1, 10), key => Assert.True(later.TryRead((UInt128)key) && later.Content[0] == key));
    }

    [Fact]
    public async Task With_loss_a_run_is_the_same_whatever_was_found()
    {
        var recipe = Cached(SmallRun.Recipe) with { CacheTop = 2, CacheHalf = true };
        var (first, run) = await Train(recipe);
        var (second, again) = await Train(recipe);
        AssertSame(first, second);
        Assert.Equal((20, 0), (run.TeacherCache!.Computed, again.TeacherCache!.Computed));
        Assert.Empty(OfCache(again));
        Assert.Equal(64 + (20 * (24 + (8 * 2) + 4 + (2 * 2 * 32 * 16))), new FileInfo(Assert.Single(Files())).Length);
        var (exact, _) = await Train(SmallRun.Recipe);
        Assert.NotEqual(exact["head.weight"], first["head.weight"]);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(3.0)]
    public void The_largest_logits_are_kept_exactly_and_the_rests_mass_at_the_losses_temperature(double tau)
    {
        using var teacher = SmallRun.Teacher();
        var content = TeacherContent.Of(SmallRun.Recipe with { CacheTop = 2, Loss = new LossWeights { Tau = tau } }, teacher, []);
        using var logits = tensor(new float[] { 1, 4, -2, 3 }, [1, 4]);
        var bytes = new byte[content.Bytes];
        content.Encode(new TeacherAnswer(logits, []), 0, bytes);
        var back = content.Empty(1);
        content.Decode(bytes, back, 0);
        var values = back.Logits!.data<float>().ToArray();
        Assert.Equal([4f, 3f], [values[1], values[3]]);
        Assert.Equal(values[0], values[2]);
        Assert.Equal(Math.Exp(1 / tau) + Math.Exp(-2 / tau), 2 * Math.Exp(values[0] / tau), 1e-5);
        back.Logits.Dispose();
    }

    [Theory]
    [InlineData("mixup", "does not go with mixup and cutMix")]
    [InlineData("none", "has no teacher")]
    [InlineData("top", "say what cacheTeacher keeps")]
    [InlineData("views", "data.views must be at least 1")]
    public void What_a_cache_cannot_do_is_refused(string what, string message)
    {
        var recipe = what switch
        {
            "mixup" => Cached(SmallRun.Recipe) with { Data = new RecipeData { Mixup = 0.8 } },
            "none" => Cached(SmallRun.Recipe) with { Loss = new LossWeights { Method = DistillationMethod.None } },
            "top" => SmallRun.Recipe with { CacheTop = 5 },
            _ => SmallRun.Recipe with { Data = new RecipeData { Views = 0 } },
        };
        Assert.Contains(message, Assert.Throws<SpectralKDException>(recipe.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_of_ones_own_and_views_do_not_go_together()
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => Train(SmallRun.Recipe with { Data = new RecipeData { Views = 2 } }));
        Assert.Contains("varies its images itself", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_goes_on_with_a_cache_that_it_was_begun_without_and_with_another_place_of_it()
    {
        using var stop = new CancellationTokenSource();
        var path = _folder.File("run");
        var (expected, _) = await Train(SmallRun.Recipe);
        using var student = SmallRun.Student();
        await SmallRun.RunAsync(student, folder: path, stop: stop.Token, progress: new StopAfter(7, stop));
        var run = await SmallRun.RunAsync(student, Cached(SmallRun.Recipe), path, resume: true);
        Assert.True(run.Finished);
        AssertSame(expected, SmallRun.Values(student));
    }

    private DistillationRecipe Cached(DistillationRecipe recipe) => recipe with { CacheTeacher = _folder.File("cache") };

    private static IEnumerable<string> OfCache(DistillationRun run) => run.Warnings.Where(warning => warning.Contains("cache", StringComparison.Ordinal));

    private string[] Files() => Directory.GetFiles(_folder.File("cache"), "*.bin", SearchOption.AllDirectories);

    private static async Task<(Dictionary<string, float[]> Weights, DistillationRun Run)> Train(
        DistillationRecipe recipe, ITrainingData? data = null, IProgress<TrainingProgress>? progress = null)
    {
        using var student = SmallRun.Student();
        var run = await SmallRun.RunAsync(student, recipe, data: data, progress: progress);
        return (SmallRun.Values(student), run);
    }

    private static List<ulong> Pictures(ImageTrainingData data, int epoch)
    {
        var hashes = new List<ulong>();
        foreach (var batch in data.Train(epoch, 4, 0))
        {
            using (batch)
            {
                hashes.AddRange(batch.Images.data<float>().ToArray().Chunk(3 * SmallRun.Side * SmallRun.Side)
                    .Select(image => System.IO.Hashing.XxHash3.HashToUInt64(System.Runtime.InteropServices.MemoryMarshal.AsBytes(image.AsSpan()))));
            }
        }

        return hashes;
    }

    private static void AssertSame(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual) =>
        Assert.All(expected, entry => Assert.Equal(entry.Value, actual[entry.Key]));

    private sealed class Notes(List<string> notes) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Note is { } note)
            {
                notes.Add(note);
            }
        }
    }

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
