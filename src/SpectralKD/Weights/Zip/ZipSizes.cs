using System.Buffers.Binary;

namespace SpectralKD.Weights.Zip;

/// <summary>An entry's sizes and place; 32-bit fields that are all ones stand in a zip64 extra field instead.</summary>
internal readonly record struct ZipSizes(long Length, long StoredLength, long LocalOffset)
{
    private const ushort Zip64 = 1;

    /// <summary>Replaces the fields that overflowed by those of the zip64 extra field, which lists them in this order.</summary>
    public ZipSizes WithExtra(ReadOnlySpan<byte> extra)
    {
        var wide = Field(extra);
        return new ZipSizes(Next(Length, ref wide), Next(StoredLength, ref wide), Next(LocalOffset, ref wide));
    }

    private static long Next(long value, ref ReadOnlySpan<byte> wide)
    {
        if (value != uint.MaxValue)
        {
            return value;
        }

        if (wide.Length < 8 || BinaryPrimitives.ReadInt64LittleEndian(wide) is var number && number < 0)
        {
            throw new SpectralKDException("its zip directory has an entry without the 64-bit sizes that it announces");
        }

        number = BinaryPrimitives.ReadInt64LittleEndian(wide);
        wide = wide[8..];
        return number;
    }

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            var id = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            var length = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]), extra.Length - 4);
            if (id == Zip64)
            {
                return extra.Slice(4, length);
            }

            extra = extra[(4 + length)..];
        }

        return [];
    }
}
