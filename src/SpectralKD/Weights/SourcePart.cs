using SpectralKD.Models;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>A set of weights inside a file without dictionaries (safetensors, TorchSharp's): the tensors whose keys begin alike, without that beginning.</summary>
internal sealed class SourcePart : ITensorSource
{
    private readonly ITensorSource whole;
    private readonly string prefix;

    private SourcePart(ITensorSource whole, CheckpointPart part, IReadOnlyList<CheckpointPart> parts)
    {
        this.whole = whole;
        prefix = part.Prefix;
        Tensors = whole.Tensors.Where(pair => CheckpointPart.OwnerOf(pair.Key, parts)?.Prefix == prefix)
            .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value with { Key = pair.Key[prefix.Length..] }, StringComparer.Ordinal);
        var others = whole.Tensors.Keys.Where(key => CheckpointPart.OwnerOf(key, parts) is null).ToList();
        Notes = [.. whole.Notes, .. part.Notes(parts), .. others.Count == 0 ? Array.Empty<string>() : [CheckpointChoice.OtherParts(others)]];
    }

    /// <inheritdoc/>
    public string Name => whole.Name;

    /// <inheritdoc/>
    public string? FilePath => whole.FilePath;

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>The chosen part of a source: the source itself where its keys are plain and there is nothing to choose.</summary>
    /// <exception cref="SpectralKDException">The source has no such part; it is disposed of.</exception>
    public static ITensorSource Choose(ITensorSource whole, string? wanted, ModelSpec? spec)
    {
        try
        {
            var parts = CheckpointPart.In("", [.. whole.Tensors.Keys], key => whole.Tensors[key].Shape, spec).Distinct().ToList();
            if (parts.Count == 0)
            {
                return wanted is null or "plain" ? whole : throw CheckpointPart.Absent(parts, wanted, Holds(whole));
            }

            var part = CheckpointPart.Choose(parts, wanted, Holds(whole));
            return part.Prefix.Length == 0 && parts.Count == 1 ? whole : new SourcePart(whole, part, parts);
        }
        catch (SpectralKDException error)
        {
            whole.Dispose();
            throw new SpectralKDException($"cannot take weights from '{whole.FilePath ?? whole.Name}': {error.Message}", error);
        }
        catch
        {
            whole.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Tensor Read(string key) => whole.Read(prefix + key);

    /// <inheritdoc/>
    public void ReadInto(string key, Tensor destination) => whole.ReadInto(prefix + key, destination);

    /// <inheritdoc/>
    public void Dispose() => whole.Dispose();

    private static string Holds(ITensorSource source) =>
        source.Tensors.Count == 0 ? "nothing" : string.Join(", ", source.Tensors.Keys.Take(3)) + (source.Tensors.Count > 3 ? $" and {source.Tensors.Count - 3} more tensors" : "");
}
