using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

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
