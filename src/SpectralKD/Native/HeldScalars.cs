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

    /// <summary>Adds factor * first * second to tensor, in place.</summary>
    internal static Tensor AddProductInPlace(this Tensor tensor, Tensor first, Tensor second, double factor)
    {
        using var scalar = factor.ToScalar();
        return tensor.addcmul_(first, second, scalar);
    }

    /// <summary>Adds factor * first / second to tensor, in place.</summary>
    internal static Tensor AddQuotientInPlace(this Tensor tensor, Tensor first, Tensor second, double factor)
    {
        using var scalar = factor.ToScalar();
        return tensor.addcdiv_(first, second, scalar);
    }

    /// <summary>A tensor of one value; torch's default type and device where none are given.</summary>
    internal static Tensor Filled(double value, long[] shape, ScalarType? type = null, Device? device = null)
    {
        using var scalar = value.ToScalar();
        return full(shape, scalar, dtype: type, device: device);
    }
}
