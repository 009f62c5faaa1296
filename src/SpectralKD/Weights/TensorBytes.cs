using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>The raw memory of contiguous CPU tensors.</summary>
internal static class TensorBytes
{
    private const long PartElements = 1L << 27; // at most 1 GiB of 8-byte numbers: a span holds less than 2 GiB

    /// <summary>All bytes of a contiguous CPU tensor of less than 2 GiB.</summary>
    public static Span<byte> Of(Tensor tensor) => tensor.numel() == 0 ? [] : tensor.bytes;

    /// <summary>Consecutive flat views of a contiguous tensor, each small enough for <see cref="Of"/>; they share its memory.</summary>
    public static List<Tensor> Parts(Tensor tensor)
    {
        var flat = tensor.view(-1); // (numel)
        var parts = new List<Tensor>();
        for (long first = 0; first < flat.shape[0]; first += PartElements)
        {
            parts.Add(flat.narrow(0, first, Math.Min(PartElements, flat.shape[0] - first)));
        }

        return parts;
    }

    /// <summary>Writes a tensor's bytes, row-major, from whatever device and layout it has.</summary>
    public static void Write(Stream stream, Tensor tensor)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        foreach (var part in Parts(tensor.detach().cpu().contiguous()))
        {
            stream.Write(Of(part));
        }
    }
}
