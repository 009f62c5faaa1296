using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace SpectralKD.Weights.Pickle;

/// <summary>Reads a pickle's operands in order; every length is checked against what is left before anything is allocated.</summary>
internal sealed class PickleBytes(ReadOnlyMemory<byte> pickle, PickleBudget budget)
{
    private const int MaximumNumberLength = 1024;
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public int Position { get; private set; }

    public byte Byte() => Take(1)[0];

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public long UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    /// <summary>A length of 8 bytes; one that does not fit into the pickle is refused.</summary>
    public long UInt64()
    {
        var value = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
        return value <= long.MaxValue ? (long)value : throw TooLong(value.ToString(CultureInfo.InvariantCulture));
    }

    public void Skip(long count) => Take(count);

    public string Text(long count)
    {
        try
        {
            var utf8 = Take(count);
            budget.Take(PickleBudget.Box + (2L * utf8.Length));
            return Utf8.GetString(utf8);
        }
        catch (DecoderFallbackException error)
        {
            throw new SpectralKDException($"its pickle holds a text at byte {Position} that is not valid UTF-8", error);
        }
    }

    /// <summary>Python 2's byte strings: each byte a character.</summary>
    public string Latin1(long count)
    {
        var text = Take(count);
        budget.Take(PickleBudget.Box + (2L * text.Length));
        return Encoding.Latin1.GetString(text);
    }

    /// <summary>A line of text without its line feed.</summary>
    public string Line()
    {
        var length = pickle.Span[Position..].IndexOf((byte)'\n');
        if (length < 0)
        {
            throw new SpectralKDException($"its pickle ends inside a line of text that begins at byte {Position}");
        }

        var line = Text(length);
        Position++;
        return line;
    }

    /// <summary>A whole number in two's complement of so many bytes: a long if it fits, else a BigInteger.</summary>
    public object Integer(long count)
    {
        if (count > MaximumNumberLength)
        {
            throw TooLong(count.ToString(CultureInfo.InvariantCulture));
        }

        budget.Take((2 * PickleBudget.Box) + count);
        return Shorten(new BigInteger(Take(count)));
    }

    /// <summary>A whole number in decimal text, with or without Python 2's L.</summary>
    public object IntegerLine()
    {
        budget.Take(2 * MaximumNumberLength);
        var line = Line().TrimEnd('L');
        return line.Length <= MaximumNumberLength && BigInteger.TryParse(line, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? Shorten(number)
            : throw new SpectralKDException($"its pickle holds no whole number where one should be, before byte {Position}");
    }

    [SuppressMessage("Performance", "CA1859", Justification = "It returns a long or a BigInteger.")]
    private static object Shorten(BigInteger number)
    {
        if (number >= long.MinValue && number <= long.MaxValue)
        {
            return (long)number;
        }

        return number;
    }

    private ReadOnlySpan<byte> Take(long count)
    {
        var left = pickle.Length - Position;
        if (count < 0 || count > left)
        {
            throw TooLong(count.ToString(CultureInfo.InvariantCulture));
        }

        var span = pickle.Span.Slice(Position, (int)count);
        Position += (int)count;
        return span;
    }

    private SpectralKDException TooLong(string count) =>
        new($"its pickle is truncated or damaged: it claims {count} bytes at byte {Position} of {pickle.Length}");
}
