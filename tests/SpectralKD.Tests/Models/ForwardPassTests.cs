namespace SpectralKD.Tests.Models;

/// <summary>A pass may take other steps where nothing is recorded, but its figures stay.</summary>
public sealed class ForwardPassTests
{
    [Theory]
    [InlineData("deit_nano_patch4_32", 32)]
    [InlineData("cait_nano_patch4_32", 32)]
    [InlineData("swin_nano_patch2_window4_32", 32)]
    [InlineData("swin_nano_patch2_window4_32", 40)] // windows that need padding
    public void A_pass_without_gradients_gives_the_figures_of_one_that_records_them(string name, int size)
    {
        using var scope = NewDisposeScope();
        using var model = ModelCatalog.Create(name, imageSize: size);
        model.eval();
        Enliven(model);
        var images = randn([3, 3, size, size], generator: new Generator(1));

        using var recorded = model.ForwardIntermediates(images, null);
        using var guard = inference_mode();
        using var plain = model.ForwardIntermediates(images, null);

        Near(recorded.Logits, plain.Logits);
        Assert.All(recorded.Maps.Zip(plain.Maps), pair => Near(pair.First.Values, pair.Second.Values));
    }

    [Fact]
    public void A_pass_without_gradients_leaves_its_input_and_the_weights_as_they_were()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        foreach (var name in new[] { "deit_nano_patch4_32", "cait_nano_patch4_32", "swin_nano_patch2_window4_32" })
        {
            using var model = ModelCatalog.Create(name);
            var images = randn([2, 3, 32, 32], generator: new Generator(1));
            var (before, weights) = (images.clone(), model.parameters().Select(parameter => parameter.clone()).ToList());

            using var first = model.ForwardIntermediates(images, null);
            using var second = model.ForwardIntermediates(images, null);

            Assert.True(images.allclose(before, rtol: 0, atol: 0));
            Assert.All(model.parameters().Zip(weights), pair => Assert.True(pair.First.allclose(pair.Second, rtol: 0, atol: 0)));
            Assert.All(first.Maps.Zip(second.Maps), pair => Assert.True(pair.First.Values.allclose(pair.Second.Values, rtol: 0, atol: 0)));
        }
    }

    [Theory]
    [InlineData(new long[] { 8, 196, 192 }, true)]
    [InlineData(new long[] { 14, 96 }, false)]
    [InlineData(new long[] { 2, 7, 7, 24 }, true)]
    public void A_linear_layer_as_a_convolution_is_the_same_product(long[] shape, bool hasBias)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var input = randn(shape, generator: new Generator(1));
        var weight = randn([40, shape[^1]], generator: new Generator(2));
        var bias = hasBias ? randn([40], generator: new Generator(3)) : null;

        var product = LinearProduct.ByConvolution(input, weight, bias);

        Assert.Equal([.. shape[..^1], 40], product.shape);
        Assert.True(product.is_contiguous());
        Near(nn.functional.linear(input, weight, bias), product);
    }

    [Fact]
    public void The_product_of_linear_layers_is_chosen_by_a_variable_or_measured()
    {
        Assert.Null(LinearProduct.Choose(null));
        Assert.Null(LinearProduct.Choose("auto"));
        Assert.False(LinearProduct.Choose("MKL"));
        Assert.True(LinearProduct.Choose("onednn"));
        var error = Assert.Throws<SpectralKDException>(() => LinearProduct.Choose("fast"));
        Assert.Equal("SPECTRALKD_LINEAR is \"fast\"; it takes auto, mkl or onednn: set one of them, or unset it", error.Message);
    }

    [Fact]
    public void The_product_of_linear_layers_is_measured_once_a_machine()
    {
        var folder = Directory.CreateTempSubdirectory("spectralkd-linear-").FullName;
        var path = Path.Combine(folder, "new", "machine");
        Assert.True(LinearProduct.Kept(path, () => true));
        Assert.True(LinearProduct.Kept(path, () => throw new InvalidOperationException("measured again")));
        Assert.False(LinearProduct.Kept(Path.Combine(path, "no folder"), () => false));

        var other = Path.Combine(folder, "other");
        bool WhileAnotherWasFaster()
        {
            File.WriteAllText(other, "mkl");
            return true;
        }

        Assert.False(LinearProduct.Kept(other, WhileAnotherWasFaster));
        Directory.Delete(folder, recursive: true);
    }

    // Initial weights leave biases and tables at zero or nearly so: nothing would be seen of them.
    private static void Enliven(VisionModel model)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        foreach (var parameter in model.parameters())
        {
            parameter.AddInPlace(randn(parameter.shape, generator: generator), 0.1);
        }
    }

    private static void Near(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        var scale = expected.abs().max().item<float>();
        Assert.Equal(0, (expected - actual).abs().max().item<float>() / scale, 1e-5);
    }
}
