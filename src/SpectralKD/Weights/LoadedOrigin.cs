using System.Security.Cryptography;
using System.Text;

namespace SpectralKD.Weights;

/// <summary>What a model says of weights that were just loaded: the file and its hash, and one line for all that was chosen, replaced or passed over.</summary>
internal static class LoadedOrigin
{
    private const int NamesShown = 3;

    /// <summary>The origin of a model whose weights came from a source.</summary>
    public static ModelOrigin Of(VisionModel model, ITensorSource source, LoadReport report) => new()
    {
        Kind = WeightsKind.File,
        Name = source.FilePath ?? source.Name,
        Sha256 = source.Files.Count > 0 ? Hash(source.Files) : null,
        FreshHead = report.FreshHead.Count > 0,
        Notes = [.. source.Notes, .. Notes(model, source, report)],
    };

    private static IEnumerable<string> Notes(VisionModel model, ITensorSource source, LoadReport report)
    {
        if (report.FreshHead.Count > 0)
        {
            yield return $"the head ({model.Spec.Classes} classes) is fresh: its weights are random, its logits mean nothing ("
                + (HeadRows.Of(source) is { } classes ? $"the file's has {classes} classes)" : "the file has no head)");
        }

        if (report.Resized.Count > 0)
        {
            yield return $"{Tensors(report.Resized)} interpolated to images of {model.Spec.ImageSize} pixels";
        }

        var ignored = report.Ignored.Where(key => !CheckpointKeys.IsComputed(key)).ToList();
        if (ignored.Count > 0)
        {
            yield return $"{Tensors(ignored)} of the file not used: the model has no such layer";
        }

        if (NotFinite(model) is { } damage)
        {
            yield return damage;
        }
    }

    /// <summary>One line if weights are NaN or infinite: whatever is computed with them will be, too.</summary>
    private static string? NotFinite(VisionModel model)
    {
        var broken = FiniteWeights.Broken(model.state_dict().Select(pair => (pair.Key, pair.Value))).ToList();
        var count = broken.Sum(tensor => tensor.Count);
        return count == 0 ? null
            : $"WEIGHTS ARE NOT FINITE: {count} {(count == 1 ? "number is" : "numbers are")} NaN or infinite, in {Tensors([.. broken.Select(tensor => tensor.Name)])}";
    }

    private static string Tensors(IReadOnlyList<string> keys) =>
        $"{keys.Count} {(keys.Count == 1 ? "tensor" : "tensors")} ({string.Join(", ", keys.Take(NamesShown))}{(keys.Count > NamesShown ? ", …" : "")})";

    // Of several files, the hash of all their bytes in order.
    private static string Hash(IReadOnlyList<string> files)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        foreach (var path in files)
        {
            try
            {
                using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1, FileOptions.SequentialScan);
                for (var read = stream.Read(buffer); read > 0; read = stream.Read(buffer))
                {
                    sha.AppendData(buffer, 0, read);
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new SpectralKDException($"cannot read the weights file '{path}' again: {error.Message}", error);
            }
        }

        return Convert.ToHexString(sha.GetHashAndReset()).ToLowerInvariant();
    }
}

/// <summary>Finds weights that hold NaN or infinity: a model is said to have them when it is loaded, and a run does not begin with them.</summary>
internal static class FiniteWeights
{
    /// <summary>The name of the first tensor with such a value; null where every value is a finite number.</summary>
    public static string? FirstBroken(IEnumerable<(string Name, Tensor Values)> weights) => Broken(weights).Select(tensor => tensor.Name).FirstOrDefault();

    /// <summary>The tensors with such values, and how many of them each holds, read one by one.</summary>
    public static IEnumerable<(string Name, long Count)> Broken(IEnumerable<(string Name, Tensor Values)> weights)
        => weights.Where(weight => weight.Values.is_floating_point()).Select(weight => (weight.Name, Count(weight.Values))).Where(tensor => tensor.Item2 > 0);

    private static long Count(Tensor values)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return values.numel() - values.isfinite().count_nonzero().item<long>();
    }
}

/// <summary>Tells whether two models have the same weights: the ones that a run was begun with, those that two spectra were made with.</summary>
internal static class WeightHash
{
    /// <summary>SHA-256 over names and values of all parameters and buffers in the type that they have, lower-case hexadecimal.</summary>
    public static string Of(VisionModel model)
    {
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            foreach (var (name, values) in model.named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter)).Concat(model.named_buffers()))
            {
                stream.Write(Encoding.UTF8.GetBytes(name));
                TensorBytes.Write(stream, values);
            }
        }

        return Convert.ToHexString(sha.Hash!).ToLowerInvariant();
    }
}
