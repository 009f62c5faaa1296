using TorchSharp;

namespace SpectralKD.Tests.Models;

/// <summary>Weights of one image size in a model of another.</summary>
public sealed class CheckpointFitTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Prefix_tokens_pass_and_a_plane_stays_a_plane_when_positions_are_resized(int prefix)
    {
        using var scope = NewDisposeScope();
        var rows = arange(8, dtype: float32).view(8, 1).expand(8, 8);
        var grid = stack([rows, 3 - (0.5 * rows.t())], -1).reshape(1, 64, 2); // channel 0: row, channel 1: 3 - column / 2
        var embedding = cat([full([1, prefix, 2], 9f), grid], 1);

        var resized = PositionEmbedding.Resize(embedding, prefix, 8, 16, 16);

        Assert.Equal([1, prefix + 256, 2], resized.shape);
        Assert.True(prefix == 0 || resized.narrow(1, 0, prefix).eq(9).all().item<bool>(), "prefix tokens pass unchanged");
        var map = resized.narrow(1, prefix, 256).view(16, 16, 2);
        for (var i = 6; i < 10; i++)
        {
            Assert.Equal(((i + 0.5) / 2) - 0.5, map[i, 7, 0].ToDouble(), 1e-4); // pixel centres keep their places
            Assert.Equal(3 - ((((i + 0.5) / 2) - 0.5) / 2), map[7, i, 1].ToDouble(), 1e-4);
        }
    }

    [Fact]
    public void Shrinking_averages_instead_of_skipping()
    {
        using var scope = NewDisposeScope();
        var checkers = ((arange(8).view(8, 1) + arange(8).view(1, 8)) % 2).to(float32).reshape(1, 64, 1);

        var resized = PositionEmbedding.Resize(checkers, 0, 8, 4, 4);

        Assert.All(resized.data<float>().ToArray(), value => Assert.Equal(0.5, value, 0.05));
    }

    [Fact]
    public void Model_fits_a_checkpoint_of_another_image_size()
    {
        using var scope = NewDisposeScope();
        using var small = ModelCatalog.Create("deit_nano_patch8_64");
        using var large = ModelCatalog.Create("deit_nano_patch8_64", imageSize: 96);
        var stored = small.state_dict()["pos_embed"];

        Assert.Equal(large.state_dict()["pos_embed"].shape, large.FitCheckpointTensor("pos_embed", stored).shape);
        Assert.Same(stored, small.FitCheckpointTensor("pos_embed", stored));
        Assert.Same(stored, large.FitCheckpointTensor("head.weight", stored));
    }

    [Fact]
    public void Embedding_of_another_shape_is_refused()
    {
        using var embedding = zeros(1, 63, 4);

        Assert.Contains("[1, 63, 4]", Assert.Throws<SpectralKDException>(
            () => PositionEmbedding.Resize(embedding, 0, 8, 4, 4)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bias_table_of_a_clamped_window_keeps_its_centre_and_corners()
    {
        using var scope = NewDisposeScope();
        var table = arange(13 * 13 * 2, dtype: float32).view(169, 2); // window 7

        var resized = RelativePositionBias.Resize(table, 9, 9).view(17, 17, 2);

        Assert.Equal(table[84, 1].ToDouble(), resized[8, 8, 1].ToDouble(), 1e-4);
        Assert.Equal(table[0, 0].ToDouble(), resized[0, 0, 0].ToDouble(), 1e-2);
        Assert.Equal(table[168, 0].ToDouble(), resized[16, 16, 0].ToDouble(), 1e-2);
    }

    [Fact]
    public void Swin_fits_bias_tables_to_the_windows_of_another_image_size()
    {
        using var scope = NewDisposeScope();
        const string Key = "layers.2.blocks.0.attn.relative_position_bias_table";
        using var full = ModelCatalog.Create("swin_nano_patch2_window4_32");
        using var half = ModelCatalog.Create("swin_nano_patch2_window4_32", imageSize: 16); // stage 2 is 2x2: window 2

        var fitted = half.FitCheckpointTensor(Key, full.state_dict()[Key]);

        Assert.Equal([9, 8], fitted.shape);
        Assert.Equal(half.state_dict()[Key].shape, fitted.shape);
    }
}
