namespace SpectralKD.Benchmarks;

/// <summary>The folder of photographs that was named, or JPEGs of 500 x 375 made for the run.</summary>
internal sealed class Photographs : IDisposable
{
    private readonly string? _made;

    private Photographs(string folder, string what, string? made)
    {
        (Folder, What, _made) = (folder, what, made);
    }

    public string Folder { get; }

    public string What { get; }

    public static Photographs Of(BenchmarkArguments arguments)
    {
        if (arguments.Photos is { } folder)
        {
            return new Photographs(folder, folder, null);
        }

        var made = Directory.CreateTempSubdirectory("photographs-").FullName;
        for (var i = 0; i < arguments.Images; i++)
        {
            Write(Path.Combine(Directory.CreateDirectory(Path.Combine(made, $"class{i % 4}")).FullName, $"{i}.jpg"), i);
        }

        return new Photographs(made, "smooth colours and noise, 500 x 375,", made);
    }

    public void Dispose()
    {
        if (_made is not null)
        {
            Directory.Delete(_made, recursive: true);
        }
    }

    private static void Write(string path, int seed)
    {
        var random = new Random(seed);
        using var bitmap = new SkiaSharp.SKBitmap(500, 375);
        for (var y = 0; y < bitmap.Height; y++)
        {
            for (var x = 0; x < bitmap.Width; x++)
            {
                var wave = 100 + (60 * Math.Sin((x * (1 + (seed % 7))) / 40.0)) + (40 * Math.Cos((y * (1 + (seed % 5))) / 30.0));
                bitmap.SetPixel(x, y, new SkiaSharp.SKColor((byte)(wave + random.Next(30)), (byte)(wave * 0.8), (byte)(255 - wave - random.Next(20))));
            }
        }

        using var file = File.Create(path);
        bitmap.Encode(file, SkiaSharp.SKEncodedImageFormat.Jpeg, 90);
    }
}
