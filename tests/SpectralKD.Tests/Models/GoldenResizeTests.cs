using System.Text.Json;
using TorchSharp;

namespace SpectralKD.Tests.Models;

/// <summary>Tensors of a checkpoint at another image size, patch size or window against timm 1.0.11's own functions.</summary>
public sealed class GoldenResizeTests
{
    private const double Tolerance = 3e-6; // float32 there, and weights of either sign up to 1
    private static readonly Lazy<JsonElement> Document = new(() =>
    {
        using var document = JsonDocument.Parse(File.ReadAllText(SharedData.Golden("resize2", "resize.json")));
        return document.RootElement.Clone();
    });

    public static TheoryData<string> Cases => SharedData.GoldenCases("").Contains("resize2")
        ? [.. Document.Value.GetProperty("cases").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)] : [];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Cases))]
    public void Tables_and_kernels_are_resampled_as_timm_does(string name)
    {
        using var scope = NewDisposeScope();
        var entry = Document.Value.GetProperty("cases").EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == name);
        long[] shape = [.. entry.GetProperty("shape_in").EnumerateArray().Select(size => size.GetInt64())];
        var stored = tensor(GoldenValues.Generate(name, shape.Aggregate(1L, (a, b) => a * b), entry.GetProperty("scale").GetDouble()), shape);

        var resized = entry.GetProperty("kind").GetString() switch
        {
            "pos_embed" => PositionEmbedding.Resize(stored, Int("prefix"), Ints("old")[0], Ints("new")[0], Ints("new")[1]),
            "relative_position_bias_table" => RelativePositionBias.Resize(stored, Int("window_new"), Int("window_new"), Int("extra_rows")),
            _ => PatchKernel.Resize(stored, Int("new")),
        };

        Near(Expected(name), resized, Tolerance);

        int Int(string key) => entry.GetProperty(key).GetInt32();

        int[] Ints(string key) => [.. entry.GetProperty(key).EnumerateArray().Select(size => size.GetInt32())];
    }

    [Theory]
    [InlineData("vit_dinov2", 84, 0)]
    [InlineData("vit_dinov2_reg4", 70, 0)]
    [InlineData("swin", 80, 5)]
    public void A_whole_model_in_images_of_another_size_is_timms(string name, int size, int window)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var golden = new GoldenModel(name);
        using var trained = golden.Create();
        var spec = golden.Spec with { ImageSize = size };
        using var model = ModelCatalog.Create(spec is SwinSpec swin ? swin with { WindowSize = window } : spec, seed: null);
        using var folder = new SpectralKD.Tests.Weights.TemporaryFolder();
        ModelLoader.Save(trained, folder.File("trained.safetensors"));
        using (var weights = WeightsFile.Open(folder.File("trained.safetensors")))
        {
            WeightLoader.Load(model, weights);
        }

        model.eval();
        var images = tensor(GoldenValues.Generate("input", 2L * 3 * size * size, 4), [2, 3, size, size]);
        using var output = model.ForwardIntermediates(images, [-1]);

        var prefix = $"end.{name}.{size}{(window > 0 ? $".w{window}" : "")}";
        Near(Expected($"{prefix}.logits"), output.Logits, golden.LogitTolerance);
        Near(Expected($"{prefix}.block.{output.Maps[0].Block}"), output.Maps[0].Values, golden.MapTolerance);
    }

    [Fact]
    public void A_kernel_that_is_stored_as_a_matrix_of_whole_patches_is_taken_as_a_kernel()
    {
        using var scope = NewDisposeScope();
        var kernel = rand(5, 3, 4, 4);

        Assert.True(PatchKernel.Fit(kernel.flatten(1), 4).Equals(kernel));
        Assert.Same(kernel, PatchKernel.Fit(kernel, 4));
    }

    private static Tensor Expected(string name) => GoldenTensors.Read(SharedData.Golden("resize2", "resize.safetensors"))[name];

    private static void Near(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        var distance = (expected - actual).abs().max().ToDouble();
        Assert.True(distance <= tolerance, $"{distance:g3} away, {tolerance:g3} allowed");
    }
}
