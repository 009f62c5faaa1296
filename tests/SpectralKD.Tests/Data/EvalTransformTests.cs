using System.Security.Cryptography;
using CsCheck;

namespace SpectralKD.Tests.Data;

public sealed class EvalTransformTests
{
    private static readonly Preprocessing Whole = new() { CropFraction = 1.0 };

    public static TheoryData<string, string, double> Golden => new()
    {
        { "saw", "deit_tiny_patch16_224", 0.9 },
        { "saw", "cait_s24_224", 1.0 },
        { "saw", "reference_eval", 0.875 },
        { "noise", "deit_tiny_patch16_224", 0.9 },
        { "noise", "cait_s24_224", 1.0 },
        { "noise", "reference_eval", 0.875 },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Resized_and_cropped_bytes_equal_Pillows(string pattern, string config, double cropFraction)
    {
        var image = GoldenPatterns.Make(pattern);
        var expected = GoldenPatterns.Expected(pattern);
        Assert.Equal(expected.GetProperty("decoded_rgb_sha256").GetString(), Sha256(image.Pixels));

        var transform = new EvalTransform(new Preprocessing { CropFraction = cropFraction }, 224);
        var values = expected.GetProperty(config);
        var resized = transform.ResizeTo.SizeOf(image.Width, image.Height);
        Assert.Equal(values.GetProperty("resized_wh").EnumerateArray().Select(n => n.GetInt32()), [resized.Width, resized.Height]);
        Assert.Equal(
            values.GetProperty("crop_left_top").EnumerateArray().Select(n => n.GetInt32()),
            [EvalTransform.CropStart(resized.Width, 224), EvalTransform.CropStart(resized.Height, 224)]);
        Assert.Equal(values.GetProperty("cropped_rgb_sha256").GetString(), Sha256(transform.ResizeAndCrop(image).Pixels));
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void Normalised_values_equal_torchvisions(string pattern, string config, double cropFraction)
    {
        var transform = new EvalTransform(new Preprocessing { CropFraction = cropFraction }, 224);
        var tensor = new float[transform.Length];
        transform.Apply(GoldenPatterns.Make(pattern), tensor);
        var expected = GoldenPatterns.Expected(pattern).GetProperty(config);

        AssertClose(expected, "pixels_0_0_first8", i => tensor[i], 1e-8);
        AssertClose(expected, "center16", i => At(tensor, i / 256, 104 + (i / 16 % 16), 104 + (i % 16)), 1e-5);
        AssertClose(expected, "pooled16", i => Pooled(tensor, i / 256, i / 16 % 16, i % 16), 2e-6);
        AssertClose(expected, "channel_mean", channel => tensor.Skip(channel * 50176).Take(50176).Average(v => (double)v), 1e-8);
    }

    [Theory]
    [InlineData("deit_tiny_patch16_224", 248)]
    [InlineData("swin_tiny_patch4_window7_224", 248)]
    [InlineData("cait_s24_224", 224)]
    public void Shorter_side_follows_the_models_crop_fraction(string model, int side)
    {
        var fraction = GoldenPatterns.Root.GetProperty("configs").GetProperty(model).GetProperty("resolved").GetProperty("crop_pct").GetDouble();
        Assert.Equal(side, new EvalTransform(new Preprocessing { CropFraction = fraction }, 224).ResizeTo);
    }

    [Fact]
    public void An_image_of_one_colour_keeps_it_at_any_size()
    {
        Gen.Select(Gen.Int[1, 90], Gen.Int[1, 90], Gen.Int[1, 40], Gen.Byte).Sample((width, height, side, grey) =>
        {
            var pixels = new byte[width * height * 3];
            Array.Fill(pixels, grey);
            var result = new EvalTransform(Whole, side).ResizeAndCrop(new RgbImage(width, height, pixels));
            return result.Width == side && result.Height == side && result.Pixels.All(value => value == grey);
        }, iter: 200);
    }

    [Fact]
    public void A_window_equals_the_same_part_of_the_whole_resize()
    {
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[0, 1000]).Sample((w, h, toW, toH, at) =>
        {
            var image = Random(w, h);
            var (left, top) = (at % toW, at / 31 % toH);
            var window = new PixelWindow(left, top, toW - left, toH - top);
            var whole = PilResize.Resize(image, toW, toH);
            var part = PilResize.Resize(image, toW, toH, window);
            return Enumerable.Range(0, part.Pixels.Length).All(i =>
                part.Pixels[i] == whole.Pixels[((((i / 3 / window.Width) + top) * toW) + (i / 3 % window.Width) + left) * 3 + (i % 3)]);
        }, iter: 300);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_resize_is_Pillows_whole_number_arithmetic_with_vectors_of_any_kind(bool avx2)
    {
        Assert.SkipUnless(!avx2 || System.Runtime.Intrinsics.X86.Avx2.IsSupported, "skipped: this processor has no AVX2");
        Gen.Select(Gen.Int[1, 120], Gen.Int[1, 60], Gen.Int[1, 40], Gen.Int[1, 40], Gen.Bool).Sample((w, h, toW, toH, bilinear) =>
        {
            var (image, filter) = (Random(w, h), bilinear ? PilFilter.Bilinear : PilFilter.Bicubic);
            var result = new byte[toW * toH * 3];
            PilResize.Resize(image, toW, toH, new PixelWindow(0, 0, toW, toH), result, filter, avx2);
            var narrowed = Resampled(image.Pixels, h, w, 3, BicubicTaps.Compute(w, toW, 0, toW, filter), w == toW);
            return result.AsSpan().SequenceEqual(Resampled(narrowed, 1, h, toW * 3, BicubicTaps.Compute(h, toH, 0, toH, filter), h == toH));
        }, iter: 300);
    }

    [Fact]
    public void Resizing_to_the_same_size_changes_nothing()
    {
        var image = Random(13, 7);
        Assert.Equal(image.Pixels, PilResize.Resize(image, 13, 7).Pixels);
    }

    [Fact]
    public void A_crop_larger_than_the_image_is_padded_with_black_around_the_middle()
    {
        var white = new RgbImage(4, 4, Enumerable.Repeat((byte)255, 48).ToArray());
        var crop = new EvalTransform(new Preprocessing { CropFraction = 2 }, 7).ResizeAndCrop(white); // resized to 3 x 3, padded to 7 x 7
        var rows = Enumerable.Range(0, 7).Select(y => string.Concat(Enumerable.Range(0, 7).Select(x => crop.Pixels[((y * 7) + x) * 3] == 255 ? '#' : '.')));
        Assert.Equal([".......", ".......", "..###..", "..###..", "..###..", ".......", "......."], rows);
    }

    [Fact]
    public void Wrong_preprocessing_is_refused_in_words()
    {
        Assert.Contains("crop fraction", Assert.Throws<SpectralKDException>(
            () => new EvalTransform(new Preprocessing { CropFraction = 0 }, 224)).Message, StringComparison.Ordinal);
        Assert.Contains("three means", Assert.Throws<SpectralKDException>(
            () => new EvalTransform(new Preprocessing { Std = [1, 0, 1] }, 224)).Message, StringComparison.Ordinal);
        Assert.Contains("at least 1 pixel", Assert.Throws<SpectralKDException>(
            () => new EvalTransform(Preprocessing.ImageNet, 0)).Message, StringComparison.Ordinal);
    }

    // One axis of an array [rows, source, values], as Resample.c has it.
    private static byte[] Resampled(byte[] pixels, int rows, int source, int values, BicubicTaps taps, bool same)
    {
        if (same)
        {
            return pixels;
        }

        var result = new byte[rows * taps.Count * values];
        for (var i = 0; i < result.Length; i++)
        {
            var (row, output, value) = (i / values / taps.Count, i / values % taps.Count, i % values);
            var sum = 1 << 21;
            for (var tap = 0; tap < taps.Weights(output).Length; tap++)
            {
                sum += pixels[(((row * source) + taps.Start(output) + tap) * values) + value] * taps.Weights(output)[tap];
            }

            result[i] = (byte)Math.Clamp(sum >> 22, 0, 255);
        }

        return result;
    }

    private static RgbImage Random(int width, int height)
    {
        var pixels = new byte[width * height * 3];
        new Random((width * 1000) + height).NextBytes(pixels);
        return new RgbImage(width, height, pixels);
    }

    private static float At(float[] tensor, int channel, int y, int x) => tensor[(((channel * 224) + y) * 224) + x];

    private static double Pooled(float[] tensor, int channel, int row, int column) =>
        Enumerable.Range(0, 196).Average(i => (double)At(tensor, channel, (row * 14) + (i / 14), (column * 14) + (i % 14)));

    private static void AssertClose(System.Text.Json.JsonElement expected, string name, Func<int, double> actual, double tolerance)
    {
        var values = expected.GetProperty(name).EnumerateArray().Select(n => n.GetDouble()).ToArray();
        for (var i = 0; i < values.Length; i++)
        {
            Assert.True(Math.Abs(values[i] - actual(i)) <= tolerance * Math.Max(1, Math.Abs(values[i])), $"{name}[{i}]: {values[i]} and {actual(i)}");
        }
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
