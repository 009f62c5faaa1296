using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;
using System.Text;

namespace SpectralKD.Data;

/// <summary>
/// Decoded images in one memory-mapped file: 8-bit RGB, as they are, or resized as an evaluation transform begins. What the evaluation transform makes
/// of an image that was resized to its own first length (<see cref="Preprocessing.ResizeTo"/>) is the same to the bit as without the cache; random crops need the
/// whole image.
/// </summary>
/// <example><code>
/// var photos = ImageSources.Open("imagenet/val", count: 500);
/// var spec = ModelCatalog.Find("deit_tiny_patch16_224").Spec;
/// var cached = ImageCache.Open(photos, "cache", spec.Preprocessing.ResizeTo(spec.ImageSize)); // decoded now, read from the cache from here on
/// </code></example>
public static class ImageCache
{
    private const string Ending = ".images";

    /// <summary>Opens the cache of an image set, after making it where it is missing, damaged, or older than the images.</summary>
    /// <param name="images">A folder or an archive, or some images of one (<see cref="ImageSources.Open"/>).</param>
    /// <param name="folder">Folder of the caches; made where it is missing. Each set of images and each length has a file of its own.</param>
    /// <param name="resize">What larger images are resized to: a length in pixels of the shorter side, or <see cref="Preprocessing.ResizeTo"/> of a model; null keeps them as they are.</param>
    /// <param name="progress">Told after each image that is decoded, on the calling thread.</param>
    /// <param name="cancellation">Stops making the cache; nothing is left of it.</param>
    /// <returns>The same images, read from the file. Its notes say what was made, and what is damaged.</returns>
    /// <exception cref="SpectralKDException">The images are no files, or the cache cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static IImageSource Open(
        IImageSource images, string folder, ImageResize? resize = null, IProgress<ImageCacheProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        if (images is not IImageFiles files || Enumerable.Range(0, Math.Min(1, images.Count)).Any(index => files.Stamp(index) is null))
        {
            throw new SpectralKDException($"{images.Name} needs no image cache: its images are not decoded from files of one's own; leave the cache out, or name a folder or an archive");
        }

        if (resize is { To.Shorter: < 1 })
        {
            throw new SpectralKDException(FormattableString.Invariant($"the image cache's shorter side must be at least 1 pixel, but is {resize.Value.To.Shorter}"));
        }

        var path = PathOf(images, folder, resize);
        var reason = "it was not there";
        if (File.Exists(path))
        {
            var (found, problem) = CachedImages.TryOpen(images, files, path, note: null);
            if (found is not null)
            {
                return found;
            }

            reason = problem!;
        }

        Make(images, files, path, resize, progress, cancellation);
        var (made, failure) = CachedImages.TryOpen(
            images, files, path, FormattableString.Invariant($"the image cache {path} was made ({reason}): {images.Count} images, {new FileInfo(path).Length / 1e6:0.0} MB"));
        return made ?? throw new SpectralKDException($"the image cache {path} cannot be used: {failure}; is another program changing the images?");
    }

    // The list of names is part of the file's name, so that several choices of one source do not replace each other.
    private static string PathOf(IImageSource images, string folder, ImageResize? resize)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData(Encoding.UTF8.GetBytes(images is IImageFiles files ? files.Place : ""));
        for (var i = 0; i < images.Count; i++)
        {
            sha.AppendData(Encoding.UTF8.GetBytes(images.ItemName(i) + "\n"));
        }

        var name = string.Concat(images.Name.Select(letter => char.IsLetterOrDigit(letter) || letter is '-' or '_' or '.' ? letter : '-'));
        var hash = Convert.ToHexString(sha.GetHashAndReset(), 0, 6).ToLowerInvariant();
        return Path.Combine(Path.GetFullPath(folder), FormattableString.Invariant($"{name}-{(resize is { } rule ? $"{rule}" : "whole")}-{hash}{Ending}"));
    }

    private static void Make(
        IImageSource images, IImageFiles files, string path, ImageResize? resize, IProgress<ImageCacheProgress>? progress, CancellationToken cancellation)
    {
        var workers = new BatchOptions().Workers;
        var decoded = OrderedReadAhead.Run(Enumerable.Range(0, images.Count), index => Decode(images, files, index, resize), workers, 2 * workers, cancellation);
        AtomicFile.Write(path, stream =>
        {
            var entries = new List<CachedImage>(images.Count);
            stream.Write(CachedImages.Head(0, 0));
            var at = (long)CachedImages.HeadBytes;
            foreach (var (entry, pixels) in decoded)
            {
                stream.Write(pixels);
                entries.Add(entry with { Start = at, Sum = XxHash3.HashToUInt64(pixels) });
                at += pixels.Length;
                progress?.Report(new ImageCacheProgress(entries.Count, images.Count, at));
            }

            var index = CachedImage.Write(entries);
            stream.Write(index);
            stream.Position = 0;
            stream.Write(CachedImages.Head(at, XxHash3.HashToUInt64(index)));
        });
    }

    // An image that cannot be read has no pixels: reading it later gives the source's own error.
    private static (CachedImage Entry, byte[] Pixels) Decode(IImageSource images, IImageFiles files, int index, ImageResize? resize)
    {
        using var room = DecodingRoom.Enter();
        var stamp = files.Stamp(index) ?? "";
        try
        {
            var image = images.Read(index);
            image = resize is { } rule && Shrinks(rule, image) ? EvalTransform.Resized(image, rule) : image;
            return (new CachedImage(images.ItemName(index), stamp, image.Width, image.Height), image.Pixels);
        }
        catch (SpectralKDException)
        {
            return (new CachedImage(images.ItemName(index), stamp, 0, 0), []);
        }
    }

    // What would grow is kept as it is: the transform enlarges it to the same pixels.
    private static bool Shrinks(ImageResize rule, RgbImage image)
    {
        var (width, height) = rule.SizeOf(image.Width, image.Height);
        return (long)width * height < (long)image.Width * image.Height;
    }
}

/// <summary>How far the making of an image cache is.</summary>
/// <param name="Done">Images decoded.</param>
/// <param name="Images">Images in all.</param>
/// <param name="Bytes">Size of the file so far.</param>
public readonly record struct ImageCacheProgress(int Done, int Images, long Bytes);

/// <summary>One image's entry in a cache's index; its pixels are Width * Height * 3 bytes from Start.</summary>
internal sealed record CachedImage(string Name, string Stamp, int Width, int Height)
{
    public long Start { get; init; }

    public ulong Sum { get; init; }

    public int Bytes => Width * Height * 3;

    public static byte[] Write(IReadOnlyCollection<CachedImage> entries)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(entries.Count);
        foreach (var entry in entries)
        {
            writer.Write(entry.Name);
            writer.Write(entry.Stamp);
            writer.Write(entry.Width);
            writer.Write(entry.Height);
            writer.Write(entry.Start);
            writer.Write(entry.Sum);
        }

        return stream.ToArray();
    }

    public static CachedImage[] Read(byte[] index)
    {
        using var reader = new BinaryReader(new MemoryStream(index), Encoding.UTF8);
        var entries = new CachedImage[reader.ReadInt32()];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = new CachedImage(reader.ReadString(), reader.ReadString(), reader.ReadInt32(), reader.ReadInt32()) { Start = reader.ReadInt64(), Sum = reader.ReadUInt64() };
        }

        return entries;
    }
}

/// <summary>
/// Images of a cache's file: a head of 32 bytes (format with its version, place and checksum of the index), the pixels, the index. An image whose pixels' checksum
/// does not fit is read from its source, and a note says so.
/// </summary>
internal sealed unsafe class CachedImages : IImageSource, IDisposable
{
    public const int HeadBytes = 32;
    private static readonly byte[] Magic = "SKDIMAGES\0\0\0\0\0\0\u0001"u8.ToArray();
    private readonly IImageSource _source;
    private readonly CachedImage[] _entries;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly string _path;
    private readonly string? _note;
    private int _damaged;

    private CachedImages(IImageSource source, CachedImage[] entries, string path, string? note)
    {
        (_source, _entries, _path, _note) = (source, entries, path, note);
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _start = start + _view.PointerOffset;
    }

    /// <inheritdoc/>
    public string Name => _source.Name;

    /// <inheritdoc/>
    public int Count => _source.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => _source.Classes;

    /// <inheritdoc/>
    public ImageQuery? Query => _source.Query;

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes =>
    [
        .. _source.Notes, .. _note is null ? Array.Empty<string>() : [_note],
        .. _damaged == 0 ? Array.Empty<string>() : [$"pixels in the image cache {_path} are damaged (their checksum does not fit): these images were decoded from their files; delete the cache"],
    ];

    /// <inheritdoc/>
    public int Label(int index) => _source.Label(index);

    /// <inheritdoc/>
    public string ItemName(int index) => _source.ItemName(index);

    /// <inheritdoc/>
    public RgbImage Read(int index)
    {
        var entry = _entries[index];
        if (entry.Width == 0)
        {
            return _source.Read(index);
        }

        DecodingRoom.Take(entry.Bytes);
        var pixels = GC.AllocateUninitializedArray<byte>(entry.Bytes);
        new ReadOnlySpan<byte>(_start + entry.Start, entry.Bytes).CopyTo(pixels);
        if (XxHash3.HashToUInt64(pixels) == entry.Sum)
        {
            return new RgbImage(entry.Width, entry.Height, pixels);
        }

        Interlocked.Exchange(ref _damaged, 1);
        return _source.Read(index);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    /// <summary>The file's head.</summary>
    public static byte[] Head(long index, ulong sum)
    {
        var head = new byte[HeadBytes];
        Magic.CopyTo(head, 0);
        BitConverter.TryWriteBytes(head.AsSpan(16), index);
        BitConverter.TryWriteBytes(head.AsSpan(24), sum);
        return head;
    }

    /// <summary>Opens a file after checking it against the images; else says why it will not do.</summary>
    public static (CachedImages? Images, string? Problem) TryOpen(IImageSource source, IImageFiles files, string path, string? note)
    {
        try
        {
            if (ReadIndex(path) is not { } entries)
            {
                return (null, "the old one is damaged or of another version");
            }

            if (entries.Length != source.Count || entries.Where((entry, i) => entry.Name != source.ItemName(i)).Any())
            {
                return (null, "the old one is of other images");
            }

            var stale = entries.Where((entry, i) => entry.Stamp != files.Stamp(i)).ToList();
            return stale.Count > 0
                ? (null, FormattableString.Invariant($"{stale.Count} of its {entries.Length} images have changed since, the first is {stale[0].Name}"))
                : (new CachedImages(source, entries, path, note), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (null, error.Message.TrimEnd('.'));
        }
    }

    // Null where a byte of head or index, or the file's length, is not what was written.
    private static CachedImage[]? ReadIndex(string path)
    {
        using var file = File.OpenRead(path);
        var head = new byte[HeadBytes];
        if (file.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false) < HeadBytes)
        {
            return null;
        }

        var (at, sum) = (BitConverter.ToInt64(head, 16), BitConverter.ToUInt64(head, 24));
        if (!head.AsSpan().SequenceEqual(Head(at, sum)) || at < HeadBytes || at >= file.Length || file.Length - at > int.MaxValue)
        {
            return null;
        }

        file.Position = at;
        var index = new byte[file.Length - at];
        file.ReadExactly(index);
        return XxHash3.HashToUInt64(index) == sum ? CachedImage.Read(index) : null;
    }
}
