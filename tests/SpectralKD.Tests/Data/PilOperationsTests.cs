using CsCheck;

namespace SpectralKD.Tests.Data;

public sealed class PilOperationsTests
{
    private static readonly PilAffine.Fill Fill = new(1, 2, 3);

    [Fact]
    public void AutoContrast_stretches_each_channel_and_leaves_a_flat_one()
    {
        var image = new RgbImage(3, 1, [50, 7, 0, 100, 7, 128, 150, 7, 255]);
        Assert.Equal([0, 7, 0, 127, 7, 128, 255, 7, 255], PilTone.AutoContrast(image).Pixels);
    }

    [Fact]
    public void Equalize_leaves_few_pixels_and_evens_many()
    {
        var few = new RgbImage(2, 1, [10, 20, 30, 40, 50, 60]);
        Assert.Equal(few.Pixels, PilTone.Equalize(few).Pixels);

        // 1024 pixels, half of value 10 and half of 20: step = (1024 - 512) / 255 = 2, table[10] = 1 / 2, table[20] = (1 + 512) / 2 -> 255
        var pixels = Enumerable.Range(0, 1024 * 3).Select(i => (byte)(i / 3 % 2 == 0 ? 10 : 20)).ToArray();
        var even = PilTone.Equalize(new RgbImage(32, 32, pixels)).Pixels;
        Assert.Equal([0, 0, 0, 255, 255, 255], even[..6]);
    }

    [Fact]
    public void Tables_follow_their_definitions()
    {
        var image = new RgbImage(2, 1, [0, 100, 127, 128, 200, 255]);
        Assert.Equal([255, 155, 128, 127, 55, 0], PilTone.Invert(image).Pixels);
        Assert.Equal([0, 64, 64, 128, 192, 192], PilTone.Posterize(image, 2).Pixels);
        Assert.Equal([0, 0, 0, 0, 0, 0], PilTone.Posterize(image, 0).Pixels);
        Assert.Equal([0, 100, 127, 127, 55, 0], PilTone.Solarize(image, 128).Pixels);
        Assert.Equal([99, 199, 226, 128, 200, 255], PilTone.SolarizeAdd(image, 99).Pixels);
    }

    [Fact]
    public void Enhancing_by_one_changes_nothing_and_by_zero_gives_the_degenerate_picture()
    {
        var image = AugmentationTests.Noise(6, 5);
        foreach (var enhance in new Func<RgbImage, double, RgbImage>[]
            { PilEnhance.Color, PilEnhance.Contrast, PilEnhance.Brightness, PilEnhance.Sharpness })
        {
            Assert.Equal(image.Pixels, enhance(image, 1).Pixels);
        }

        Assert.All(PilEnhance.Brightness(image, 0).Pixels, value => Assert.Equal(0, value));
        Assert.Single(PilEnhance.Contrast(image, 0).Pixels.Distinct());
        var grey = PilEnhance.Color(image, 0).Pixels;
        Assert.All(Enumerable.Range(0, 30), i => Assert.Equal(grey[3 * i], grey[(3 * i) + 2]));
    }

    [Fact]
    public void Luma_and_blending_cut_as_Pillow_does()
    {
        Assert.Equal(76, PilEnhance.Luma([255, 0, 0]));
        Assert.Equal(150, PilEnhance.Luma([0, 255, 0]));
        Assert.Equal(29, PilEnhance.Luma([0, 0, 255]));
        Assert.Equal([15, 255, 0], PilEnhance.Brightness(new RgbImage(1, 1, [11, 200, 0]), 1.4).Pixels); // 15.4, 280
        Assert.Equal([5, 100, 127], PilEnhance.Brightness(new RgbImage(1, 1, [11, 200, 255]), 0.5).Pixels); // 5.5, 127.5
    }

    [Fact]
    public void Smoothing_spares_the_border_and_weighs_the_centre_five_thirteenths()
    {
        var pixels = new byte[27];
        pixels[12] = 130; // red of the centre
        var smooth = PilEnhance.Sharpness(new RgbImage(3, 3, pixels), 0).Pixels;
        Assert.Equal(50, smooth[12]);
        Assert.Equal(0, smooth[0]);
    }

    [Fact]
    public void Whole_translations_move_pixels_and_fill_the_rest()
    {
        var image = AugmentationTests.Noise(6, 4);
        var moved = PilAffine.Transform(image, PilAffine.Matrix.Translate(2, -1), Fill).Pixels;
        for (var i = 0; i < 24; i++)
        {
            var (x, y) = ((i % 6) + 2, (i / 6) - 1);
            byte[] expected = x < 6 && y >= 0 ? image.Pixels[(((y * 6) + x) * 3)..(((y * 6) + x + 1) * 3)] : [1, 2, 3];
            Assert.Equal(expected, moved[(3 * i)..((3 * i) + 3)]);
        }
    }

    [Fact]
    public void Nothing_asked_nothing_changed()
    {
        var image = AugmentationTests.Noise(7, 5);
        foreach (var matrix in new[] { PilAffine.Matrix.ShearX(0), PilAffine.Matrix.ShearY(0), PilAffine.Matrix.Rotate(0, 7, 5) })
        {
            Assert.Equal(image.Pixels, PilAffine.Transform(image, matrix, Fill).Pixels);
        }
    }

    [Fact]
    public void A_half_turn_reverses_the_pixels()
    {
        var image = AugmentationTests.Noise(6, 6);
        var turned = PilAffine.Transform(image, PilAffine.Matrix.Rotate(180, 6, 6), Fill).Pixels;
        for (var i = 0; i < 36; i++)
        {
            Assert.InRange(Math.Abs(image.Pixels[3 * i] - turned[3 * (35 - i)]), 0, 1); // rounding of the angle may cut one off
        }
    }

    [Fact]
    public void A_quarter_turn_is_counter_clockwise()
    {
        var pixels = new byte[6 * 6 * 3];
        pixels[5 * 3] = 200; // right end of the top row
        var turned = PilAffine.Transform(new RgbImage(6, 6, pixels), PilAffine.Matrix.Rotate(90, 6, 6), Fill).Pixels;
        Assert.InRange(turned[0], 198, 200); // now at its left end
    }

    [Fact]
    public void A_flat_picture_stays_flat_inside_under_any_shear()
    {
        Gen.Select(Gen.Double[-0.3, 0.3], Gen.Byte).Sample((factor, value) =>
        {
            var image = new RgbImage(9, 9, Enumerable.Repeat(value, 243).ToArray());
            var sheared = PilAffine.Transform(image, PilAffine.Matrix.ShearX(factor), new PilAffine.Fill(value, value, value));
            return sheared.Pixels.All(result => Math.Abs(result - value) <= 1);
        }, iter: 100);
    }
}
