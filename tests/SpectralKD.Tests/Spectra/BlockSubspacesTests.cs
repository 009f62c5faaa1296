namespace SpectralKD.Tests.Spectra;

public sealed class BlockSubspacesTests
{
    [Fact]
    public void The_directions_of_single_images_are_numpys_and_their_median_is_the_blocks()
    {
        for (var number = 0; number < GoldenFigures.Cases; number++)
        {
            var golden = GoldenFigures.Case(number);
            using var map = golden.Map();
            int[] expected = [.. golden.At("svd_per_image_centred", "d_per_image").EnumerateArray().Select(image => image[2].GetInt32())];

            using var any = eye(map.shape[1], dtype: float64);
            Assert.Equal(expected, BlockSubspaces.Images(map, any).Select(image => image.D95));
            var sorted = expected.Order().ToArray();
            Assert.Equal((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2.0, BlockSubspaces.Of(map).ImageD95);
        }
    }

    [Fact]
    public void Images_in_one_plane_are_not_rotated_and_images_across_each_other_by_what_is_left()
    {
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var wave = tensor([1.0, -1, 1, -1]).view(2, 2);
        Tensor Image(int channel, double size)
        {
            var map = zeros([4, 2, 2], float64);
            map[channel] = wave.Times(size);
            return map;
        }

        var alike = BlockSubspaces.Of(stack([Image(1, 1), Image(1, 3)]));
        Assert.Equal((1, 0), (alike.ImageD95, Math.Round(alike.Rotation, 12)));

        // Three images, one direction each; the strongest is the common one, so the other two lie across it.
        var across = BlockSubspaces.Of(stack([Image(0, 5), Image(1, 1), Image(2, 2)]));
        Assert.Equal((1, 2 / 3.0), (across.ImageD95, across.Rotation), (one, two) => one.Item1 == two.Item1 && Math.Abs(one.Item2 - two.Item2) < 1e-12);
    }

    [Fact]
    public void Predictions_take_each_models_blocks_batch_by_batch_as_all_maps_at_once()
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64");
        var images = Textures.Create(40, 64);
        var blocks = BlockPredictors.Of(model, images).Subspaces;

        Assert.Equal(model.Blocks.Count, blocks.Count);
        using var scope = NewDisposeScope();
        var maps = new List<Tensor>();
        BlockPredictors.Each(model, images, (_, block, map) => maps.AddRange(block == 3 ? [map.MoveToOuterDisposeScope()] : []), _ => { }, CancellationToken.None);
        var whole = BlockSubspaces.Of(cat(maps, 0));
        Assert.Equal(whole.ImageD95, blocks[3].ImageD95);
        Assert.Equal(whole.Rotation, blocks[3].Rotation, 1e-9);
        Assert.InRange(whole.Rotation, 0.01, 0.99);
    }

    [Fact]
    public void The_pass_that_gathers_features_and_directions_gives_the_figures_of_two_passes_to_the_last_digit()
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64");
        var images = Textures.Create(30, 64);
        var found = BlockPredictors.Of(model, images);

        using var scope = NewDisposeScope();
        for (var block = 0; block < model.Blocks.Count; block += 5)
        {
            var maps = new List<Tensor>();
            BlockPredictors.Each(model, images, (_, of, map) => maps.AddRange(of == block ? [map.MoveToOuterDisposeScope()] : []), _ => { }, CancellationToken.None);
            var map = Assert.Single(maps);
            Assert.Equal(BlockSubspaces.Of(map), found.Subspaces[block]);
            Assert.Equal(BlockAccuracy.Of(map.mean([2L, 3L]).to(float64), [.. Enumerable.Range(0, 30).Select(images.Label)]), found.Accuracy[block]);
        }
    }
}
