using System.Buffers.Binary;

namespace SpectralKD.Weights.Zip;

/// <summary>The end record of a zip archive: where its directory lies and how many entries it has.</summary>
internal readonly record struct ZipEnd(long DirectoryOffset, long DirectoryEnd, long Entries)
{
    private const int EndLength = 22, LocatorLength = 20, Zip64Length = 56, LongestComment = ushort.MaxValue;
    private const uint EndSignature = 0x06054b50, LocatorSignature = 0x07064b50, Zip64Signature = 0x06064b50;

    /// <summary>Searches the record backwards from the end of the file.</summary>
    public static ZipEnd Find(MappedFile file)
    {
        var length = (int)Math.Min(file.Length, EndLength + LongestComment);
        var tail = file.Slice(file.Length - length, length);
        for (var i = length - EndLength; i >= 0; i--)
        {
            var record = tail[i..];
            if (U32(record, 0) == EndSignature && U16(record, 20) == record.Length - EndLength)
            {
                return Check(Read(file, file.Length - length + i, record));
            }
        }

        throw new SpectralKDException("it begins like a zip archive but has no directory at its end: it is truncated; fetch or copy it again");
    }

    private static ZipEnd Read(MappedFile file, long position, ReadOnlySpan<byte> record)
    {
        if (position >= LocatorLength)
        {
            var locator = file.Slice(position - LocatorLength, LocatorLength);
            if (U32(locator, 0) == LocatorSignature)
            {
                return ReadZip64(file, BinaryPrimitives.ReadInt64LittleEndian(locator[8..]), position);
            }
        }

        long offset = U32(record, 16);
        return new ZipEnd(offset, Math.Min(offset + U32(record, 12), position), U16(record, 10));
    }

    private static ZipEnd ReadZip64(MappedFile file, long at, long limit)
    {
        if (at < 0 || at > limit - Zip64Length || U32(file.Slice(at, Zip64Length), 0) != Zip64Signature)
        {
            throw new SpectralKDException("its zip64 end record is missing or damaged");
        }

        var record = file.Slice(at, Zip64Length);
        var (entries, size, offset) = (I64(record, 32), I64(record, 40), I64(record, 48));
        return new ZipEnd(offset, size < 0 || offset < 0 || size > at - offset ? -1 : offset + size, entries);
    }

    private static ZipEnd Check(ZipEnd end) =>
        end.DirectoryOffset >= 0 && end.DirectoryEnd >= end.DirectoryOffset && end.Entries >= 0
            ? end
            : throw new SpectralKDException("its zip directory lies outside of the file");

    private static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
}
