using TorchSharp;

namespace SpectralKD.Tests.Models;

/// <summary>What every family promises about its input, its blocks, its memory and its modes.</summary>
public sealed class VisionModelTests
{
    public static TheoryData<string> Nano => [.. NanoModels.All.Where(entry => entry.Spec.ImageSize == 32).Select(entry => entry.Name)];

    [Theory]
    [InlineData(new long[] { 3, 32, 32 }, "add the batch dimension")]
    [InlineData(new long[] { 1, 1, 32, 32 }, "convert the images to RGB")]
    [InlineData(new long[] { 2, 32, 32, 3 }, "channels come first")]
    [InlineData(new long[] { 1, 3, 64, 64 }, "imageSize: 64")]
    [InlineData(new long[] { 1, 3, 32, 31 }, "resize the images to 32x32")]
    [InlineData(new long[] { 0, 3, 32, 32 }, "the batch is empty")]
    [InlineData(new long[] { 32 }, "pass a batch")]
    public void Wrong_shape_is_one_clear_error(long[] shape, string advice)
    {
        foreach (var name in Nano.Select(row => row.Data))
        {
            using var model = ModelCatalog.Create(name);
            using var images = zeros(shape);

            var error = Assert.Throws<SpectralKDException>(() => model.forward(images));

            Assert.Contains($"[{string.Join(", ", shape)}]", error.Message, StringComparison.Ordinal);
            Assert.Contains(advice, error.Message, StringComparison.Ordinal);
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
            Assert.Equal(error.Message, Assert.Throws<SpectralKDException>(() => model.ForwardIntermediates(images, null)).Message);
        }
    }

    [Fact]
    public void Wrong_number_type_is_named()
    {
        using var model = ModelCatalog.Create("deit_nano_patch4_32");
        using var images = zeros([1, 3, 32, 32], float64);

        Assert.Contains("images are Float64", Assert.Throws<SpectralKDException>(() => model.forward(images)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_come_back_ascending_and_once_whatever_was_asked()
    {
        using var model = ModelCatalog.Create("deit_nano_patch4_32");
        using var images = zeros(1, 3, 32, 32);

        using var output = model.ForwardIntermediates(images, [11, 0, 0, -1, -2]);

        Assert.Equal([0, 10, 11], output.Maps.Select(map => map.Block));
    }

    [Theory]
    [InlineData(12, "block 12 does not exist: deit_nano_patch4_32 has 12 blocks, 0 to 11")]
    [InlineData(-13, "block -13 does not exist")]
    public void Missing_block_is_named_with_those_that_exist(int block, string words)
    {
        using var model = ModelCatalog.Create("deit_nano_patch4_32");
        using var images = zeros(1, 3, 32, 32);

        Assert.Contains(words, Assert.Throws<SpectralKDException>(
            () => model.ForwardIntermediates(images, [0, block])).Message, StringComparison.Ordinal);
        Assert.Contains("the list is empty", Assert.Throws<SpectralKDException>(
            () => model.ForwardIntermediates(images, [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Last_blocks_are_counted_from_the_end()
    {
        Assert.Equal([10, 11], BlockSelection.Last(2, 12));
        Assert.Throws<SpectralKDException>(() => BlockSelection.Last(13, 12));
        Assert.Throws<SpectralKDException>(() => BlockSelection.Last(0, 12));
    }

    [Theory]
    [MemberData(nameof(Nano))]
    public void Forward_pass_leaves_no_tensor_behind(string name)
    {
        using var model = ModelCatalog.Create(name);
        using var images = zeros(2, 3, 32, 32);
        model.forward(images).Dispose(); // the constants of windows are made once
        var statistics = DisposeScopeManager.Statistics.TensorStatistics;
        var before = statistics.ThreadTotalLiveCount;

        model.forward(images).Dispose();
        model.ForwardIntermediates(images, null).Dispose();
        using (no_grad())
        {
            model.ForwardIntermediates(images, [-1]).Dispose();
        }

        Assert.Equal(before, statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [MemberData(nameof(Nano))]
    public void Disposing_a_model_frees_all_its_tensors(string name)
    {
        var statistics = DisposeScopeManager.Statistics.TensorStatistics;
        using var images = zeros(1, 3, 32, 32);
        var before = statistics.ThreadTotalLiveCount;

        using (var model = ModelCatalog.Create(name))
        {
            model.forward(images).Dispose();
        }

        Assert.Equal(before, statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [MemberData(nameof(Nano))]
    public void Model_first_run_in_inference_mode_can_still_be_trained(string name)
    {
        using var model = ModelCatalog.Create(name);
        using var images = zeros(1, 3, 32, 32);
        using (inference_mode())
        {
            model.forward(images).Dispose();
        }

        // The constants made above must be fit for a backward pass.
        using var scope = NewDisposeScope();
        model.forward(images).sum().backward();

        Assert.All(model.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    [Theory]
    [MemberData(nameof(Nano))]
    public void Model_outlives_the_scope_that_it_was_built_and_moved_in(string name)
    {
        VisionModel model;
        using (NewDisposeScope())
        {
            model = ModelCatalog.Create(name);
            model.to(float64);
        }

        using (model)
        using (var images = zeros([1, 3, 32, 32], float64))
        using (var logits = model.forward(images))
        {
            Assert.Equal([1, 10], logits.shape);
        }
    }

    [Theory]
    [MemberData(nameof(Nano))]
    public void Model_can_be_moved_to_another_number_type(string name)
    {
        using var model = ModelCatalog.Create(name);
        using var images = linspace(-1, 1, 3 * 32 * 32).view(1, 3, 32, 32);
        model.eval();
        using var guard = no_grad();
        using var single = model.forward(images);

        model.to(float64);
        using var exact = model.forward(images.to(float64));
        model.to(bfloat16);
        using var brief = model.forward(images.to(bfloat16));

        Assert.Equal(ScalarType.Float64, exact.dtype);
        Assert.True((exact - single).abs().max().ToDouble() < 1e-5);
        Assert.Equal(ScalarType.BFloat16, brief.dtype);
        Assert.True((brief.to(float64) - exact).abs().max().ToDouble() < 0.05);
    }

    [Theory]
    [InlineData("deit_nano_patch4_32", "cls_token pos_embed dist_token")]
    [InlineData("cait_nano_patch4_32", "cls_token pos_embed")]
    public void Tokens_and_positions_take_no_weight_decay(string name, string keys)
    {
        using var model = ModelCatalog.Create(name);

        Assert.Equal(keys.Split(' ').Order(), model.NoWeightDecay.Order());
    }

    [Fact]
    public void Bias_tables_of_swin_take_no_weight_decay()
    {
        using var model = ModelCatalog.Create("swin_nano_patch2_window4_32");

        Assert.Equal(6, model.NoWeightDecay.Count);
        Assert.Contains("layers.2.blocks.1.attn.relative_position_bias_table", model.NoWeightDecay);
    }
}
