using System.Security.Cryptography;
using System.Text;

namespace SpectralKD.Notebook.Jupyter.Wire;

/// <summary>Signs and verifies messages: HMAC-SHA256 over header, parent header, metadata and content. An empty key signs nothing.</summary>
internal sealed class MessageSigner(string key)
{
    private readonly byte[] _key = Encoding.UTF8.GetBytes(key);

    /// <summary>The signature in lower-case hexadecimal, as ASCII bytes.</summary>
    public byte[] Sign(params ReadOnlySpan<byte[]> parts)
    {
        if (_key.Length == 0)
        {
            return [];
        }
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        foreach (var part in parts)
        {
            hmac.AppendData(part);
        }
        return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hmac.GetHashAndReset()));
    }

    /// <summary>False where the key is empty: then there are no signatures to check or to remember.</summary>
    public bool Signs => _key.Length > 0;

    /// <summary>True where the signature fits, compared in constant time.</summary>
    public bool Verify(byte[] signature, params ReadOnlySpan<byte[]> parts)
        => _key.Length == 0 || CryptographicOperations.FixedTimeEquals(signature, Sign(parts));
}
