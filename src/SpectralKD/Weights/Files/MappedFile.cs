using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;

namespace SpectralKD.Weights;

/// <summary>
/// A file mapped read-only into memory: bytes are read by the operating system when they are touched, and copied once. Or memory of its own that
/// stands for a file's unpacked content.
/// </summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;
    private byte* _start;
    private bool _owned;

    private MappedFile(string path, long length)
    {
        Path = path;
        FullPath = System.IO.Path.GetFullPath(path);
        Length = length;
        _start = (byte*)NativeMemory.Alloc((nuint)Math.Max(1, length));
        _owned = true;
    }

    private MappedFile(string path)
    {
        Path = path;
        FullPath = System.IO.Path.GetFullPath(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        Length = stream.Length;
        if (Length == 0)
        {
            return; // An empty file cannot be mapped.
        }

        _map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        _start = pointer + _view.PointerOffset;
    }

    public string Path { get; }

    public string FullPath { get; }

    public string Name => System.IO.Path.GetFileName(Path);

    public long Length { get; }

    /// <summary>Reads the file as a format, and closes it where it is none.</summary>
    /// <param name="read">Makes what the file holds; it takes the file over.</param>
    /// <param name="complaint">The message of the error, from why it could not be read.</param>
    /// <exception cref="SpectralKDException">The file is not of the format.</exception>
    public T As<T>(Func<MappedFile, T> read, Func<string, string> complaint)
    {
        try
        {
            return read(this);
        }
        catch (SpectralKDException error)
        {
            Dispose();
            throw new SpectralKDException(complaint(error.Message), error);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Maps a file, with a message for each way in which that fails.</summary>
    public static MappedFile Open(string path)
    {
        try
        {
            return new MappedFile(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SpectralKDException($"there is no weights file '{path}'; check the path (the current folder is "
                + $"'{Environment.CurrentDirectory}')", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var what = Directory.Exists(path) ? "it is a folder, not a file" : error.Message;
            throw new SpectralKDException($"cannot open the weights file '{path}': {what}", error);
        }
    }

    /// <summary>Memory for the unpacked content of a file, to be filled through <see cref="Writable"/>.</summary>
    /// <exception cref="SpectralKDException">There is not as much memory.</exception>
    public static MappedFile Unpacked(string path, long length)
    {
        try
        {
            return new MappedFile(path, length);
        }
        catch (OutOfMemoryException error)
        {
            throw new SpectralKDException($"its unpacked content of {length} bytes does not fit into the memory", error);
        }
    }

    /// <summary>A window of unpacked content, to be written.</summary>
    public Span<byte> Writable(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(!_owned, this);
        return offset >= 0 && length >= 0 && offset <= Length - length
            ? new Span<byte>(_start + offset, length)
            : throw new ArgumentOutOfRangeException(nameof(offset), $"{offset}+{length} of {Length} bytes");
    }

    /// <summary>A window of the file as memory, valid while the file is open.</summary>
    public ReadOnlyMemory<byte> Memory(long offset, int length) => new Window(this, offset, length).Memory;

    /// <summary>A window of the file as a stream, valid while the file is open.</summary>
    public Stream Stream(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(_start == null, this);
        return offset >= 0 && length >= 0 && offset <= Length - length
            ? new UnmanagedMemoryStream(_start + offset, length)
            : throw new ArgumentOutOfRangeException(nameof(offset), $"{offset}+{length} of {Length} bytes");
    }

    /// <summary>A window of the file; the caller has checked that it lies inside.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_start == null && Length > 0, this);
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"{offset}+{length} of {Length} bytes");
        }

        return new ReadOnlySpan<byte>(_start + offset, length);
    }

    /// <summary>Copies bytes of the file over the memory of a contiguous CPU tensor, which must be as long.</summary>
    public void CopyTo(Tensor destination, long offset)
    {
        if (destination.numel() * destination.ElementSize <= int.MaxValue)
        {
            var target = TensorBytes.Of(destination);
            Slice(offset, target.Length).CopyTo(target);
            return;
        }

        using var scope = NewDisposeScope();
        foreach (var part in TensorBytes.Parts(destination))
        {
            CopyTo(part, offset);
            offset += part.numel() * part.ElementSize;
        }
    }

    public void Dispose()
    {
        if (_owned)
        {
            NativeMemory.Free(_start);
            _start = null;
            _owned = false;
        }
        else if (_start != null)
        {
            _start = null;
            _view!.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _map!.Dispose();
        }
    }

    private sealed class Window(MappedFile file, long offset, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan()
        {
            var bytes = file.Slice(offset, length);
            return MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(bytes), bytes.Length);
        }

        public override MemoryHandle Pin(int elementIndex = 0) => new(file._start + offset + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}

/// <summary>Names what people have in place of weights: a Git LFS pointer, a web page, an error in JSON, another program's archive.</summary>
internal static class WrongContent
{
    private const int StartLength = 512;
    private const int ShownLength = 100;

    /// <summary>Closes a file that is no weights and says what it is.</summary>
    /// <exception cref="SpectralKDException">The file is something else.</exception>
    public static void Refuse(MappedFile file)
    {
        if (Of(file) is { } wrong)
        {
            file.Dispose();
            throw new SpectralKDException($"'{file.Path}' holds no weights: {wrong}");
        }
    }

    /// <summary>One line of what a file is and what to do, or null if nothing is known against it.</summary>
    public static string? Of(MappedFile file)
    {
        var start = file.Slice(0, (int)Math.Min(StartLength, file.Length));
        var text = start.Contains((byte)0) ? "" : Encoding.UTF8.GetString(start).TrimStart('\ufeff', ' ', '\t', '\r', '\n'); // text holds no zero bytes
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal) || text.StartsWith("version https://hawser", StringComparison.Ordinal))
        {
            return "it is a Git LFS pointer, not the weights that it stands for; fetch them by 'git lfs pull', or download the file itself";
        }

        if (text.StartsWith('<') && text.Length > 1 && (char.IsAsciiLetter(text[1]) || text[1] is '!' or '?'))
        {
            return $"it is a web page ({Shown(text)}), not weights: the download was answered by a login, error or preview page; fetch the file itself";
        }

        if (text.StartsWith('{') && text.Length > 1 && text[1] is '"' or ' ' or '\r' or '\n' or '\t' or '}')
        {
            return text.Contains("weight_map", StringComparison.Ordinal) || text.Contains("total_size", StringComparison.Ordinal)
                ? "it is the index of weights in several files (shards); join them once in Python (safetensors.torch.load_file each, save_file all)"
                : $"it is JSON text ({Shown(text)}), not weights: the download was answered by an error, or this is a configuration; fetch the file itself";
        }

        return start switch
        {
            [0x1f, 0x8b, ..] => "it is compressed by gzip; unpack it first (gunzip, tar xzf)",
            [0x89, (byte)'H', (byte)'D', (byte)'F', ..] => "it is an HDF5 file (Keras); convert it to safetensors first",
            _ when start.Length >= 262 && start.Slice(257, 5).SequenceEqual("ustar"u8) =>
                "it is a tar archive (torch.save wrote one before version 0.1.10); unpack it, or convert it once in Python by torch.load and torch.save",
            _ => null,
        };
    }

    private static string Shown(string text)
    {
        var line = new string([.. text.Take(ShownLength + 1).Select(c => char.IsControl(c) ? ' ' : c)]).Trim();
        return line.Length > ShownLength ? line[..ShownLength] + "…" : line;
    }
}
