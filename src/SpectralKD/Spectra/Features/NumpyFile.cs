using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace SpectralKD.Spectra;

/// <summary>An array as NumPy has it: float32 values in C order.</summary>
/// <param name="Shape">Its lengths.</param>
/// <param name="Values">As many values as the shape holds.</param>
internal sealed record NumpyArray(int[] Shape, float[] Values);

/// <summary>
/// NumPy's files (numpy.lib.format, versions 1 to 3): <c>.npy</c> with one array, <c>.npz</c> with several by name. Written as little-endian float32; read as float16, float32 or float64.
/// Arrays of Python objects are pickles, which may run anything: they are refused.
/// </summary>
internal static partial class NumpyFile
{
    private const int LongestHeader = 1 << 16;
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Writes one array as <c>.npy</c>.</summary>
    public static void Write(string path, NumpyArray array) => AtomicFile.Write(path, stream => Write(stream, array));

    /// <summary>Writes arrays as <c>.npz</c>, uncompressed as <c>numpy.savez</c> does.</summary>
    public static void Write(string path, IEnumerable<(string Name, NumpyArray Array)> arrays) => AtomicFile.Write(path, stream =>
    {
        using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach (var (name, array) in arrays)
        {
            using var entry = archive.CreateEntry(name + ".npy", CompressionLevel.NoCompression).Open();
            Write(entry, array);
        }
    });

    /// <summary>Reads all arrays of a file, by name; that of a <c>.npy</c> has none.</summary>
    /// <exception cref="SpectralKDException">No such file, or it holds something else; the message says what.</exception>
    public static IReadOnlyList<(string Name, NumpyArray Array)> Read(string path)
    {
        try
        {
            if (!path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase))
            {
                using var stream = File.OpenRead(path);
                return [("", Read(stream, stream.Length, path))];
            }

            using var archive = ZipFile.OpenRead(path);
            var arrays = new List<(string, NumpyArray)>();
            foreach (var entry in archive.Entries.Where(entry => entry.Name.EndsWith(".npy", StringComparison.Ordinal)))
            {
                using var stream = entry.Open();
                arrays.Add((entry.Name[..^".npy".Length], Read(stream, entry.Length, $"{path}, {entry.Name}")));
            }

            return arrays;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or NotSupportedException)
        {
            throw new SpectralKDException($"{path} cannot be read: {error.Message.TrimEnd('.')}", error);
        }
    }

    private static void Write(Stream stream, NumpyArray array)
    {
        var shape = string.Join(", ", array.Shape.Select(length => length.ToString(CultureInfo.InvariantCulture))) + (array.Shape.Length == 1 ? "," : "");
        var text = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}";
        var header = text.PadRight(((10 + text.Length + 1 + 63) / 64 * 64) - 11) + "\n"; // the values begin at a multiple of 64
        Span<byte> start = [.. Magic, 1, 0, 0, 0];
        BinaryPrimitives.WriteUInt16LittleEndian(start[8..], (ushort)header.Length);
        stream.Write(start);
        stream.Write(Encoding.ASCII.GetBytes(header));
        stream.Write(MemoryMarshal.AsBytes(array.Values.AsSpan()));
    }

    private static NumpyArray Read(Stream stream, long length, string where)
    {
        var start = Bytes(stream, 8, where);
        if (!start.AsSpan(0, 6).SequenceEqual(Magic) || start[6] is < 1 or > 3)
        {
            throw new SpectralKDException($"{where} is no NumPy array: it does not begin as one of versions 1 to 3");
        }

        var wide = start[6] > 1;
        var size = Bytes(stream, wide ? 4 : 2, where);
        var headerLength = wide ? BinaryPrimitives.ReadUInt32LittleEndian(size) : BinaryPrimitives.ReadUInt16LittleEndian(size);
        var header = headerLength <= LongestHeader ? Encoding.Latin1.GetString(Bytes(stream, (int)headerLength, where))
            : throw new SpectralKDException($"{where} is no NumPy array: its header has {headerLength} bytes");
        var (type, shape) = (TypePattern().Match(header).Groups[1].Value, ShapePattern().Match(header));
        var bytes = type switch
        {
            "<f4" => 4,
            "<f8" => 8,
            "<f2" => 2,
            "|O" => throw new SpectralKDException($"{where} is an array of Python objects, which is a pickle and may run anything: save its arrays by numpy.savez, one for each stage"),
            _ => throw new SpectralKDException($"{where} holds numbers of the type \"{type}\"; wanted are float32, float64 or float16, little-endian: .astype(\"float32\")"),
        };
        if (header.Contains("'fortran_order': True", StringComparison.Ordinal))
        {
            throw new SpectralKDException($"{where} is laid out column by column: save numpy.ascontiguousarray of it");
        }

        int[] lengths = shape.Success && shape.Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is var words
            && words.All(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out _)) ? [.. words.Select(word => int.Parse(word, CultureInfo.InvariantCulture))]
            : throw new SpectralKDException($"{where} is no NumPy array: its header names no shape");
        var count = lengths.Aggregate(1L, (product, side) => product > length ? product : product * side);
        if (count * bytes != length - 8 - size.Length - headerLength || count > Array.MaxLength)
        {
            throw new SpectralKDException($"{where} is cut off or damaged: its shape ({string.Join(", ", lengths)}) does not fit its length");
        }

        var data = Bytes(stream, checked((int)(count * bytes)), where);
        return new NumpyArray(lengths, bytes switch
        {
            4 => MemoryMarshal.Cast<byte, float>(data).ToArray(),
            8 => Array.ConvertAll(MemoryMarshal.Cast<byte, double>(data).ToArray(), value => (float)value),
            _ => Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(data).ToArray(), value => (float)value),
        });
    }

    private static byte[] Bytes(Stream stream, int count, string where)
    {
        var bytes = new byte[count];
        return stream.ReadAtLeast(bytes, count, throwOnEndOfStream: false) == count ? bytes : throw new SpectralKDException($"{where} is cut off or damaged: it ends too early");
    }

    [GeneratedRegex("'descr': *'([^']*)'")]
    private static partial Regex TypePattern();

    [GeneratedRegex(@"'shape': *\(([0-9, ]*)\)")]
    private static partial Regex ShapePattern();
}
