namespace SpectralKD.Data;

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
