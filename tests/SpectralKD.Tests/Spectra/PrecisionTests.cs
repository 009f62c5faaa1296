using SpectralKD.Tests.Distillation;

namespace SpectralKD.Tests.Spectra;

public sealed class PrecisionTests : IDisposable
{
    private readonly VisionModel _model = ModelCatalog.Create("deit_nano_patch4_32");
    private readonly IImageSource _images = Textures.Create(6, 32);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void An_analysis_in_bfloat16_is_the_rounded_models_and_leaves_the_model_as_it_was()
    {
        var before = SmallRun.Values(_model);
        var brief = Run(ModelPrecision.Bf16);
        using var rounded = ModelInPrecision.Rounded(_model, ScalarType.BFloat16);
        Assert.Equal(SpectralAnalysis.Run(rounded, _images).Intensities, brief.Intensities);
        Assert.All(SmallRun.Values(_model), entry => Assert.Equal(before[entry.Key], entry.Value));

        var exact = Run(null);
        Assert.NotEqual(exact.Intensities, brief.Intensities);
        Assert.All(exact.Intensities.Zip(brief.Intensities), pair => Assert.Equal(pair.First, pair.Second, 0.05 * pair.First));
        Assert.Equal(exact.Intensities, Run(ModelPrecision.Float32).Intensities);
    }

    [Theory]
    [InlineData(null, "Float32")]
    [InlineData(ModelPrecision.Float32, "Float32")]
    [InlineData(ModelPrecision.Bf16, "BFloat16")]
    public void The_result_says_in_which_numbers_it_was_made(ModelPrecision? precision, string expected) =>
        Assert.Equal(expected, ModelSpectrum.FromJson(Run(precision).ToJson()).Parts.Single().NumberType);

    [Fact]
    public void Parts_of_different_numbers_do_not_merge()
    {
        var error = Assert.Throws<SpectralKDException>(() => Run(null, new DataShard(1, 2)).Merge(Run(ModelPrecision.Bf16, new DataShard(2, 2))));
        Assert.Contains("were made in different number types: Float32 and BFloat16", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(6, Run(ModelPrecision.Float32, new DataShard(1, 2)).Merge(Run(null, new DataShard(2, 2))).Images);
    }

    [Fact]
    public async Task TensorFloat_on_the_cpu_is_refused_in_one_line_for_analyses_and_teachers()
    {
        var error = Assert.Throws<SpectralKDException>(() => Run(ModelPrecision.Tf32));
        Assert.StartsWith("tf32 (TensorFloat-32) is a number type of NVIDIA's GPUs, and the model is on cpu", error.Message, StringComparison.Ordinal);
        using var student = SmallRun.Student();
        await Assert.ThrowsAsync<SpectralKDException>(() => SmallRun.RunAsync(student, SmallRun.Recipe with { TeacherPrecision = ModelPrecision.Tf32 }));
    }

    [Fact]
    public void A_processors_bfloat16_is_what_the_system_lists()
    {
        var flags = OperatingSystem.IsLinux() ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal) || line.StartsWith("Features", StringComparison.Ordinal)) : null;
        if (flags is null)
        {
            Assert.Skip("skipped: this system lists no processor flags");
        }

        var words = flags.Split(' ');
        var fast = words.Contains("avx512_bf16") || words.Contains("amx_bf16") || words.Contains("bf16");
        Assert.Equal(fast, FastBFloat16.OfProcessor);
        Assert.Equal(fast, FastBFloat16.Remark(CPU) is null);
    }

    private ModelSpectrum Run(ModelPrecision? precision, DataShard? shard = null) =>
        SpectralAnalysis.Run(_model, _images, new SpectralOptions { Precision = precision, Shard = shard });
}

[Collection(TorchGenerator.Name)]
public sealed class TeacherPrecisionTests
{
    [Fact]
    public async Task A_teacher_that_ran_in_bfloat16_keeps_its_own_weights_to_the_bit()
    {
        using var teacher = SmallRun.Teacher();
        var before = SmallRun.Values(teacher);
        var (one, run) = await Train(teacher, SmallRun.Recipe with { TeacherPrecision = ModelPrecision.Bf16 });
        var (other, _) = await Train(teacher, SmallRun.Recipe with { TeacherBFloat16 = true });
        var (exact, _) = await Train(teacher, SmallRun.Recipe with { TeacherPrecision = ModelPrecision.Float32 });
        Assert.All(before, entry => Assert.Equal(entry.Value, SmallRun.Values(teacher)[entry.Key]));
        Assert.Equal(one["head.weight"], other["head.weight"]);
        Assert.NotEqual(one["head.weight"], exact["head.weight"]);
        Assert.Equal(FastBFloat16.Remark(CPU) is null, !run.Warnings.Any(warning => warning.Contains("no fast bfloat16", StringComparison.Ordinal)));
    }

    [Fact]
    public void Two_words_for_the_teachers_numbers_that_differ_are_refused()
    {
        var error = Assert.Throws<SpectralKDException>(() => (SmallRun.Recipe with { TeacherBFloat16 = true, TeacherPrecision = ModelPrecision.Float32 }).Validate());
        Assert.Contains("teacherBFloat16 is true and teacherPrecision float32", error.Message, StringComparison.Ordinal);
    }

    private static async Task<(Dictionary<string, float[]> Weights, DistillationRun Run)> Train(VisionModel teacher, DistillationRecipe recipe)
    {
        using var student = SmallRun.Student();
        var run = await Distiller.RunAsync(student, teacher, new FormulaData(), recipe with { Epochs = 1 });
        return (SmallRun.Values(student), run);
    }
}
