using TorchSharp;

namespace SpectralKD.Tests.Models;

/// <summary>
/// bfloat16 against float64, from the same weights and images (rounded to bfloat16 first, so that only the computing differs). The widths
/// are no multiples of 16 where libtorch's bfloat16 convolution is wrong on CPUs with AVX-512: by half of the value, far beyond these bounds.
/// </summary>
public sealed class BFloat16Tests
{
    // One rounding to 8 bits of mantissa is 2^-9 at most; a layer rounds its result, a model each of some ten layers in a row.
    private const double Layer = 0.005;
    private const double Model = 0.05;

    public static TheoryData<string, int> Families
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var channels in new[] { 24, 31, 40, 48 })
            {
                cases.Add("ViT", channels);
                cases.Add("DeiT", channels);
                cases.Add("CaiT", channels);
                cases.Add("Swin", channels);
                cases.Add("PVT v2", channels);
                cases.Add("PVT v2 linear", channels);
                cases.Add("Twins PCPVT", channels);
                cases.Add("Twins SVT", channels);
                cases.Add("BEiT", channels);
                cases.Add("Swin v2", channels);
                cases.Add("Hiera", channels);
                if (channels % 4 == 0)
                {
                    cases.Add("CrossFormer", channels);
                }
            }

            return cases;
        }
    }

    [Theory]
    [InlineData(2, 24)]
    [InlineData(4, 24)]
    [InlineData(4, 31)]
    [InlineData(8, 40)]
    [InlineData(16, 48)]
    public void Patches_are_projected_in_bfloat16_as_in_float64_and_so_are_their_gradients(int patch, int channels)
    {
        using var layer = new Convolution(3, channels, patch, patch);
        Fill(layer);
        using var images = Images(3 * patch);

        var exact = Outcome.Of(layer, images, ScalarType.Float64, input => layer.forward(input));
        var brief = Outcome.Of(layer, images, ScalarType.BFloat16, input => layer.forward(input));

        Assert.Equal([2, channels, 3, 3], exact.Shape);
        brief.AssertNear(exact, Layer);
    }

    // Overlapping patches, patches of a map that they do not fill, depth-wise, as it is.
    [Theory]
    [InlineData(7, 4, 3, 1, 24)]
    [InlineData(7, 4, 3, 1, 31)]
    [InlineData(3, 2, 1, 1, 40)]
    [InlineData(4, 4, 0, 1, 31)]
    [InlineData(3, 1, 1, 3, 30)]
    [InlineData(1, 1, 0, 1, 40)]
    public void Convolutions_are_computed_in_bfloat16_as_in_float64_and_so_are_their_gradients(int kernel, int stride, int padding, int groups, int channels)
    {
        using var layer = new Convolution(3, channels, kernel, stride, padding, groups);
        Fill(layer);
        using var images = Images(19);

        var exact = Outcome.Of(layer, images, ScalarType.Float64, input => layer.forward(input));
        var brief = Outcome.Of(layer, images, ScalarType.BFloat16, input => layer.forward(input));

        Assert.Equal([2, channels, ((19 + (2 * padding) - kernel) / stride) + 1, ((19 + (2 * padding) - kernel) / stride) + 1], exact.Shape);
        brief.AssertNear(exact, Layer);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_model_in_bfloat16_and_its_gradients_follow_float64_at_any_width(string family, int channels)
    {
        using var model = ModelCatalog.Create(Spec(family, channels), seed: 3);
        model.eval();
        Fill(model);
        using var images = Images(32);

        var exact = Outcome.Of(model, images, ScalarType.Float64, model.forward);
        var brief = Outcome.Of(model, images, ScalarType.BFloat16, model.forward);

        brief.AssertNear(exact, family == "Hiera" ? 2 * Model : Model); // the largest of four patches is another one where rounding exchanges two: so is its gradient
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void The_feature_maps_of_a_model_in_bfloat16_follow_float64_at_any_width(string family, int channels)
    {
        using var model = ModelCatalog.Create(Spec(family, channels), seed: 3);
        model.eval();
        Fill(model);
        using var images = Images(32);
        using var guard = no_grad();

        var exact = Maps(model, images, ScalarType.Float64);
        var brief = Maps(model, images, ScalarType.BFloat16);

        Assert.All(exact.Zip(brief), maps => Assert.InRange(Distance(maps.Second, maps.First), 0, Model));
    }

    private static ModelSpec Spec(string family, int channels)
    {
        var heads = channels % 4 == 0 ? 4 : 1;
        return family switch
        {
            "Swin" => new SwinSpec
            {
                Name = "swin",
                ImageSize = 32,
                PatchSize = 4,
                WindowSize = 4,
                EmbedDim = channels,
                Depths = [2, 2],
                Heads = [heads, heads],
                Classes = 10,
            },
            "PVT v2" or "PVT v2 linear" => new PvtV2Spec
            {
                Name = "pvt",
                ImageSize = 32,
                EmbedDim = channels,
                LaterDims = [channels],
                Depths = [1, 1],
                Heads = [heads, heads],
                MlpRatios = [4, 4],
                Reductions = [2, 1],
                LinearAttention = family.EndsWith("linear"),
                Classes = 10,
            },
            "Twins PCPVT" or "Twins SVT" => new TwinsSpec
            {
                Name = "twins",
                ImageSize = 32,
                PatchSize = 4,
                EmbedDim = channels,
                LaterDims = [channels],
                Depths = [2, 2],
                Heads = [heads, heads],
                MlpRatios = [4, 4],
                Reductions = [3, 1],
                Windows = family.EndsWith("SVT") ? [3, 4] : null,
                Classes = 10,
            },
            "CaiT" => new CaitSpec
            {
                Name = "cait",
                ImageSize = 32,
                PatchSize = 8,
                EmbedDim = channels,
                Depth = 2,
                ClassDepth = 1,
                Heads = heads,
                LayerScale = 0.5,
                Classes = 10,
            },
            "BEiT" => new BeitSpec { Name = "beit", ImageSize = 32, PatchSize = 8, EmbedDim = channels, Depth = 2, Heads = heads, LayerScale = 0.5, Classes = 10 },
            "Swin v2" => new SwinV2Spec { Name = "swinv2", ImageSize = 32, WindowSize = 4, EmbedDim = channels, Depths = [2, 2], Heads = [heads, heads], Classes = 10 },
            "Hiera" => new HieraSpec
            {
                Name = "hiera",
                ImageSize = 32,
                EmbedDim = channels,
                Heads = heads,
                Depths = [1, 1],
                Poolings = 1,
                MaskUnit = 4,
                UnitAttention = [true, false],
                GlobalPositions = 3,
                Classes = 10,
            },
            "CrossFormer" => new CrossFormerSpec
            {
                Name = "crossformer",
                ImageSize = 32,
                PatchSizes = [4, 8],
                EmbedDim = channels,
                Depths = [2, 1],
                Heads = [heads, heads],
                Groups = [3, 3],
                Intervals = [2, 1],
                Classes = 10,
            },
            _ => new VisionTransformerSpec
            {
                Name = family == "DeiT" ? "deit" : "vit",
                ImageSize = 32,
                PatchSize = 8,
                EmbedDim = channels,
                Depth = 2,
                Heads = heads,
                Classes = 10,
                Distilled = family == "DeiT",
            },
        };
    }

    // Weights large enough that every layer counts; those of norms stay near 1.
    private static void Fill(nn.Module module)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in module.named_parameters())
        {
            var size = parameter.shape.Length > 1 ? 1 / Math.Sqrt(parameter.shape.Skip(1).Aggregate(1L, (product, side) => product * side)) : 0.2;
            var values = tensor(GoldenValues.Generate(name, (int)parameter.numel(), (float)(2 * size)), parameter.shape);
            parameter.copy_((name.Contains("norm") && name.EndsWith("weight") ? values.add(ones_like(values)) : values).to(ScalarType.BFloat16));
        }
    }

    private static Tensor Images(int side)
    {
        using var values = tensor(GoldenValues.Generate("images", 2 * 3 * side * side, 2), [2, 3, side, side]);
        return values.to(ScalarType.BFloat16);
    }

    private static double[][] Maps(VisionModel model, Tensor images, ScalarType type)
    {
        using var scope = NewDisposeScope();
        model.to(type);
        using var output = model.ForwardIntermediates(images.to(type), null);
        return [.. output.Maps.Select(map => Doubles(map.Values))];
    }

    private static double[] Doubles(Tensor values)
    {
        using var wide = values.detach().to(ScalarType.Float64).contiguous();
        return wide.data<double>().ToArray();
    }

    // Length of the difference over the length of the exact values.
    private static double Distance(double[] values, double[] exact) =>
        Math.Sqrt(values.Zip(exact, (a, b) => (a - b) * (a - b)).Sum() / exact.Sum(value => value * value));

    private sealed record Outcome(long[] Shape, double[] Result, double[] ImageGradient, Dictionary<string, double[]> Gradients)
    {
        public static Outcome Of(nn.Module module, Tensor images, ScalarType type, Func<Tensor, Tensor> forward)
        {
            using var scope = NewDisposeScope();
            module.to(type);
            module.zero_grad();
            var input = images.to(type, copy: true).requires_grad_();
            var result = forward(input);
            var weights = tensor(GoldenValues.Generate("direction", (int)result.numel(), 2), result.shape).to(ScalarType.BFloat16).to(type);
            (result * weights).sum().backward();
            return new Outcome(result.shape, Doubles(result), Doubles(input.grad!), module.named_parameters().ToDictionary(
                entry => entry.name, entry => Doubles(entry.parameter.grad!)));
        }

        public void AssertNear(Outcome exact, double bound)
        {
            Assert.InRange(Distance(Result, exact.Result), 0, bound);
            Assert.InRange(Distance(ImageGradient, exact.ImageGradient), 0, bound);
            Assert.InRange(Distance(All, exact.All), 0, bound);
            foreach (var (name, gradient) in exact.Gradients.Where(entry => entry.Key.Contains("proj.") && !entry.Key.Contains("attn") || entry.Key is "weight" or "bias"))
            {
                Assert.InRange(Distance(Gradients[name], gradient), 0, bound);
            }
        }

        private double[] All => [.. Gradients.OrderBy(entry => entry.Key, StringComparer.Ordinal).SelectMany(entry => entry.Value)];
    }
}
