using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace SpectralKD.Distillation;

/// <summary>
/// Records of one size under 128-bit keys, in files of one folder: <c>records-*.bin</c>, a head of 64 bytes, then records of a key, the content and a checksum of
/// both. Each process appends to a file of its own, one write a record, and reads those that were there when it began; so several processes may share a folder, and
/// a kill leaves at most one cut record at a file's end, which nobody reads. Not for several threads at once.
/// </summary>
internal sealed class TeacherRecords : IDisposable
{
    private const int HeadBytes = 64;
    private const int KeyBytes = 16;
    private const int SumBytes = 8;
    private static readonly byte[] Magic = "SKDTEACHER\0\0\0\0\0\u0001"u8.ToArray();

    private readonly string _folder;
    private readonly byte[] _head;
    private readonly byte[] _record;
    private readonly Dictionary<UInt128, (SafeFileHandle File, long At)> _places = [];
    private readonly Dictionary<UInt128, Stack<(SafeFileHandle File, long At)>> _otherPlaces = []; // of a record that was computed anew, or by two processes
    private readonly List<SafeFileHandle> _read = [];
    private readonly List<string> _passedOver = [];
    private SafeFileHandle? _own;
    private long _end;

    /// <summary>Opens what a folder holds.</summary>
    /// <param name="folder">The folder; made where it is missing.</param>
    /// <param name="identity">32 bytes that say what the records are of: files with others are passed over.</param>
    /// <param name="contentBytes">Size of one record's content.</param>
    /// <exception cref="SpectralKDException">The folder cannot be made or read.</exception>
    public TeacherRecords(string folder, ReadOnlySpan<byte> identity, int contentBytes)
    {
        (_folder, _head, _record) = (folder, new byte[HeadBytes], new byte[KeyBytes + contentBytes + SumBytes]);
        Magic.CopyTo(_head, 0);
        BinaryPrimitives.WriteInt64LittleEndian(_head.AsSpan(16), contentBytes);
        identity.CopyTo(_head.AsSpan(32));
        try
        {
            Directory.CreateDirectory(folder);
            foreach (var path in Directory.GetFiles(folder, "records-*.bin").Order(StringComparer.Ordinal))
            {
                Index(path);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw new SpectralKDException($"the teacher's cache '{folder}' cannot be opened: {error.Message.TrimEnd('.')}; name another folder, or leave the cache out", error);
        }
    }

    /// <summary>Bytes that a record takes on the disk.</summary>
    public int RecordBytes => _record.Length;

    /// <summary>Number of records that can be found.</summary>
    public int Count => _places.Count;

    /// <summary>Number of records whose checksum did not fit.</summary>
    public int Damaged { get; private set; }

    /// <summary>Files that were passed over, for their head is not this store's.</summary>
    public IReadOnlyList<string> PassedOver => _passedOver;

    /// <summary>Why nothing more is kept; null while records are.</summary>
    public string? Failure { get; private set; }

    /// <summary>The content of the record that is being read or made ready for <see cref="Add"/>.</summary>
    public Span<byte> Content => _record.AsSpan(KeyBytes, _record.Length - KeyBytes - SumBytes);

    /// <summary>Writes bytes to a file; the tests' full disk.</summary>
    internal Action<SafeFileHandle, byte[], long> WriteAt { get; init; } = (file, bytes, at) => RandomAccess.Write(file, bytes, at);

    /// <summary>True if there is a record of this key; it may still turn out to be damaged.</summary>
    public bool Contains(UInt128 key) => _places.ContainsKey(key);

    /// <summary>Reads a record into <see cref="Content"/>; false where there is none, or damaged ones alone, which are forgotten.</summary>
    public bool TryRead(UInt128 key)
    {
        if (!_places.TryGetValue(key, out var place))
        {
            return false;
        }

        while (!(ReadAll(place.File, place.At) && BinaryPrimitives.ReadUInt128LittleEndian(_record) == key && BinaryPrimitives.ReadUInt64LittleEndian(Sum) == SumOf()))
        {
            if (!_otherPlaces.TryGetValue(key, out var others) || !others.TryPop(out place))
            {
                Damaged++;
                _places.Remove(key);
                return false;
            }

            _places[key] = place;
        }

        return true;
    }

    /// <summary>Keeps <see cref="Content"/> under a key. Where the disk is full, <see cref="Failure"/> says so and nothing more is written.</summary>
    public void Add(UInt128 key)
    {
        if (Failure is not null || _places.ContainsKey(key))
        {
            return;
        }

        BinaryPrimitives.WriteUInt128LittleEndian(_record, key);
        BinaryPrimitives.WriteUInt64LittleEndian(Sum, SumOf());
        try
        {
            _own ??= Begin();
            WriteAt(_own, _record, _end);
            _places[key] = (_own, _end);
            _end += _record.Length;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Failure = error.Message.TrimEnd('.');
            CutOff();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _own?.Dispose();
        _read.ForEach(file => file.Dispose());
    }

    private Span<byte> Sum => _record.AsSpan(_record.Length - SumBytes);

    private ulong SumOf() => XxHash3.HashToUInt64(_record.AsSpan(0, _record.Length - SumBytes));

    private bool ReadAll(SafeFileHandle file, long at)
    {
        try
        {
            return RandomAccess.Read(file, _record, at) == _record.Length;
        }
        catch (IOException)
        {
            return false;
        }
    }

    // A file of this process's own, made when there is something to write.
    private SafeFileHandle Begin()
    {
        var path = Path.Combine(_folder, $"records-{DateTime.UtcNow:yyyyMMddHHmmss}-{Guid.NewGuid():N}.bin");
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);
        try
        {
            WriteAt(file, _head, 0);
            _end = HeadBytes;
            return file;
        }
        catch
        {
            file.Dispose();
            File.Delete(path);
            throw;
        }
    }

    // The part of a record that still found room would only take room.
    private void CutOff()
    {
        try
        {
            if (_own is not null)
            {
                RandomAccess.SetLength(_own, _end);
            }
        }
        catch (IOException)
        {
            // It is not read either: the file's length says how many records are whole.
        }
    }

    private void Index(string path)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        _read.Add(file);
        var head = new byte[HeadBytes];
        var length = RandomAccess.GetLength(file);
        if (length < HeadBytes || RandomAccess.Read(file, head, 0) < HeadBytes || !head.AsSpan().SequenceEqual(_head))
        {
            if (length > 0)
            {
                _passedOver.Add(Path.GetFileName(path));
            }

            return;
        }

        Span<byte> key = stackalloc byte[KeyBytes];
        for (long at = HeadBytes; at + _record.Length <= length; at += _record.Length)
        {
            RandomAccess.Read(file, key, at);
            var name = BinaryPrimitives.ReadUInt128LittleEndian(key);
            if (!_places.TryAdd(name, (file, at)))
            {
                if (!_otherPlaces.TryGetValue(name, out var others))
                {
                    _otherPlaces[name] = others = [];
                }

                others.Push((file, at));
            }
        }
    }
}
