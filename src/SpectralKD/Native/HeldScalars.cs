using TorchSharp;

namespace SpectralKD.Native;

/// <summary>
/// Tensor arithmetic with numbers whose <see cref="Scalar"/> lives until torch has answered. TorchSharp 0.107 makes one for every number, also for
/// the hidden factor 1 in the sum of two tensors and for the 2 of a square, and lets go of it before the native call has ended: a garbage collection at that
/// moment frees it under torch's hands ("Expected false to be true", "Unknown scalar type", a crash). So nothing but this file makes a
/// <see cref="Scalar"/>; a test reads the compiled code for it. The results are to the bit those of TorchSharp's own operators.
/// </summary>
internal static class HeldScalars
{
    /// <summary>left + right.</summary>
    internal static Tensor Plus(this Tensor left, Tensor right)
    {
        using var factor = 1.ToScalar();
        return left.add(right, factor);
    }

    /// <summary>left + factor * right, of numbers with a point.</summary>
    internal static Tensor Plus(this Tensor left, Tensor right, double factor)
    {
        using var scalar = factor.ToScalar();
        return left.add(right, scalar);
    }

    /// <summary>Adds factor * right to left, in place.</summary>
    internal static Tensor AddInPlace(this Tensor left, Tensor right, double factor = 1)
    {
        using var scalar = factor.ToScalar();
        return left.add_(right, scalar);
    }

    /// <summary>tensor + number, in place.</summary>
    internal static Tensor AddInPlace(this Tensor tensor, double number)
    {
        using var scalar = number.ToScalar();
        using var factor = 1.ToScalar();
        return tensor.add_(scalar, factor);
    }

    /// <summary>tensor + number.</summary>
    internal static Tensor Plus(this Tensor tensor, double number)
    {
        using var scalar = number.ToScalar();
        using var factor = 1.ToScalar();
        return tensor.add(scalar, factor);
    }

    /// <summary>tensor - number.</summary>
    internal static Tensor Minus(this Tensor tensor, double number)
    {
        using var scalar = number.ToScalar();
        return tensor.sub(scalar);
    }

    /// <summary>tensor * number.</summary>
    internal static Tensor Times(this Tensor tensor, double number)
    {
        using var scalar = number.ToScalar();
        return tensor.mul(scalar);
    }

    /// <summary>tensor * number, in place.</summary>
    internal static Tensor MultiplyInPlace(this Tensor tensor, double number)
    {
        using var scalar = number.ToScalar();
        return tensor.mul_(scalar);
    }

    /// <summary>tensor / number.</summary>
    internal static Tensor Over(this Tensor tensor, double number)
    {
        using var scalar = number.ToScalar();
        return tensor.div(scalar);
    }

    /// <summary>Each value times itself.</summary>
    internal static Tensor Squared(this Tensor tensor)
    {
        using var exponent = 2.ToScalar();
        return tensor.pow(exponent);
    }

    /// <summary>Each value, but at least <paramref name="least"/> and at most <paramref name="most"/>.</summary>
    internal static Tensor Within(this Tensor tensor, double least, double most)
    {
        using var low = least.ToScalar();
        using var high = most.ToScalar();
        return tensor.clamp(low, high);
    }

    /// <summary>Each value, but at least <paramref name="least"/>.</summary>
    internal static Tensor AtLeast(this Tensor tensor, double least)
    {
        using var low = least.ToScalar();
        return tensor.clamp(low);
    }

    /// <summary>average * decay + value * (1 - decay) for many pairs, in place; each number is made once for all of them.</summary>
    internal static void Follow(IEnumerable<(Tensor Average, Tensor Value)> pairs, double decay)
    {
        using var keep = decay.ToScalar();
        using var take = (1 - decay).ToScalar();
        foreach (var (average, value) in pairs)
        {
            average.mul_(keep).add_(value, take);
        }
    }

    /// <summary>AdamW's step for many parameters, in place: torch's operations in torch's order, each number made once for all of them.</summary>
    /// <param name="moves">Parameters with their gradients and both moments.</param>
    /// <param name="numbers">What they are moved by.</param>
    internal static void Move(IEnumerable<(Tensor Parameter, Tensor Gradient, Tensor First, Tensor Second)> moves, AdamWNumbers numbers)
    {
        using var decay = numbers.Decay.ToScalar();
        using var keepFirst = numbers.Beta1.ToScalar();
        using var takeFirst = (1 - numbers.Beta1).ToScalar();
        using var keepSecond = numbers.Beta2.ToScalar();
        using var takeSecond = (1 - numbers.Beta2).ToScalar();
        using var correction = numbers.Correction.ToScalar();
        using var epsilon = numbers.Epsilon.ToScalar();
        using var rate = (-numbers.Rate).ToScalar();
        using var one = 1.ToScalar();
        foreach (var (parameter, gradient, first, second) in moves)
        {
            parameter.mul_(decay);
            first.mul_(keepFirst).add_(gradient, takeFirst);
            second.mul_(keepSecond).addcmul_(gradient, gradient, takeSecond);
            using var root = second.sqrt();
            root.div_(correction).add_(epsilon, one);
            parameter.addcdiv_(first, root, rate);
        }
    }

    /// <summary>A tensor of one value; torch's default type and device where none are given.</summary>
    internal static Tensor Filled(double value, long[] shape, ScalarType? type = null, Device? device = null)
    {
        using var scalar = value.ToScalar();
        return full(shape, scalar, dtype: type, device: device);
    }
}

/// <summary>The numbers of one AdamW step.</summary>
/// <param name="Decay">What weight decay leaves of a parameter.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Correction">Divides the root of the second moment.</param>
/// <param name="Epsilon">Added to that root.</param>
/// <param name="Rate">Learning rate, corrected for the first moment's start.</param>
internal readonly record struct AdamWNumbers(double Decay, double Beta1, double Beta2, double Correction, double Epsilon, double Rate);
