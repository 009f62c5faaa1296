using System.IO.MemoryMappedFiles;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>A file mapped read-only into memory: bytes are read by the operating system when they are touched, and copied once.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? map;
    private readonly MemoryMappedViewAccessor? view;
    private byte* start;

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

        map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        start = pointer + view.PointerOffset;
    }

    public string Path { get; }

    public string FullPath { get; }

    public string Name => System.IO.Path.GetFileName(Path);

    public long Length { get; }

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

    /// <summary>A window of the file; the caller has checked that it lies inside.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(start == null && Length > 0, this);
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"{offset}+{length} of {Length} bytes");
        }

        return new ReadOnlySpan<byte>(start + offset, length);
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
        if (start != null)
        {
            start = null;
            view!.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            map!.Dispose();
        }
    }
}
