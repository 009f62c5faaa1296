using System.ComponentModel;
using TorchSharp;

namespace SpectralKD.Notebook.Session.Running;

/// <summary>
/// What cells call instead of a function of TorchSharp that does not catch libtorch's exceptions: there a wrong shape would end the process
/// and lose all variables.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class TorchGuard
{
    /// <summary><c>torch.matmul</c>, with libtorch's conditions asked before the call. Compiled into cells; not meant to be called by hand.</summary>
    /// <exception cref="ArgumentException">The tensors do not fit, in PyTorch's words.</exception>
    public static torch.Tensor Matmul(torch.Tensor input, torch.Tensor target)
    {
        if (input is not null && target is not null && Problem(input, target) is { } problem)
        {
            throw new ArgumentException(problem);
        }

        return input!.matmul(target);
    }

    private static string? Problem(torch.Tensor input, torch.Tensor target) => (input, target) switch
    {
        _ when input.dim() == 0 || target.dim() == 0
            => $"both arguments to matmul need to be at least 1D, but they are {input.dim()}D and {target.dim()}D",
        _ when input.device_type != target.device_type || input.device_index != target.device_index
            => $"Expected all tensors to be on the same device, but found at least two devices, {input.device} and {target.device}!",
        _ when input.dtype != target.dtype
            => $"expected m1 and m2 to have the same dtype, but got: {input.dtype} != {target.dtype}",
        _ when input.dtype == torch.ScalarType.Bool => "\"addmm_impl_cpu_\" not implemented for 'Bool'",
        _ when input.shape[^1] != target.shape[^Math.Min(2, target.shape.Length)]
            => $"mat1 and mat2 shapes cannot be multiplied ({Sizes(input)} and {Sizes(target)})",
        _ => BatchProblem(input.shape.SkipLast(2).Reverse().ToArray(), target.shape.SkipLast(2).Reverse().ToArray()),
    };

    /// <summary>All dimensions but the last two are broadcast.</summary>
    private static string? BatchProblem(long[] a, long[] b)
    {
        var at = a.Zip(b).Index().FirstOrDefault(pair => pair.Item.First != pair.Item.Second && pair.Item.First != 1 && pair.Item.Second != 1, (-1, default));
        return at.Index < 0 ? null
            : $"The size of tensor a ({at.Item.First}) must match the size of tensor b ({at.Item.Second}) at non-singleton dimension "
                + $"{Math.Max(a.Length, b.Length) - 1 - at.Index}";
    }

    private static string Sizes(torch.Tensor tensor) => string.Join('x', tensor.shape);
}
