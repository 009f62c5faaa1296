using SpectralKD.Tests.Distillation;
using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Models;

/// <summary>Models that were not trained to classify: no head, the logits are the pooled features.</summary>
public sealed class HeadlessModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static VisionTransformerSpec Spec => new() { Name = "vit", ImageSize = SmallRun.Side, PatchSize = 4, EmbedDim = 24, Depth = 4, Heads = 3, Classes = 0 };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Its_logits_are_its_features_and_it_is_analysed_like_any_other()
    {
        using var model = ModelCatalog.Create(Spec, seed: 3);
        using var images = zeros(2, 3, SmallRun.Side, SmallRun.Side);
        using var features = model.forward(images);

        Assert.Equal([2, 24], features.shape);
        Assert.DoesNotContain(model.state_dict().Keys, key => key.StartsWith("head", StringComparison.Ordinal));
        Assert.Equal(4, SpectralAnalysis.Run(model, Textures.Create(4, SmallRun.Side)).Blocks.Length);
    }

    public static TheoryData<string> OneOfEachFamily =>
        [.. ModelCatalog.All.Where(entry => entry.Spec.ImageSize.Longer <= 64).GroupBy(entry => entry.Family).Select(family => family.First().Name)];

    [Theory]
    [MemberData(nameof(OneOfEachFamily))]
    public void Each_family_has_models_without_a_head_that_are_counted_analysed_saved_and_loaded(string name)
    {
        using var scope = NewDisposeScope();
        var spec = ModelCatalog.Find(name).Spec;
        using var whole = ModelLoader.Load(name, new ModelLoadOptions { Weights = "seeded:3", Device = CPU });
        ModelLoader.Save(whole, _folder.File("whole.safetensors"));
        using var headless = ModelLoader.Load(name, new ModelLoadOptions { Weights = _folder.File("whole.safetensors"), Classes = 0, Device = CPU });
        ModelLoader.Save(headless, _folder.File("headless.safetensors"));
        using var images = randn(2, 3, spec.ImageSize.Height, spec.ImageSize.Width);

        using var output = headless.ForwardIntermediates(images, null);
        Assert.Equal([2, headless.Blocks[^1].Channels], output.Logits.shape);
        Assert.Equal(headless.parameters().Sum(parameter => parameter.NumberOfElements), (spec with { Classes = 0 }).Count().Parameters);
        using var same = whole.ForwardIntermediates(images, [-1]);
        Assert.True(same.Maps[0].Values.allclose(output.Maps[^1].Values, 0, 0));
        Assert.Equal(headless.Blocks.Count, SpectralAnalysis.Run(headless, Textures.Create(2, spec.ImageSize.Height)).Blocks.Length);

        using var again = ModelLoader.Load(name, new ModelLoadOptions { Weights = _folder.File("headless.safetensors"), Classes = 0, Device = CPU });
        Assert.True(again.forward(images).allclose(output.Logits, 0, 0));
        using var fresh = ModelLoader.Load(name, new ModelLoadOptions { Weights = _folder.File("headless.safetensors"), Classes = 7, Device = CPU });
        Assert.Equal([2, 7], fresh.forward(images).shape);
        Assert.True(fresh.Origin.FreshHead);
    }

    [Fact]
    public void The_head_of_a_file_is_passed_over_where_no_classes_are_asked_for()
    {
        using var whole = ModelLoader.Load("deit_nano_patch8_64");
        ModelLoader.Save(whole, _folder.File("whole.safetensors"));

        using var headless = ModelLoader.Load("deit_nano_patch8_64", new ModelLoadOptions { Weights = _folder.File("whole.safetensors"), Classes = 0 });

        Assert.Equal(0, headless.Spec.Classes);
        Assert.Contains(headless.Origin.Notes, note => note.Contains("2 tensors (head.bias, head.weight) of the file not used", StringComparison.Ordinal));
    }

    [Fact]
    public async Task As_a_student_or_as_a_teacher_of_logits_it_is_refused_in_one_line_and_its_maps_can_be_aligned()
    {
        using var headless = ModelCatalog.Create(Spec, seed: 3);
        using var student = SmallRun.Student();
        var recipe = SmallRun.Recipe with { Teacher = "vit", Epochs = 1 };

        var learns = await Assert.ThrowsAsync<SpectralKDException>(() => SmallRun.RunAsync(headless, recipe));
        Assert.Equal("vit has no head, but the images have 4 classes; create it with 4 classes", learns.Message);
        var teaches = await Assert.ThrowsAsync<SpectralKDException>(() => Distiller.RunAsync(student, headless, new FormulaData(), recipe));
        Assert.Equal("the teacher vit has no head, so it has no logits for the method soft; align its feature maps alone (method fft), or take weights with a head", teaches.Message);
        Assert.DoesNotContain('\n', teaches.Message);

        var run = await Distiller.RunAsync(student, headless, new FormulaData(), recipe with { Loss = recipe.Loss with { Method = DistillationMethod.Fft } });
        Assert.NotNull(run.Epochs.Single().AlignmentLoss);
    }

    [Fact]
    public void It_does_not_classify() => Assert.Contains("has no head", Assert.Throws<SpectralKDException>(() =>
    {
        using var model = ModelCatalog.Create(Spec, seed: 3);
        Evaluation.Of(model, new FormulaData().Validation(4));
    }).Message, StringComparison.Ordinal);
}
