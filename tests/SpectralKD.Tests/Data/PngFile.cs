using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace SpectralKD.Tests.Data;

/// <summary>Writes PNG files of any colour type, which Skia's encoder does not.</summary>
internal static class PngFile
{
    public static byte[] Make(int width, int height, int depth, int colourType, byte[] samples, params (string Type, byte[] Data)[] extra)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = ((byte)depth, (byte)colourType);
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        WriteChunk(file, "IHDR", header);
        foreach (var (type, data) in extra)
        {
            WriteChunk(file, type, data);
        }

        WriteChunk(file, "IDAT", Compress(samples, height));
        WriteChunk(file, "IEND", []);
        return file.ToArray();
    }

    private static byte[] Compress(byte[] samples, int height)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest))
        {
            var stride = samples.Length / height;
            for (var y = 0; y < height; y++)
            {
                zlib.WriteByte(0); // no filter
                zlib.Write(samples, y * stride, stride);
            }
        }

        return packed.ToArray();
    }

    private static void WriteChunk(MemoryStream file, string type, byte[] data)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes(type), .. data];
        var number = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
        file.Write(number);
    }

    public static uint Crc(byte[] data)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
            }
        }

        return ~crc;
    }
}
