using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>
/// A set of named tensors that can be listed before any of them is read: a safetensors file, a PyTorch checkpoint.
/// Opening a source checks everything that reading relies on, so that reading does not fail half-way through a model.
/// </summary>
public interface ITensorSource : IDisposable
{
    /// <summary>What the source is called in messages: usually the file's name.</summary>
    string Name { get; }

    /// <summary>Full path of the file; null for a source that is none.</summary>
    string? FilePath => null;

    /// <summary>What was chosen or passed over in opening it, one line each, for <see cref="Models.ModelOrigin.Notes"/>.</summary>
    IReadOnlyList<string> Notes => [];

    /// <summary>Keys whose values are no plain tensors (sparse, quantized, complex, numpy arrays), and what they are.</summary>
    IReadOnlyDictionary<string, string> PassedOver => new Dictionary<string, string>();

    /// <summary>All tensors by key, in the source's order.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>Reads one tensor into a new CPU tensor of the stored type and shape.</summary>
    /// <exception cref="SpectralKDException">There is no such key, or torch has no such type.</exception>
    Tensor Read(string key);

    /// <summary>Reads one tensor into an existing one of the same shape, converting type and device as needed.</summary>
    /// <exception cref="SpectralKDException">There is no such key, or its shape is not the destination's.</exception>
    void ReadInto(string key, Tensor destination);
}
