using CsCheck;
using TorchSharp;

namespace SpectralKD.Tests.Data;

public sealed class MixupTests
{
    public MixupTests() => SpectralKD.Native.LibTorch.EnsureLoaded();

    [Fact]
    public void Targets_sum_to_one_and_follow_the_share_of_the_pixels()
    {
        for (var step = 0; step < 40; step++)
        {
            using var scope = torch.NewDisposeScope();
            var images = torch.arange(4, dtype: torch.float32).reshape(4, 1, 1, 1).expand(4, 3, 16, 16).clone();
            var targets = Mixup.Apply(images, [0, 1, 2, 3], 4, new MixupOptions(), 0, seed: 1, step).data<float>().ToArray();
            var share = targets[0]; // image 0 keeps this much of itself; its partner is image 3
            Assert.Equal(1, share + targets[3], 1e-6);
            Assert.Equal((1 - share) * 3, images[0].mean().item<float>(), 1e-4);
            Assert.Equal(share + (2 * (1 - share)), images[1].mean().item<float>(), 1e-4);
        }
    }

    [Fact]
    public void Cutmix_pastes_and_mixup_blends_about_half_of_the_time_each()
    {
        var cuts = Enumerable.Range(0, 1000).Count(i => MixingShare.Draw(new MixupOptions(), 32, 32, new CounterRandom(i)).Part is not null);
        Assert.InRange(cuts, 440, 560);
        Assert.All(Enumerable.Range(0, 50), i => Assert.Null(
            MixingShare.Draw(new MixupOptions { CutmixAlpha = 0 }, 32, 32, new CounterRandom(i)).Part));
        Assert.All(Enumerable.Range(0, 50), i => Assert.Equal(
            1, MixingShare.Draw(new MixupOptions { Probability = 0 }, 32, 32, new CounterRandom(i)).Own));
    }

    [Fact]
    public void The_share_of_cutmix_is_what_is_left_of_the_image()
    {
        Gen.Int[0, 100000].Sample(seed =>
        {
            var share = MixingShare.Draw(new MixupOptions { MixupAlpha = 0 }, 20, 30, new CounterRandom(seed));
            var part = share.Part!.Value;
            return part.Left >= 0 && part.Top >= 0 && part.Left + part.Width <= 30 && part.Top + part.Height <= 20
                && Math.Abs(share.Own - (1 - (part.Width * part.Height / 600.0))) < 1e-12;
        }, iter: 500);
    }

    [Theory]
    [InlineData(0.8)]
    [InlineData(1.0)]
    [InlineData(0.2)]
    [InlineData(3.0)]
    public void Beta_has_its_mean_and_variance(double alpha)
    {
        var random = new CounterRandom(5);
        var draws = Enumerable.Range(0, 40000).Select(_ => MixingShare.Beta(alpha, ref random)).ToArray();
        Assert.Equal(0.5, draws.Average(), 0.01);
        Assert.Equal(1 / (4 * ((2 * alpha) + 1)), draws.Average(v => (v - 0.5) * (v - 0.5)), 0.004);
    }

    [Fact]
    public void Smoothing_spreads_over_all_classes()
    {
        var targets = Mixup.SoftTargets([2], 4, 0.1);
        Assert.Equal([0.025f, 0.025f, 0.925f, 0.025f], targets);
    }

    [Fact]
    public void The_draw_depends_on_seed_and_step_and_leaves_no_tensor()
    {
        using var scope = torch.NewDisposeScope();
        float[] Make(int seed, long step)
        {
            using var images = torch.ones(2, 3, 8, 8);
            using var targets = Mixup.Apply(images, [0, 1], 2, new MixupOptions(), 0.1, seed, step);
            return targets.data<float>().ToArray();
        }

        Assert.Equal(Make(1, 2), Make(1, 2));
        Assert.NotEqual(Make(1, 2), Make(1, 3));
        Assert.NotEqual(Make(1, 2), Make(2, 2));
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void An_odd_batch_or_a_foreign_label_is_refused()
    {
        using var odd = torch.zeros(3, 3, 4, 4);
        using var even = torch.zeros(2, 3, 4, 4);
        Assert.Contains("even batch", Assert.Throws<SpectralKDException>(
            () => Mixup.Apply(odd, [0, 1, 2], 4, new MixupOptions(), 0, 0, 0)).Message, StringComparison.Ordinal);
        Assert.Contains("there are 2 classes", Assert.Throws<SpectralKDException>(
            () => Mixup.Apply(even, [0, 2], 2, new MixupOptions(), 0, 0, 0)).Message, StringComparison.Ordinal);
    }
}
