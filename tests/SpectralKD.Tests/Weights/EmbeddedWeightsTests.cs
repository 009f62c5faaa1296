using SpectralKD.Data;
using SpectralKD.Distillation;
using SpectralKD.Models;
using SpectralKD.Weights;

namespace SpectralKD.Tests.Weights;

public sealed class EmbeddedWeightsTests
{
    public static TheoryData<string> Models => [.. EmbeddedWeights.Names];

    [Theory]
    [MemberData(nameof(Models))]
    public void Every_embedded_model_is_in_the_catalogue_and_loads_as_pretrained(string name)
    {
        using var model = ModelLoader.Load(name);
        Assert.Equal(name, model.Spec.Name);
        Assert.Contains(ModelCatalog.All, entry => entry.Name == name);
    }

    [Fact]
    public void The_nano_student_recognises_textures_that_it_has_not_seen()
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64");
        var unseen = Textures.Create(200, 64, 10, seed: 4711);
        var data = new ImageTrainingData(new DataSplit(unseen, unseen), model.Spec.Preprocessing, model.Spec.ImageSize);
        Assert.InRange(Evaluation.Of(model, data.Validation(50))!.Top1, 55, 80);
    }

    [Fact]
    public void A_name_without_embedded_weights_has_none() => Assert.Null(EmbeddedWeights.PathOf("deit_tiny_patch16_224"));
}
