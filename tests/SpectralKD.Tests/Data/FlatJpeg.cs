namespace SpectralKD.Tests.Data;

/// <summary>Writes baseline JPEGs of one 8 x 8 block of a single colour in any number of components, which Skia's encoder does not.</summary>
internal static class FlatJpeg
{
    /// <summary>
    /// One component gives grey; three are YCbCr; four are stored as they are, under an Adobe marker without transform (inverted CMYK).
    /// </summary>
    public static byte[] Make(params byte[] components)
    {
        var n = (byte)components.Length;
        byte[] adobe = n == 4 ? [0xFF, 0xEE, 0, 14, .. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0] : [];
        return
        [
            0xFF, 0xD8, .. adobe,
            0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)8, 64), // all steps 8: the first coefficient is the colour - 128
            0xFF, 0xC0, 0, (byte)(8 + (3 * n)), 8, 0, 8, 0, 8, n, .. Enumerable.Range(1, n).SelectMany(i => new byte[] { (byte)i, 0x11, 0 }),
            0xFF, 0xC4, 0, 28, 0x00, 0, 0, 0, 9, .. new byte[12], 0, 1, 2, 3, 4, 5, 6, 7, 8, // nine codes of 4 bits: 0 to 8 further bits
            0xFF, 0xC4, 0, 20, 0x10, 1, .. new byte[15], 0, // one code of 1 bit: end of block
            0xFF, 0xDA, 0, (byte)(6 + (2 * n)), n, .. Enumerable.Range(1, n).SelectMany(i => new byte[] { (byte)i, 0 }), 0, 63, 0,
            .. Pack(string.Concat(components.Select(Block))),
            0xFF, 0xD9,
        ];
    }

    private static string Block(byte colour)
    {
        var difference = colour - 128;
        var size = difference == 0 ? 0 : Convert.ToString(Math.Abs(difference), 2).Length;
        var bits = difference < 0 ? difference + (1 << size) - 1 : difference;
        return Convert.ToString(size, 2).PadLeft(4, '0') + (size == 0 ? "" : Convert.ToString(bits, 2).PadLeft(size, '0')) + "0";
    }

    private static IEnumerable<byte> Pack(string bits)
    {
        var padded = bits.PadRight((bits.Length + 7) / 8 * 8, '1');
        for (var i = 0; i < padded.Length; i += 8)
        {
            var value = Convert.ToByte(padded.Substring(i, 8), 2);
            yield return value;
            if (value == 0xFF)
            {
                yield return 0; // stuffing
            }
        }
    }
}
