using System.Text.Json;
using TorchSharp;

namespace SpectralKD.Tests.Models;

/// <summary>
/// What neither set of small models holds, against timm 1.0.11 by the same generator: images of two sizes, pooling by attention, tanh-GELU, no final norm, the
/// gated MLP, registers with positions.
/// </summary>
public sealed class GoldenVariantsTests
{
    private static readonly Lazy<JsonElement> Document = new(() =>
    {
        using var document = JsonDocument.Parse(File.ReadAllText(SharedData.Golden("variants", "cases.json")));
        return document.RootElement.Clone();
    });

    public static TheoryData<string> Cases => SharedData.GoldenCases("").Contains("variants")
        ? [.. Document.Value.EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)] : [];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Cases))]
    public void Logits_and_maps_are_those_of_timm(string name)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var entry = Document.Value.EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == name);
        var spec = GoldenModel.ReadSpec(name, entry.GetProperty("timm_class").GetString()!, entry.GetProperty("kwargs"));
        using var model = ModelCatalog.Create(spec, seed: null);
        model.eval();
        GoldenModel.Load(model);
        var expected = GoldenTensors.Read(SharedData.Golden("variants", "expected.safetensors"));
        long[] shape = [2, 3, spec.ImageSize.Height, spec.ImageSize.Width];

        using var output = model.ForwardIntermediates(tensor(GoldenValues.Generate("input", shape.Aggregate(1L, (a, b) => a * b), 4), shape), null);

        Near(expected[$"{name}.logits"], output.Logits, 3e-5);
        Assert.All(output.Maps, map => Near(expected[$"{name}.block.{map.Block}"], map.Values, 5e-5));
        Assert.Equal(output.Maps.Select(map => map.Values.shape[1..]), model.Blocks.Select(block => new long[] { block.Channels, block.Height, block.Width }));
        Assert.Equal(model.parameters().Sum(parameter => parameter.NumberOfElements), spec.Count().Parameters);
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        var distance = (expected - actual).abs().max().ToDouble();
        Assert.True(distance <= tolerance, $"{distance:g3} away, {tolerance:g3} allowed");
    }
}
