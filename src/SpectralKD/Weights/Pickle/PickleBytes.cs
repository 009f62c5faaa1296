using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace SpectralKD.Weights;

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

/// <summary>The opcodes of pickle protocols 0 to 5, as Python's pickletools documents them.</summary>
internal enum PickleOpcode : byte
{
    Mark = (byte)'(',
    Stop = (byte)'.',
    Pop = (byte)'0',
    PopMark = (byte)'1',
    Dup = (byte)'2',
    Float = (byte)'F',
    Int = (byte)'I',
    BinInt = (byte)'J',
    BinInt1 = (byte)'K',
    Long = (byte)'L',
    BinInt2 = (byte)'M',
    None = (byte)'N',
    PersId = (byte)'P',
    BinPersId = (byte)'Q',
    Reduce = (byte)'R',
    String = (byte)'S',
    BinString = (byte)'T',
    ShortBinString = (byte)'U',
    Unicode = (byte)'V',
    BinUnicode = (byte)'X',
    Append = (byte)'a',
    Build = (byte)'b',
    Global = (byte)'c',
    Dict = (byte)'d',
    EmptyDict = (byte)'}',
    Appends = (byte)'e',
    Get = (byte)'g',
    BinGet = (byte)'h',
    Inst = (byte)'i',
    LongBinGet = (byte)'j',
    List = (byte)'l',
    EmptyList = (byte)']',
    Obj = (byte)'o',
    Put = (byte)'p',
    BinPut = (byte)'q',
    LongBinPut = (byte)'r',
    SetItem = (byte)'s',
    Tuple = (byte)'t',
    EmptyTuple = (byte)')',
    SetItems = (byte)'u',
    BinFloat = (byte)'G',
    BinBytes = (byte)'B',
    ShortBinBytes = (byte)'C',
    Proto = 0x80,
    NewObj = 0x81,
    Ext1 = 0x82,
    Ext2 = 0x83,
    Ext4 = 0x84,
    Tuple1 = 0x85,
    Tuple2 = 0x86,
    Tuple3 = 0x87,
    NewTrue = 0x88,
    NewFalse = 0x89,
    Long1 = 0x8a,
    Long4 = 0x8b,
    ShortBinUnicode = 0x8c,
    BinUnicode8 = 0x8d,
    BinBytes8 = 0x8e,
    EmptySet = 0x8f,
    AddItems = 0x90,
    FrozenSet = 0x91,
    NewObjEx = 0x92,
    StackGlobal = 0x93,
    Memoize = 0x94,
    Frame = 0x95,
    ByteArray8 = 0x96,
    NextBuffer = 0x97,
    ReadOnlyBuffer = 0x98,
}

/// <summary>
/// What a pickle may take of memory, in proportion to the file that holds it. A few bytes of a pickle can ask for the same long text again and again;
/// so everything that the reader allocates is counted before it is allocated, whether or not it is still in use.
/// </summary>
internal sealed class PickleBudget(long fileLength)
{
    /// <summary>Costs of .NET objects in bytes, rounded up: a slot of a growing list, a boxed number, an object with its list, an entry of a dictionary, a list's first slots.</summary>
    public const int Slot = 16, Box = 24, Container = 80, Entry = 64, FirstSlots = 56;

    private const long Base = 32L << 20;
    private const int TimesTheFile = 8; // a small number takes 2 bytes in a pickle, and here a box and a slot

    private readonly long _limit = Base + (Math.Max(0, Math.Min(fileLength, long.MaxValue / 16)) * TimesTheFile);
    private long _taken;

    /// <summary>Counts an allocation.</summary>
    /// <exception cref="SpectralKDException">It would be too much for a file of this size.</exception>
    public void Take(long bytes)
    {
        _taken += bytes;
        if (_taken > _limit)
        {
            throw new SpectralKDException($"its pickle asks for more than {Megabytes(_limit)} MB of memory, which no file of {Megabytes(fileLength)} MB needs; "
                + "nothing was executed; save only the state_dict (torch.save(model.state_dict(), …)) or convert it to safetensors");
        }
    }

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("0.#", CultureInfo.InvariantCulture);
}
