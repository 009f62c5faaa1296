namespace SpectralKD.Benchmarks;

/// <summary>Photographs to tensors of 224 pixels: each step on one thread, then the whole way, decoded ahead on all cores, from files and from image caches.</summary>
internal static class ImagesBenchmark
{
    private const int Size = 224;

    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        using var pictures = Photographs.Of(arguments);
        var photos = ImageSources.Open(pictures.Folder, arguments.Photos is null ? arguments.Images : null);
        var preprocessing = Preprocessing.ImageNet;
        var transform = new EvalTransform(preprocessing, Size);
        var folder = Directory.CreateTempSubdirectory("spectralkd-benchmark-").FullName;
        try
        {
            var resized = ImageCache.Open(photos, folder, preprocessing.ResizeTo(Size));
            var whole = ImageCache.Open(photos, folder);
            var indices = Enumerable.Range(0, photos.Count).ToArray();
            var decoded = indices.Select(photos.Read).ToArray();
            var target = new float[transform.Length];
            yield return Interleaved.Run(
                $"{photos.Count} photographs ({pictures.What}, the first {decoded[0].Width} x {decoded[0].Height}), one thread",
                arguments.Rounds,
                "images",
                photos.Count,
                Interleaved.Here("decode", () => Array.ForEach(indices, index => photos.Read(index))),
                Interleaved.Here("resize and crop", () => Array.ForEach(decoded, image => transform.ResizeAndCrop(image))),
                Interleaved.Here("resize, crop and normalise", () => Array.ForEach(decoded, image => transform.Apply(image, target))),
                Interleaved.Here("read from the cache (248 pixels)", () => Array.ForEach(indices, index => resized.Read(index))),
                Interleaved.Here("read from the cache (248 pixels), crop and normalise", () => Array.ForEach(indices, index => transform.Apply(resized.Read(index), target))));
            yield return Interleaved.Run(
                $"{photos.Count} photographs into tensors of {Size} pixels, {Environment.ProcessorCount} cores",
                arguments.Rounds,
                "images",
                photos.Count,
                Interleaved.Here("from the files", () => Read(photos)),
                Interleaved.Here("from the cache", () => Read(resized)),
                Interleaved.Here("crop-flip, from the files", () => Train(photos, "crop-flip")),
                Interleaved.Here("crop-flip, from the cache of whole images", () => Train(whole, "crop-flip")),
                Interleaved.Here("deit, from the files", () => Train(photos, "deit")),
                Interleaved.Here("deit, from the cache of whole images", () => Train(whole, "deit")));
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
}
