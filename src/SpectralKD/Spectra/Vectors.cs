using System.Collections.Immutable;
using System.Numerics.Tensors;

namespace SpectralKD.Spectra;

/// <summary>Element-wise arithmetic on the immutable arrays that spectra are made of.</summary>
internal static class Vectors
{
    /// <summary>Element-wise sum of two arrays of one length.</summary>
    internal static ImmutableArray<double> Plus(this ImmutableArray<double> left, ImmutableArray<double> right)
    {
        var sum = new double[left.Length];
        TensorPrimitives.Add(left.AsSpan(), right.AsSpan(), sum);
        return Freeze(sum);
    }

    /// <summary>Every element divided by a number.</summary>
    internal static ImmutableArray<double> Over(this ImmutableArray<double> values, double divisor)
    {
        var quotient = new double[values.Length];
        TensorPrimitives.Divide(values.AsSpan(), divisor, quotient);
        return Freeze(quotient);
    }

    /// <summary>Sum of all elements.</summary>
    internal static double Total(this ImmutableArray<double> values) => TensorPrimitives.Sum(values.AsSpan());

    private static ImmutableArray<double> Freeze(double[] array)
        => System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(array);
}
