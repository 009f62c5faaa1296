using System.Globalization;
using System.Text.Json;
using SpectralKD.Tests.Models;

namespace SpectralKD.Tests.Distillation;

/// <summary>Golden JSON files, and tensors by the generator's names.</summary>
internal static class GoldenJson
{
    public static JsonElement Read(params string[] path) => JsonDocument.Parse(File.ReadAllText(SharedData.Golden(path))).RootElement;

    public static double[] Doubles(JsonElement list) => [.. list.EnumerateArray().Select(Double)];

    // Some numbers stand as text, to keep all their digits.
    public static double Double(JsonElement number) => number.ValueKind == JsonValueKind.String
        ? double.Parse(number.GetString()!, CultureInfo.InvariantCulture)
        : number.GetDouble();

    public static long[] Longs(JsonElement list) => [.. list.EnumerateArray().Select(number => number.GetInt64())];

    public static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(number => number.GetInt32())];

    public static Tensor Generate(string name, long[] shape, double scale) =>
        tensor(GoldenValues.Generate(name, shape.Aggregate(1L, (a, b) => a * b), scale), shape);

    public static double Norm(Tensor values) => Math.Sqrt(values.to(ScalarType.Float64).square().sum().item<double>());
}
