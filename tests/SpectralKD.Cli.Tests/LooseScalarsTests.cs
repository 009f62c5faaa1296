using System.Reflection;
using TorchSharp;

namespace SpectralKD.Cli.Tests;

/// <summary>
/// Nothing that we compile gets to a number of TorchSharp's that a garbage collection can free under torch's hands: not by an operator, not by
/// a method that takes numbers, and not by what TorchSharp does inside a method that we call.
/// </summary>
public sealed class LooseScalarsTests
{
    private static readonly Assembly _torch = typeof(Scalar).Assembly;

    [Theory]
    [InlineData("SpectralKD")]
    [InlineData("SpectralKD.Interactive")]
    [InlineData("SpectralKD.Notebook")]
    [InlineData("SpectralKD.Cli")]
    public void No_number_of_torch_is_made_outside_of_the_file_that_keeps_it_alive(string assembly)
    {
        var types = Assembly.Load(assembly).GetTypes().Where(type => type.FullName != "SpectralKD.Native.HeldScalars");
        Assert.Equal("", string.Join("\n", LooseScalars(types)));
    }

    [Fact]
    public void The_file_that_keeps_numbers_alive_is_there_and_makes_them()
    {
        var held = Assembly.Load("SpectralKD").GetType("SpectralKD.Native.HeldScalars", throwOnError: true)!;
        Assert.NotEmpty(LooseScalars([held]));
    }

    [Theory]
    [InlineData(typeof(Planted.SumWithNumber))]
    [InlineData(typeof(Planted.SumOfTensors))]
    [InlineData(typeof(Planted.Argument))]
    [InlineData(typeof(Planted.Lambda))]
    [InlineData(typeof(Planted.Iterator))]
    [InlineData(typeof(Planted.Step))]
    [InlineData(typeof(Planted.Layer))]
    [InlineData(typeof(Planted.Value))]
    public void A_loose_number_is_found_wherever_it_hides(Type planted) => Assert.NotEmpty(LooseScalars([planted]));

    [Fact]
    public void Code_without_numbers_is_not_blamed() => Assert.Empty(LooseScalars([typeof(Planted.Fine)]));

    // Methods that take a Scalar in hand and do not hand it on to their caller.
    private static List<string> LooseScalars(IEnumerable<Type> types)
    {
        var reached = new ReachableCalls(types.SelectMany(ReachableCalls.Of), _torch);
        return [.. reached.Methods.Where(IsLoose).Select(reached.PathTo).Order(StringComparer.Ordinal)];
    }

    private static bool IsLoose(MethodBase method) => !Gives(method) && ReachableCalls.CallsOf(method).Any(call => Gives(call.Method));

    private static bool Gives(MethodBase method) => method is MethodInfo { ReturnType: var type } ? type == typeof(Scalar) : method.DeclaringType == typeof(Scalar);

    private static class Planted
    {
        internal static class SumWithNumber
        {
            public static Tensor Of(Tensor tensor) => tensor + 1.5;
        }

        internal static class SumOfTensors
        {
            public static Tensor Of(Tensor tensor) => tensor + tensor;
        }

        internal static class Argument
        {
            public static Tensor Of(Tensor tensor) => tensor.masked_fill(tensor, 3);
        }

        internal static class Lambda
        {
            public static IEnumerable<Tensor> Of(IEnumerable<Tensor> tensors) => tensors.Select(tensor => 2 * tensor);
        }

        internal static class Iterator
        {
            public static IEnumerable<Tensor> Of(Tensor tensor)
            {
                yield return tensor > 0;
            }
        }

        internal static class Step
        {
            public static void Of(TorchSharp.Modules.Parameter parameter)
            {
                using var optimizer = optim.AdamW([parameter]);
                optimizer.step();
            }
        }

        internal static class Layer
        {
            public static Tensor Of(Tensor tensor) => Apply(nn.BatchNorm2d(3), tensor);

            private static Tensor Apply(nn.Module<Tensor, Tensor> layer, Tensor tensor) => layer.forward(tensor);
        }

        internal static class Value
        {
            public static double Of(Tensor tensor) => tensor.ToDouble();
        }

        internal static class Fine
        {
            public static Tensor Of(Tensor tensor)
            {
                using var layer = nn.Linear(3, 3);
                return (layer.forward(tensor) - tensor).mul(tensor).sum(1).softmax(0);
            }
        }
    }
}
