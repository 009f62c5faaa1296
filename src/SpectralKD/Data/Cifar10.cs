using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace SpectralKD.Data;

/// <summary>
/// CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32 x 32 pixels in ten classes, from its authors' binary archive, which is
/// downloaded once (162 MB) to the cache folder and checked against its published checksum.
/// </summary>
public static class Cifar10
{
    /// <summary>The name under which <see cref="ImageSources.Open"/> finds the training images; <c>cifar10/test</c> are the others.</summary>
    public const string SourceName = "cifar10";

    /// <summary>
    /// Environment variable that names a local copy: the archive, the folder with its .bin files, or a folder or .zip of images with the parts
    /// <c>train</c> and <c>test</c>.
    /// </summary>
    public const string LocalVariable = "SPECTRALKD_CIFAR10";

    private const string ArchiveName = "cifar-10-binary.tar.gz";
    private const string FolderName = "cifar-10-batches-bin";

    /// <summary>The classes in the order of their labels (which is also that of their sorted names).</summary>
    public static IReadOnlyList<string> ClassNames => Cifar10ImageSource.ClassNames;

    internal static RemoteFile Archive { get; } =
        new(new Uri("https://www.cs.toronto.edu/~kriz/" + ArchiveName), "c32a1d4ab5d03f1284b67883e8d87530");

    internal static IReadOnlyList<string> TrainFiles { get; } = [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")];

    internal static IReadOnlyList<string> TestFiles { get; } = ["test_batch.bin"];

    /// <summary>Opens the training or the test images.</summary>
    /// <param name="test">The 10,000 test images instead of the 50,000 training images.</param>
    /// <param name="path">
    /// A local copy as <see cref="LocalVariable"/> names it. Null takes that variable's, else the cache, else downloads.
    /// </param>
    /// <exception cref="SpectralKDException">The archive cannot be had, or is damaged.</exception>
    public static IImageSource Open(bool test = false, string? path = null)
    {
        var local = path ?? Environment.GetEnvironmentVariable(LocalVariable);
        if (!string.IsNullOrEmpty(local) && !IsCopy(local) && ImageSources.FindParts(local) is var (train, validation))
        {
            return ImageSources.Open(test ? validation : train);
        }

        var folder = string.IsNullOrEmpty(local) ? FromCache()
            : Directory.Exists(local) ? local
            : File.Exists(local) ? Unpacked(local)
            : throw new SpectralKDException($"there is no copy of CIFAR-10 at {Path.GetFullPath(local)}: name {ArchiveName} or the folder with its .bin files");
        var files = test ? TestFiles : TrainFiles;
        return new Cifar10ImageSource(test ? SourceName + "/test" : SourceName, [.. files.Select(file => Path.Combine(folder, file))]);
    }

    /// <summary>True if a path is a local copy: the folder with the binary batches, or a .tar.gz file.</summary>
    internal static bool IsCopy(string path) => File.Exists(Path.Combine(path, TestFiles[0]))
        || (path.EndsWith(".tar.gz", StringComparison.OrdinalIgnoreCase) && File.Exists(path));

    private static string FromCache()
    {
        var folder = CacheFolder.For("datasets", FolderName);
        if (IsComplete(folder))
        {
            return folder;
        }

        var archive = CacheFolder.For("datasets", ArchiveName);
        Archive.Ensure(archive);
        return Unpacked(archive);
    }

    private static string Unpacked(string archive)
    {
        var folder = CacheFolder.For("datasets", FolderName);
        if (IsComplete(folder))
        {
            return folder;
        }

        var found = RemoteFile.Checksum(archive);
        if (found != Archive.Md5)
        {
            throw new SpectralKDException(
                $"{archive} is not CIFAR-10's binary archive: its MD5 is {found} instead of {Archive.Md5}; fetch it from {Archive.Url}");
        }

        Unpack(archive, folder);
        return folder;
    }

    /// <summary>Writes the six batches of an archive to a folder; each appears only whole.</summary>
    internal static void Unpack(string archive, string folder)
    {
        using var packed = new GZipStream(File.OpenRead(archive), CompressionMode.Decompress);
        using var tar = new TarReader(packed);
        while (tar.GetNextEntry() is { } entry)
        {
            var name = Path.GetFileName(entry.Name);
            if (entry.DataStream is { } content && (TrainFiles.Contains(name) || TestFiles.Contains(name)))
            {
                AtomicFile.Write(Path.Combine(folder, name), content.CopyTo);
            }
        }
    }

    private static bool IsComplete(string folder) =>
        TrainFiles.Concat(TestFiles).All(name => new FileInfo(Path.Combine(folder, name)) is { Exists: true, Length: Cifar10ImageSource.FileLength });
}

/// <summary>Images of CIFAR-10's binary files: records of a label and three planes of 32 x 32 bytes.</summary>
internal sealed class Cifar10ImageSource : IImageSource, IOpenedImages
{
    public static IReadOnlyList<string> ClassNames { get; } =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Bytes of one file of 10,000 images.</summary>
    public const long FileLength = RecordLength * ImagesPerFile;

    private const int Side = 32;
    private const int Plane = Side * Side;
    private const int RecordLength = 1 + (3 * Plane);
    private const int ImagesPerFile = 10_000;
    private readonly byte[][] _files;

    /// <summary>Reads the files into memory, 31 MB each.</summary>
    /// <exception cref="SpectralKDException">A file is missing or has a wrong length.</exception>
    public Cifar10ImageSource(string name, IReadOnlyList<string> paths)
    {
        Name = name;
        _files = [.. paths.Select(ReadFile)];
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc cref="IImageSource.Query"/>
    public ImageQuery? Query { get; set; }

    /// <inheritdoc/>
    public int Count => _files.Length * ImagesPerFile;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => ClassNames;

    /// <inheritdoc/>
    public int Label(int index) => Record(index)[0];

    /// <inheritdoc/>
    public string ItemName(int index) => FormattableString.Invariant($"{Classes[Label(index)]} {index}");

    /// <inheritdoc/>
    public RgbImage Read(int index)
    {
        var planes = Record(index)[1..];
        var pixels = new byte[3 * Plane];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = planes[(i % 3 * Plane) + (i / 3)];
        }

        return new RgbImage(Side, Side, pixels);
    }

    private ReadOnlySpan<byte> Record(int index) =>
        _files[index / ImagesPerFile].AsSpan(index % ImagesPerFile * RecordLength, RecordLength);

    private static byte[] ReadFile(string path)
    {
        try
        {
            var content = File.ReadAllBytes(path);
            return content.Length == FileLength && !Enumerable.Range(0, ImagesPerFile).Any(i => content[i * RecordLength] > 9)
                ? content
                : throw new SpectralKDException(FormattableString.Invariant(
                    $"{path} is not a whole file of CIFAR-10: it has {content.Length} bytes of {FileLength}, or labels beyond 9; unpack the archive again"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"CIFAR-10's file {path} cannot be read: {error.Message}", error);
        }
    }
}

/// <summary>A file on the web with a known checksum, kept in the cache once it has come whole.</summary>
/// <param name="Url">Where it is.</param>
/// <param name="Md5">Its MD5 checksum in lower-case hexadecimal, as its authors publish it: against damage, not against attack.</param>
internal sealed record RemoteFile(Uri Url, string Md5)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    /// <summary>Downloads the file to <paramref name="path"/> unless it is there; it appears under that name only whole and checked.</summary>
    /// <exception cref="SpectralKDException">It cannot be downloaded, or is not the expected file.</exception>
    public void Ensure(string path, HttpMessageHandler? handler = null)
    {
        if (File.Exists(path) && Checksum(path) == Md5)
        {
            return;
        }

        var temporary = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            Download(temporary, handler);
            var found = Checksum(temporary);
            if (found != Md5)
            {
                throw new SpectralKDException(
                    $"the download of {Url} is not the expected file: its MD5 is {found} instead of {Md5}; try again, or fetch it by hand to {path}");
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            throw new SpectralKDException(
                $"{Url} cannot be downloaded: {error.Message.TrimEnd('.')}. Fetch it by hand to {path}, or name a local copy as the source", error);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>MD5 of a file, lower-case hexadecimal.</summary>
    public static string Checksum(string path)
    {
        using var file = File.OpenRead(path);
#pragma warning disable CA5351 // the checksum that the data set's authors publish
        return Convert.ToHexString(MD5.HashData(file)).ToLowerInvariant();
#pragma warning restore CA5351
    }

    private void Download(string target, HttpMessageHandler? handler)
    {
        using var client = handler is null ? new HttpClient() : new HttpClient(handler, disposeHandler: false);
        client.Timeout = Patience;
        using var request = new HttpRequestMessage(HttpMethod.Get, Url);
        using var response = client.Send(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        using var file = File.Create(target);
        using var content = response.Content.ReadAsStream();
        content.CopyTo(file);
    }
}
