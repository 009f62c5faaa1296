using CsCheck;

namespace SpectralKD.Tests.Data;

public sealed class AugmentationTests
{
    private static readonly PilAffine.Fill Grey = new(124, 116, 104);

    [Fact]
    public void Presets_are_found_by_name_and_an_unknown_name_lists_them()
    {
        Assert.Same(Augmentation.DeiT, Augmentation.Parse("DeiT"));
        Assert.Equal((0.25, 3, 9.0, 0.5, 2), (
            Augmentation.DeiT.ErasingProbability,
            Augmentation.DeiT.Repeats,
            Augmentation.DeiT.RandAugment!.Magnitude,
            Augmentation.DeiT.RandAugment.MagnitudeDeviation,
            Augmentation.DeiT.RandAugment.Layers));
        var error = Assert.Throws<SpectralKDException>(() => Augmentation.Parse("strong"));
        Assert.Contains("none, crop-flip, deit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Colour_jitter_rests_beside_RandAugment_unless_forced()
    {
        Assert.False(Augmentation.DeiT.JittersColor);
        Assert.True((Augmentation.DeiT with { ForceColorJitter = true }).JittersColor);
        Assert.True((Augmentation.DeiT with { RandAugment = null }).JittersColor);
    }

    [Fact]
    public void Without_augmentation_training_equals_evaluation()
    {
        var image = Noise(50, 40);
        var transform = new TrainTransform(Augmentation.None, Preprocessing.ImageNet, 24);
        var (trained, evaluated) = (new float[transform.Length], new float[transform.Length]);
        transform.Apply(image, trained, new CounterRandom(1));
        new EvalTransform(Preprocessing.ImageNet, 24).Apply(image, evaluated);
        Assert.Equal(evaluated, trained);
    }

    [Fact]
    public void The_same_generator_gives_the_same_image_and_another_gives_another()
    {
        var image = Noise(60, 50);
        var transform = new TrainTransform(Augmentation.DeiT, Preprocessing.ImageNet, 40);
        float[] Make(int seed)
        {
            var values = new float[transform.Length];
            transform.Apply(image, values, new CounterRandom(seed, 0, 5));
            return values;
        }

        Assert.Equal(Make(1), Make(1));
        Assert.NotEqual(Make(1), Make(2));
    }

    [Fact]
    public void Random_parts_have_the_asked_areas_and_ratios_and_lie_inside()
    {
        var random = new CounterRandom(3);
        var areas = new List<double>();
        for (var i = 0; i < 4000; i++)
        {
            var part = RandomCrops.DrawPart(400, 300, Augmentation.CropFlip, ref random);
            Assert.InRange(part.Left, 0, 400 - part.Width);
            Assert.InRange(part.Top, 0, 300 - part.Height);
            Assert.InRange((double)part.Width / part.Height, 0.72, 1.38);
            areas.Add(part.Width * part.Height / 120000.0);
        }

        Assert.InRange(areas.Min(), 0.075, 0.10);
        Assert.Equal(0.4318, areas.Average(), 0.015); // the mean over the area and ratio pairs that fit, s <= 0.75 r, by integration
    }

    [Fact]
    public void An_image_too_long_for_any_part_gives_its_middle()
    {
        var random = new CounterRandom(1);
        var settings = Augmentation.CropFlip with { Scale = (1.0, 1.0) };
        Assert.Equal(new PixelWindow(433, 0, 133, 100), RandomCrops.DrawPart(1000, 100, settings, ref random));
    }

    [Fact]
    public void Small_images_are_shifted_by_up_to_four_pixels_over_black()
    {
        var image = new RgbImage(32, 32, Enumerable.Repeat((byte)255, 32 * 32 * 3).ToArray());
        var random = new CounterRandom(9);
        var blacks = Enumerable.Range(0, 600).Select(_ => RandomCrops.Shift(image, new ImageSize(image.Height, image.Width), ref random).Pixels.Count(value => value == 0) / 3).ToArray();
        Assert.Equal(0, blacks.Min());
        Assert.Equal((32 * 32) - (28 * 28), blacks.Max());
    }

    [Fact]
    public void A_shift_moves_each_pixel_alike()
    {
        Gen.Int[0, 100000].Sample(seed =>
        {
            var image = Noise(9, 7);
            var (drawn, again) = (new CounterRandom(seed), new CounterRandom(seed));
            var (dx, dy) = (drawn.NextInt(9) - 4, drawn.NextInt(9) - 4);
            var shifted = RandomCrops.Shift(image, new ImageSize(image.Height, image.Width), ref again);
            return Enumerable.Range(0, 63).All(i =>
            {
                var (x, y) = ((i % 9) + dx, (i / 9) + dy);
                var expected = x is >= 0 and < 9 && y is >= 0 and < 7 ? image.Pixels[((y * 9) + x) * 3] : 0;
                return shifted.Pixels[i * 3] == expected;
            });
        }, iter: 200);
    }

    [Fact]
    public void Mirroring_twice_gives_the_image_back_and_half_of_all_are_mirrored()
    {
        var image = Noise(5, 3);
        Assert.Equal(image.Pixels, RandomCrops.Mirror(RandomCrops.Mirror(image)).Pixels);
        Assert.Equal(image.Pixels[12..15], RandomCrops.Mirror(image).Pixels[0..3]);

        var transform = new TrainTransform(Augmentation.None with { FlipProbability = 0.5 }, new Preprocessing { CropFraction = 1 }, 5);
        var square = Noise(5, 5);
        var mirrored = RandomCrops.Mirror(square).Pixels;
        var count = Enumerable.Range(0, 1000).Count(i =>
        {
            var random = new CounterRandom(i);
            return transform.Vary(square, ref random).Pixels.AsSpan().SequenceEqual(mirrored);
        });
        Assert.InRange(count, 440, 560);
    }

    [Fact]
    public void Erasing_hits_a_quarter_of_the_images_with_standard_normal_noise()
    {
        var erased = new List<float>();
        var (hits, areas) = (0, new List<double>());
        for (var i = 0; i < 1000; i++)
        {
            var planes = new float[3 * 32 * 32];
            Array.Fill(planes, 100f);
            var random = new CounterRandom(4, i);
            RandomErasing.Apply(planes, 32, 32, 0.25, ref random);
            var noise = planes.Where(value => value != 100f).ToArray();
            if (noise.Length > 0)
            {
                hits++;
                areas.Add(noise.Length / 3.0 / 1024);
                erased.AddRange(noise);
            }
        }

        Assert.InRange(hits, 200, 300);
        Assert.InRange(areas.Min(), 0.015, 0.05);
        Assert.InRange(areas.Max(), 0.25, 0.36);
        Assert.InRange(erased.Average(v => (double)v), -0.02, 0.02);
        Assert.InRange(erased.Average(v => (double)v * v), 0.97, 1.03);
    }

    [Fact]
    public void RandAugment_draws_each_operation_and_changes_about_three_quarters_of_the_images()
    {
        var image = Noise(16, 16);
        var changed = Enumerable.Range(0, 2000).Count(i =>
        {
            var random = new CounterRandom(8, i);
            return !RandAugment.Apply(image, new RandAugmentSettings(), Grey, ref random).Pixels.AsSpan().SequenceEqual(image.Pixels);
        });
        Assert.InRange(changed / 2000.0, 0.66, 0.78); // 1 - 0.5^2, less the few that leave noise as it is (AutoContrast)
        Assert.Equal(15, RandAugment.Operations.Distinct().Count());
        Assert.All(RandAugment.Operations, operation =>
        {
            var random = new CounterRandom(1);
            Assert.Equal(16 * 16 * 3, RandAugment.Apply(image, operation, 0.9, Grey, ref random).Pixels.Length);
        });
    }

    [Fact]
    public void An_epoch_visits_every_image_once_in_an_order_of_its_own()
    {
        var (first, second) = (EpochOrder.Of(100, 1, 5, 0), EpochOrder.Of(100, 1, 5, 1));
        Assert.Equal(Enumerable.Range(0, 100), first.Select(visit => visit.Index).Order());
        Assert.NotEqual(first, second);
        Assert.Equal(first, EpochOrder.Of(100, 1, 5, 0));
        Assert.NotEqual(first, EpochOrder.Of(100, 1, 6, 0));
    }

    [Fact]
    public void Repeated_augmentation_shows_a_third_of_the_images_three_times()
    {
        var visits = EpochOrder.Of(700, 3, 1, 0);
        Assert.Equal(512, visits.Length); // the largest multiple of 256
        Assert.Equal(171, visits.Select(visit => visit.Index).Distinct().Count());
        Assert.Equal(visits.Length, visits.Distinct().Count());
        Assert.Equal([0, 1, 2, 0], visits.Take(4).Select(visit => visit.Repeat));
        Assert.Equal(100, EpochOrder.Of(100, 3, 1, 0).Length);
    }

    internal static RgbImage Noise(int width, int height, int seed = 1)
    {
        var pixels = new byte[width * height * 3];
        new Random(seed).NextBytes(pixels);
        return new RgbImage(width, height, pixels);
    }
}
