namespace SpectralKD.Tests.Weights;

public sealed class EmbeddedWeightsTests
{
    public static TheoryData<string> Models => [.. EmbeddedWeights.Names];

    [Fact]
    public void Every_tag_of_the_catalogue_that_names_no_repository_has_embedded_weights()
    {
        var tags = ModelCatalog.All.SelectMany(entry => entry.Published.Where(weights => weights.Repository is null).Select(weights => $"{entry.Name}.{weights.Tag}"));
        Assert.Equal(tags.Order(StringComparer.Ordinal), EmbeddedWeights.Names.Order(StringComparer.Ordinal));
    }

    // The accuracies that the README states are those on the recipes' 1,000 validation images; other textures give them within a few points.
    [Theory]
    [MemberData(nameof(Models))]
    public void Embedded_models_load_as_pretrained_and_recognise_textures_that_they_have_not_seen(string name)
    {
        using var model = ModelLoader.Load(name);
        Assert.Equal(name[..name.IndexOf('.', StringComparison.Ordinal)], model.Spec.Name);
        var unseen = Textures.Create(200, 64, 10, seed: 4711);
        var data = new ImageTrainingData(new DataSplit(unseen, unseen), model.Spec.Preprocessing, model.Spec.ImageSize);
        Assert.InRange(Evaluation.Of(model, data.Validation(50))!.Top1, 55, 100);
    }

    [Fact]
    public void A_name_without_embedded_weights_is_refused() => Assert.Contains("carries no weights", Assert.Throws<SpectralKDException>(() => EmbeddedWeights.PathOf("deit_tiny_patch16_224")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_copy_in_the_cache_that_was_changed_is_not_taken_for_the_packages_weights()
    {
        using var folder = new TemporaryFolder();
        Assert.True(EmbeddedWeights.Holds(folder.Write("same", [1, 2, 3]), [1, 2, 3]));
        Assert.False(EmbeddedWeights.Holds(folder.Write("changed", [1, 2, 4]), [1, 2, 3]));
        Assert.False(EmbeddedWeights.Holds(folder.File("missing"), [1, 2, 3]));
    }
}
