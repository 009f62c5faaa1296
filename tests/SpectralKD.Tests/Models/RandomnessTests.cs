namespace SpectralKD.Tests.Models;

[Collection(TorchGenerator.Name)]
public sealed class RandomnessTests
{
    [Fact]
    public void Creating_a_model_leaves_torchs_generator_alone()
    {
        manual_seed(17);
        using var before = get_rng_state();
        using var model = ModelCatalog.Create("swin_nano_patch2_window4_32");
        using var after = get_rng_state();

        Assert.Equal(before.data<byte>().ToArray(), after.data<byte>().ToArray());
    }

    [Theory]
    [MemberData(nameof(VisionModelTests.Nano), MemberType = typeof(VisionModelTests))]
    public void Drop_path_acts_in_training_only_and_keeps_the_mean(string name)
    {
        using var model = ModelCatalog.Create(name, dropPath: 0.5);
        using var plain = ModelCatalog.Create(name);
        GoldenModel.Load(model); // initial layer scales would hide the branches
        GoldenModel.Load(plain);
        using var images = linspace(-1, 1, 3 * 32 * 32).view(1, 3, 32, 32);
        using var guard = no_grad();
        model.eval();
        plain.train();
        using var expected = plain.forward(images);
        using var evaluated = model.forward(images);
        manual_seed(1);
        model.train();
        using var one = model.forward(images);
        using var two = model.forward(images);

        Assert.True(expected.allclose(evaluated), "in evaluation all branches count in full");
        Assert.False(one.allclose(two), "in training passes differ");
    }
}
