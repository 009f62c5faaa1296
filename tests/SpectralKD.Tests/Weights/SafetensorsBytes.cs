using System.Buffers.Binary;
using System.Text;

namespace SpectralKD.Tests.Weights;

/// <summary>Hand-made safetensors files, valid or not.</summary>
internal static class SafetensorsBytes
{
    /// <summary>A header as it stands, followed by so many bytes of data 0, 1, 2, …</summary>
    public static byte[] File(string header, int dataLength)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + dataLength];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)json.Length);
        json.CopyTo(bytes, 8);
        for (var i = 0; i < dataLength; i++)
        {
            bytes[8 + json.Length + i] = (byte)i;
        }

        return bytes;
    }
}
