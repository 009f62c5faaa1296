namespace SpectralKD.Tests.Distillation;

public sealed class ImageTrainingDataTests
{
    [Fact]
    public void The_probe_of_a_folder_that_lies_class_by_class_holds_all_classes_and_stays_the_same()
    {
        LibTorch.EnsureLoaded();
        var painted = Textures.Create(40, 32, 4, seed: 3);
        var sorted = new SubsetImageSource(painted, [.. Enumerable.Range(0, 40).OrderBy(painted.Label)]);
        var data = new ImageTrainingData(new DataSplit(painted, sorted), Preprocessing.ImageNet, 32);

        using var probe = data.Probe(8).Single();
        using var again = data.Probe(8).Single();
        Assert.Equal([0, 0, 1, 1, 2, 2, 3, 3], probe.Labels.data<long>().ToArray());
        Assert.True(probe.Images.Equals(again.Images));
        using var first = data.Validation(8).First();
        Assert.Single(first.Labels.data<long>().ToArray().Distinct());
    }
}
