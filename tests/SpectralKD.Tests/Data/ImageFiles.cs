using System.IO.Compression;
using SkiaSharp;

namespace SpectralKD.Tests.Data;

/// <summary>A temporary folder in which a test makes image files.</summary>
internal sealed class ImageFiles : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("spectralkd-images-").FullName;

    /// <summary>A small JPEG of noise.</summary>
    public static byte[] Jpeg(int width = 40, int height = 30, int seed = 1) => Encode(width, height, seed, SKEncodedImageFormat.Jpeg);

    /// <summary>A small PNG of noise.</summary>
    public static byte[] Png(int width = 40, int height = 30, int seed = 1) => Encode(width, height, seed, SKEncodedImageFormat.Png);

    public string Write(string path, byte[] bytes)
    {
        var full = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllBytes(full, bytes);
        return full;
    }

    public string WriteZip(string path, params (string Name, byte[] Bytes)[] files)
    {
        var full = Path.Combine(Root, path);
        using var archive = ZipFile.Open(full, ZipArchiveMode.Create);
        foreach (var (name, bytes) in files)
        {
            using var stream = archive.CreateEntry(name).Open();
            stream.Write(bytes);
        }

        return full;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static byte[] Encode(int width, int height, int seed, SKEncodedImageFormat format)
    {
        var random = new Random(seed);
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (var i = 0; i < width * height; i++)
        {
            bitmap.SetPixel(i % width, i / width, new SKColor((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256)));
        }

        using var data = bitmap.Encode(format, 90);
        return data.ToArray();
    }
}
