using System.Security.Cryptography;
using System.Text;

namespace SpectralKD.Weights;

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
