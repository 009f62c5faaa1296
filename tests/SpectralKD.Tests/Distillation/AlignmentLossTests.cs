using System.Text.Json;
using CsCheck;
using SpectralKD.Tests.Models;

namespace SpectralKD.Tests.Distillation;

public sealed class AlignmentLossTests
{
    private static readonly JsonElement Golden = GoldenJson.Read("loss", "losses.json");

    public static TheoryData<string, AlignmentForm> Cases => new(
        from name in new[] { "a", "b", "c", "d" }
        from form in new[] { AlignmentForm.ClosedForm, AlignmentForm.Fft }
        select (name, form));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Value_and_gradient_are_the_references(string name, AlignmentForm form)
    {
        using var scope = NewDisposeScope();
        var expected = Case(name);
        var (student, teacher) = Maps(expected);
        student.requires_grad = true;

        var loss = AlignmentLoss.Layer(student, teacher, form);
        loss.backward();

        var gradient = student.grad!;
        Assert.Equal(expected.GetProperty("layer_fft_loss").GetDouble(), loss.item<float>(), 2e-6);
        Assert.Equal(expected.GetProperty("grad_s_l2").GetDouble(), GoldenJson.Norm(gradient), 1e-7);
        var first = gradient.reshape(-1).narrow(0, 0, 8).data<float>().ToArray();
        Assert.All(GoldenJson.Doubles(expected.GetProperty("grad_s_first8")).Zip(first), pair => Assert.Equal(pair.First, pair.Second, 2e-9));
    }

    [Theory]
    [InlineData("a", AlignmentForm.ClosedForm)]
    [InlineData("c", AlignmentForm.ClosedForm)]
    [InlineData("a", AlignmentForm.Fft)]
    [InlineData("c", AlignmentForm.Fft)]
    public void Every_element_of_the_gradient_is_the_references(string name, AlignmentForm form)
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = Maps(Case(name));
        student.requires_grad = true;
        AlignmentLoss.Layer(student, teacher, form).backward();

        var expected = GoldenTensors.Read(SharedData.Golden("loss", "grad_fs.safetensors"))[$"{name}.grad_s"];
        Assert.Equal(0, (student.grad! - expected).abs().max().item<float>(), 5e-9);
    }

    [Theory]
    [InlineData(AlignmentForm.ClosedForm)]
    [InlineData(AlignmentForm.Fft)]
    public void In_float64_the_value_is_exact(AlignmentForm form)
    {
        using var scope = NewDisposeScope();
        foreach (var name in new[] { "a", "b", "c", "d" })
        {
            var (student, teacher) = Maps(Case(name));
            var loss = AlignmentLoss.Layer(student.to(ScalarType.Float64), teacher.to(ScalarType.Float64), form);
            Assert.Equal(Case(name).GetProperty("layer_fft_loss_f64").GetDouble(), loss.item<double>(), 1e-11);
        }
    }

    [Theory]
    [InlineData(AlignmentForm.ClosedForm)]
    [InlineData(AlignmentForm.Fft)]
    public void Layers_are_averaged_and_the_shorter_list_decides(AlignmentForm form)
    {
        using var scope = NewDisposeScope();
        var all = Golden.GetProperty("fft_loss");
        var maps = all.GetProperty("over").EnumerateArray().Select(name => Maps(Case(name.GetString()!))).ToList();
        var student = maps.Select(map => map.Student).ToList();
        var teacher = maps.Select(map => map.Teacher).ToList();

        Assert.Equal(all.GetProperty("value").GetDouble(), AlignmentLoss.Of(student, teacher, form).item<float>(), 2e-6);
        var shorter = Golden.GetProperty("fft_loss_unequal_counts").GetProperty("value").GetDouble();
        Assert.Equal(shorter, AlignmentLoss.Of(student[..2], teacher[..1], form).item<float>(), 2e-6);
    }

    [Fact]
    public void A_wider_student_is_explained_with_both_shapes()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = Maps(Case("e"));
        var error = Assert.Throws<SpectralKDException>(() => AlignmentLoss.Layer(student, teacher));
        Assert.Contains("[1, 8, 6, 6]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[1, 4, 6, 6]", error.Message, StringComparison.Ordinal);
        Assert.Contains("wider", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new long[] { 2, 4, 7, 7 }, "grids are 8 x 8 and 7 x 7")]
    [InlineData(new long[] { 2, 4, 8, 4 }, "grids are 8 x 8 and 8 x 4")]
    [InlineData(new long[] { 1, 4, 8, 8 }, "2 and 1 images")]
    [InlineData(new long[] { 2, 4, 64 }, "[B, C, H, W]")]
    public void Maps_that_do_not_meet_are_explained(long[] teacher, string words)
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<SpectralKDException>(() => AlignmentLoss.Layer(zeros(2, 4, 8, 8), zeros(teacher)));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void No_pair_at_all_is_an_error() =>
        Assert.Contains("no layer pair", Assert.Throws<SpectralKDException>(() => AlignmentLoss.Of([], [])).Message, StringComparison.Ordinal);

    [Fact]
    public void One_teacher_channel_meets_all_of_the_students()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (rand(2, 5, 6, 6), rand(2, 1, 6, 6));
        var expected = AlignmentLoss.Layer(student, teacher.expand(2, 5, 6, 6), AlignmentForm.Fft).item<float>();
        Assert.Equal(expected, AlignmentLoss.Layer(student, teacher, AlignmentForm.Fft).item<float>(), 1e-6);
        Assert.Equal(expected, AlignmentLoss.Layer(student, teacher).item<float>(), 1e-6);
    }

    [Fact]
    public void Half_precision_maps_are_compared_in_float32()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (rand(2, 4, 6, 6).to(ScalarType.BFloat16), rand(2, 8, 6, 6).to(ScalarType.BFloat16));
        var loss = AlignmentLoss.Layer(student, teacher);
        Assert.Equal(ScalarType.Float32, loss.dtype);
        Assert.Equal(AlignmentLoss.Layer(student.@float(), teacher.@float(), AlignmentForm.Fft).item<float>(), loss.item<float>(), 1e-5);
    }

    [Fact]
    public void Closed_form_equals_the_transform_in_value_and_gradient() => Shapes.Sample(
        shape =>
        {
            using var scope = NewDisposeScope();
            var (own, wide) = (Random(shape.Seed, shape.B, shape.Cs, shape.H, shape.W), Random(shape.Seed + 1, shape.B, shape.Ct, shape.H, shape.W));
            var (value, gradient) = Differentiate(own, wide, AlignmentForm.ClosedForm);
            var (expected, expectedGradient) = Differentiate(own, wide, AlignmentForm.Fft);
            Assert.Equal(expected, value, 1e-12 * Math.Max(1, expected));
            Assert.True((gradient - expectedGradient).abs().max().item<double>() < 1e-13);
        },
        iter: 60);

    [Fact]
    public void Tokens_behind_a_prefix_get_the_same_value_and_gradient_whatever_the_teachers_layout() => Shapes.Sample(
        shape =>
        {
            using var scope = NewDisposeScope();
            Tensor Tokens(int seed, long channels) => Random(seed, shape.B, 2 + (shape.H * shape.W), channels);
            Tensor Map(Tensor tokens) => tokens.narrow(1, 2, shape.H * shape.W).transpose(1, 2).unflatten(2, shape.H, shape.W);
            var teacher = Map(Tokens(shape.Seed + 1, shape.Ct));
            var (value, gradient) = Differentiate(teacher, AlignmentForm.Fft);
            foreach (var layout in new[] { teacher, teacher.contiguous() })
            {
                var (ours, oursGradient) = Differentiate(layout, AlignmentForm.ClosedForm);
                Assert.Equal(value, ours, 1e-12 * Math.Max(1, value));
                Assert.True((gradient - oursGradient).abs().max().item<double>() < 1e-13);
            }

            (double Value, Tensor Gradient) Differentiate(Tensor teacher, AlignmentForm form)
            {
                var tokens = Tokens(shape.Seed, shape.Cs).requires_grad_();
                var loss = AlignmentLoss.Layer(Map(tokens), teacher, form);
                loss.backward();
                return (loss.item<double>(), tokens.grad!);
            }
        },
        iter: 60);

    [Fact]
    public void Wider_maps_in_float32_agree_with_the_transform_in_either_layout_and_by_any_number_of_threads() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 9], Gen.Int[1, 4], Gen.Int[1, 19], Gen.Bool, Gen.Int[0, 1 << 20]).Sample(
            (channels, times, height, width, byToken, seed) =>
            {
                using var scope = NewDisposeScope();
                var (own, wide) = (Map(seed, channels), Map(seed + 1, channels * times));
                var expected = AlignmentLoss.Layer(own, wide, AlignmentForm.Fft).item<double>();
                var (student, teacher) = (own.to(ScalarType.Float32), wide.to(ScalarType.Float32));

                Assert.True(HalfSpectrumPass.Takes(student, teacher) || height * width == 1 || channels == 1);
                Assert.Equal(expected, AlignmentLoss.Layer(student, teacher).item<float>(), 2e-6 * Math.Max(1, expected));
                if (HalfSpectrumPass.Takes(student, teacher))
                {
                    var (one, three) = (HalfSpectrumPass.Of(student, teacher, 1), HalfSpectrumPass.Of(student, teacher, 3));
                    Assert.Equal(one.Sum, three.Sum);
                    Assert.False(one.Gradient.ne(three.Gradient).any().item<bool>());
                }

                Tensor Map(int key, long count) => byToken
                    ? Random(key, 4, 1 + (height * width), count).narrow(1, 1, height * width).transpose(1, 2).unflatten(2, height, width)
                    : Random(key, 4, count, height, width);
            },
            iter: 100);

    [Fact]
    public void A_teacher_with_gradients_gets_them_as_from_the_transform()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Random(1, 2, 3, 5, 4), Random(2, 2, 6, 5, 4));
        teacher.requires_grad = true;
        AlignmentLoss.Layer(student, teacher, AlignmentForm.Fft).backward();
        var expected = teacher.grad!.clone();
        teacher.grad!.zero_();
        AlignmentLoss.Layer(student, teacher).backward();
        Assert.True((teacher.grad! - expected).abs().max().item<double>() < 1e-13);
    }

    [Fact]
    public void Loss_of_a_map_with_itself_is_zero_and_grows_with_the_square() => Shapes.Sample(
        shape =>
        {
            using var scope = NewDisposeScope();
            var (map, other) = (Random(shape.Seed, shape.B, shape.Cs, shape.H, shape.W), Random(shape.Seed + 1, shape.B, shape.Cs, shape.H, shape.W));
            foreach (var form in Enum.GetValues<AlignmentForm>())
            {
                Assert.Equal(0, AlignmentLoss.Layer(map, map, form).item<double>());
                var one = AlignmentLoss.Layer(map, other, form).item<double>();
                Assert.Equal(9 * one, AlignmentLoss.Layer(map * 3, other * 3, form).item<double>(), 1e-11);
            }
        },
        iter: 20);

    [Fact]
    public void Teacher_channels_are_pooled_as_adaptive_average_pooling_does() => Shapes.Where(shape => shape.Ct > shape.Cs).Sample(
        shape =>
        {
            using var scope = NewDisposeScope();
            var map = Random(shape.Seed, shape.B, shape.Ct, shape.H, shape.W);
            var expected = nn.functional.adaptive_avg_pool3d(map.unsqueeze(1), [shape.Cs, shape.H, shape.W]).squeeze(1);
            Assert.True((ChannelPooling.To(shape.Cs, map) - expected).abs().max().item<double>() < 1e-14);
        },
        iter: 40);

    [Fact]
    public void No_tensor_is_left_behind()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (rand(2, 4, 6, 6), rand(2, 10, 6, 6));
        foreach (var form in Enum.GetValues<AlignmentForm>())
        {
            var before = scope.DisposablesCount;
            AlignmentLoss.Of([student, student], [teacher, teacher], form).Dispose();
            Assert.Equal(before, scope.DisposablesCount);
        }
    }

    private static readonly Gen<(int B, int Cs, int Ct, int H, int W, int Seed)> Shapes =
        Gen.Select(Gen.Int[1, 3], Gen.Int[1, 6], Gen.Int[0, 9], Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[0, 1 << 20])
            .Select((b, cs, more, h, w, seed) => (b, cs, cs + more, h, w, seed));

    private static Tensor Random(int seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, dtype: ScalarType.Float64, generator: generator);
    }

    private static (double Value, Tensor Gradient) Differentiate(Tensor student, Tensor teacher, AlignmentForm form)
    {
        var own = student.detach().clone();
        own.requires_grad = true;
        var loss = AlignmentLoss.Layer(own, teacher, form);
        loss.backward();
        return (loss.item<double>(), own.grad!);
    }

    private static JsonElement Case(string name) =>
        Golden.GetProperty("cases").EnumerateArray().Single(entry => entry.GetProperty("case").GetString() == name);

    private static (Tensor Student, Tensor Teacher) Maps(JsonElement entry)
    {
        var names = entry.GetProperty("names").EnumerateArray().Select(name => name.GetString()!).ToArray();
        var scale = entry.GetProperty("scale").GetDouble();
        return (GoldenJson.Generate(names[0], GoldenJson.Longs(entry.GetProperty("student")), scale),
            GoldenJson.Generate(names[1], GoldenJson.Longs(entry.GetProperty("teacher")), scale));
    }
}
