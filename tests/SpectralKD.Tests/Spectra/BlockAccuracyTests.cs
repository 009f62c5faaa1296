namespace SpectralKD.Tests.Spectra;

public class BlockAccuracyTests
{
    [Fact]
    public void Classes_that_lie_apart_are_read_off_and_labels_without_meaning_are_not()
    {
        var random = new CounterRandom(1);
        int[] labels = [.. Enumerable.Range(0, 120).Select(row => row % 3)];
        double[] apart = [.. labels.SelectMany(label => Enumerable.Range(0, 8).Select(channel => (channel == label ? 3 : 0) + random.NextGaussian(0, 0.2)))];
        double[] alike = [.. labels.SelectMany(_ => Enumerable.Range(0, 8).Select(_ => random.NextGaussian(0, 1)))];
        using var scope = NewDisposeScope();

        Assert.Equal(new BlockAccuracy(1, 1), BlockAccuracy.Of(tensor(apart, [120, 8]), labels));
        var chance = BlockAccuracy.Of(tensor(alike, [120, 8]), labels);
        Assert.InRange(chance.Knn!.Value, 0.1, 0.6);
        Assert.InRange(chance.Probe!.Value, 0.1, 0.6);
    }

    [Fact]
    public void Neighbours_vote_by_their_cosine_and_the_probe_is_the_ridge_regressions_solution()
    {
        var random = new CounterRandom(2);
        int[] labels = [.. Enumerable.Range(0, 40).Select(row => row / 2 % 4)]; // pairs: the first of a pair teaches, the second is judged
        double[][] rows = [.. labels.Select(label => Enumerable.Range(0, 3).Select(channel => random.NextGaussian(channel == label ? 1 : 0, 0.7)).ToArray())];
        using var scope = NewDisposeScope();

        var found = BlockAccuracy.Of(tensor(rows.SelectMany(row => row).ToArray(), [40, 3]), labels);

        int[] Teaching() => [.. Enumerable.Range(0, 40).Where(row => row % 2 == 0)];
        static double Length(double[] row) => Math.Sqrt(row.Sum(value => value * value));
        int Voted(int judged) => Teaching().Select(row => (Label: labels[row], Cosine: rows[row].Zip(rows[judged], (a, b) => a * b).Sum() / Length(rows[row]) / Length(rows[judged])))
            .OrderByDescending(vote => vote.Cosine).Take(10).GroupBy(vote => vote.Label).MaxBy(group => group.Sum(vote => Math.Exp(vote.Cosine / 0.07)))!.Key;
        Assert.Equal(Enumerable.Range(0, 40).Where(row => row % 2 == 1).Count(row => Voted(row) == labels[row]) / 20.0, found.Knn);
        Assert.Equal(Enumerable.Range(0, 40).Where(row => row % 2 == 1).Count(row => Fitted(row) == labels[row]) / 20.0, found.Probe);

        // Gradient descent to the same minimum: |y - a - xw|^2 + lambda |w|^2 over the teaching rows, lambda a hundredth of the mean variance (summed) of the columns.
        int Fitted(int judged)
        {
            var mean = Enumerable.Range(0, 3).Select(channel => Teaching().Average(row => rows[row][channel])).ToArray();
            var lambda = 0.01 * Teaching().Sum(row => rows[row].Select((value, channel) => Math.Pow(value - mean[channel], 2)).Sum()) / 3;
            return Enumerable.Range(0, 4).MaxBy(label =>
            {
                var target = Teaching().Average(row => labels[row] == label ? 1.0 : 0);
                var w = new double[3];
                for (var step = 0; step < 3000; step++)
                {
                    var slope = w.Select(value => lambda * value).ToArray();
                    foreach (var row in Teaching())
                    {
                        var off = rows[row].Select((value, channel) => (value - mean[channel]) * w[channel]).Sum() - ((labels[row] == label ? 1.0 : 0) - target);
                        slope = [.. slope.Select((value, channel) => value + (off * (rows[row][channel] - mean[channel])))];
                    }

                    w = [.. w.Zip(slope, (value, down) => value - (0.02 * down))];
                }

                return target + rows[judged].Select((value, channel) => (value - mean[channel]) * w[channel]).Sum();
            });
        }
    }

    [Fact]
    public void The_blocks_of_a_trained_network_tell_the_textures_better_the_deeper_and_one_class_has_no_accuracy()
    {
        using var model = ModelLoader.Load("cait_nano_patch8_64");
        var blocks = BlockPredictors.Of(model, ImageSources.Open("textures", count: 64, size: 64)).Accuracy;

        Assert.Equal(24, blocks.Count);
        Assert.True(blocks[^1].Probe > blocks[0].Probe, $"{blocks[0]} {blocks[^1]}");
        Assert.All(blocks, block => Assert.InRange(block.Knn!.Value, 0, 1));
        using var scope = NewDisposeScope();
        Assert.Equal(new BlockAccuracy(null, null), BlockAccuracy.Of(ones(4, 2, dtype: ScalarType.Float64), [1, 1, 1, 1]));
    }
}
