using System.Security.Cryptography;
using SpectralKD.Models;
using SpectralKD.Weights;

namespace SpectralKD.Distillation;

/// <summary>Tells whether a model's weights are the ones that a run was begun with.</summary>
internal static class WeightHash
{
    /// <summary>SHA-256 over names and values of all parameters, lower-case hexadecimal.</summary>
    public static string Of(VisionModel model)
    {
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            foreach (var (name, parameter) in model.named_parameters())
            {
                stream.Write(System.Text.Encoding.UTF8.GetBytes(name));
                TensorBytes.Write(stream, parameter);
            }
        }

        return Convert.ToHexString(sha.Hash!).ToLowerInvariant();
    }
}
