using System.Formats.Tar;
using System.IO.Compression;

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
