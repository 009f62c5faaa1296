using System.Diagnostics;
using System.Globalization;

namespace SpectralKD.Benchmarks;

/// <summary>
/// From files to tensors of 224 pixels: processor time an image of each step on one thread, then images a second of the whole way, decoded ahead on all cores.
/// Photos come from the folder that SPECTRALKD_PHOTOS names (JPEGs of 500 x 375, for example).
/// </summary>
internal static class ImagesBenchmark
{
    private const int Size = 224;

    public static void Run(BenchmarkArguments arguments)
    {
        var photos = ImageSources.Open(Environment.GetEnvironmentVariable("SPECTRALKD_PHOTOS")
            ?? throw new SpectralKDException("the images benchmark needs photos: name their folder by SPECTRALKD_PHOTOS"));
        var preprocessing = Preprocessing.ImageNet;
        var transform = new EvalTransform(preprocessing, Size);
        var folder = Directory.CreateTempSubdirectory("spectralkd-benchmark-").FullName;
        try
        {
            var resized = ImageCache.Open(photos, folder, preprocessing.ResizeTo(Size));
            var whole = ImageCache.Open(photos, folder);
            var indices = Enumerable.Range(0, photos.Count).ToArray();
            var decoded = indices.Take(100).Select(photos.Read).ToArray();
            var target = new float[transform.Length];
            Console.WriteLine(FormattableString.Invariant($"{photos.Count} photos, the first {decoded[0].Width} x {decoded[0].Height}, to {Size} pixels"));
            Console.WriteLine("| step, one thread | CPU ms an image |");
            Console.WriteLine("|---|---:|");
            Step("decode", arguments, indices.Length, () => Array.ForEach(indices, index => photos.Read(index)));
            Step("resize and crop", arguments, decoded.Length, () => Array.ForEach(decoded, image => transform.ResizeAndCrop(image)));
            Step("resize, crop and normalise", arguments, decoded.Length, () => Array.ForEach(decoded, image => transform.Apply(image, target)));
            Step("read from the cache (248 pixels)", arguments, indices.Length, () => Array.ForEach(indices, index => resized.Read(index)));
            Step("read from the cache (248 pixels), crop and normalise", arguments, indices.Length, () => Array.ForEach(indices, index => transform.Apply(resized.Read(index), target)));
            Console.WriteLine();
            Console.WriteLine(FormattableString.Invariant($"| whole way, {Environment.ProcessorCount} cores | images/s | CPU ms an image |"));
            Console.WriteLine("|---|---:|---:|");
            Way("from the files", arguments, photos.Count, () => Read(photos));
            Way("from the cache", arguments, photos.Count, () => Read(resized));
            foreach (var augmentation in new[] { "crop-flip", "deit" })
            {
                Way($"{augmentation}, from the files", arguments, photos.Count, () => Train(photos, augmentation));
                Way($"{augmentation}, from the cache of whole images", arguments, photos.Count, () => Train(whole, augmentation));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Read(IImageSource source)
        {
            foreach (var batch in ImageBatches.Read(source, preprocessing, Size))
            {
                batch.Dispose();
            }
        }

        void Train(IImageSource source, string augmentation)
        {
            foreach (var batch in new ImageTrainingData(new DataSplit(source, source), preprocessing, Size, new RecipeData { Augmentation = augmentation }).Train(0, 1, 0))
            {
                batch.Dispose();
            }
        }
    }

    private static void Step(string name, BenchmarkArguments arguments, int images, Action call) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"| {name} | {Median(arguments, call, images).Cpu:0.000} |"));

    private static void Way(string name, BenchmarkArguments arguments, int images, Action call)
    {
        var (wall, cpu) = Median(arguments, call, images);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {1000 / wall:0} | {cpu:0.000} |"));
    }

    private static (double Wall, double Cpu) Median(BenchmarkArguments arguments, Action call, int images)
    {
        call();
        var (walls, cpus) = (new List<double>(), new List<double>());
        for (var round = 0; round < arguments.Rounds; round++)
        {
            var (clock, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            call();
            walls.Add(clock.Elapsed.TotalMilliseconds / images);
            cpus.Add((Environment.CpuUsage.TotalTime - before).TotalMilliseconds / images);
        }

        return (walls.Order().ElementAt(walls.Count / 2), cpus.Order().ElementAt(cpus.Count / 2));
    }
}
