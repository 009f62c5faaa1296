using System.Security.Cryptography;
using CsCheck;

namespace SpectralKD.Tests.Data;

public sealed class TexturesTests
{
    [Fact]
    public void Images_are_the_same_bytes_on_every_platform()
    {
        var source = Textures.Create(count: 20, size: 32, classes: 10, seed: 7);
        var all = Enumerable.Range(0, 20).SelectMany(i => source.Read(i).Pixels).ToArray();
        Assert.Equal("380953b52bef6056ca08de8f501e9ad8e9ac018091eba973ebe23b74f55191eb", Convert.ToHexStringLower(SHA256.HashData(all)));
    }

    [Fact]
    public void An_image_depends_on_seed_index_and_size_only()
    {
        Gen.Select(Gen.Int[0, 99], Gen.Int[8, 40], Gen.Int[0, 1000]).Sample((index, size, seed) =>
        {
            var few = Textures.Create(index + 1, size, 10, seed).Read(index).Pixels;
            var many = Textures.Create(1000, size, 10, seed).Read(index).Pixels;
            var other = Textures.Create(1000, size, 10, seed + 1).Read(index).Pixels;
            return few.AsSpan().SequenceEqual(many) && !few.AsSpan().SequenceEqual(other);
        }, iter: 60);
    }

    [Fact]
    public void Classes_are_balanced_and_named()
    {
        var source = Textures.Create(count: 25, size: 16, classes: 4, seed: 1);
        Assert.Equal(["wide bands", "fine bands", "wide bars", "fine bars"], source.Classes);
        Assert.Equal([7, 6, 6, 6], Enumerable.Range(0, 25).GroupBy(source.Label).OrderBy(g => g.Key).Select(g => g.Count()));
        Assert.Equal("fine bands 5", source.ItemName(5));
    }

    [Fact]
    public void No_class_is_known_by_its_mean_colour()
    {
        var source = Textures.Create(count: 600, size: 16);
        var means = Enumerable.Range(0, 600).Select(i => (source.Label(i), Mean: Means(source.Read(i)))).ToArray();
        var train = means.Take(400).ToArray();
        var hits = means.Skip(400).Count(image => train.MinBy(other => Distance(other.Mean, image.Mean)).Item1 == image.Item1);
        Assert.InRange(hits / 200.0, 0.0, 0.25); // chance is 0.1
    }

    [Theory]
    [InlineData(0, 64, 10, "at least 1")]
    [InlineData(5, 7, 10, "between 8 and 4096")]
    [InlineData(5, 64, 11, "has 10 classes")]
    [InlineData(5, 64, 1, "needs at least 2")]
    public void Numbers_out_of_range_are_refused(int count, int size, int classes, string words) =>
        Assert.Contains(words, Assert.Throws<SpectralKDException>(() => Textures.Create(count, size, classes)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_sine_of_turns_is_a_sine()
    {
        Gen.Double[-50, 50].Sample(turns => Math.Abs(TurnSine.Sin(turns) - Math.Sin(2 * Math.PI * turns)) < 1e-8);
        Gen.Double[-50, 50].Sample(turns => Math.Abs(TurnSine.Cos(turns) - Math.Cos(2 * Math.PI * turns)) < 1e-8);
    }

    private static double[] Means(RgbImage image) =>
        [.. Enumerable.Range(0, 3).Select(c => image.Pixels.Where((_, i) => i % 3 == c).Average(v => (double)v))];

    private static double Distance(double[] a, double[] b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();
}
