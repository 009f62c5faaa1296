namespace SpectralKD.Spectra;

/// <summary>
/// The directions that single images use of a block's channels, and how they lie to those that all images use together: a few for each image, but others for each, is what
/// arXiv 2511.15572 finds in vision transformers.
/// </summary>
/// <param name="ImageD95">Directions that hold 95 % of an image's energy without its mean token (d_95 of arXiv 2511.15572, centred): the median over the images.</param>
/// <param name="Rotation">
/// <c>1 - |U'V|^2 / d</c>, from 0 to 1, mean over the images: U are an image's d strongest directions, d its own d_95, and V the d strongest of all images' tokens
/// together, both without the mean token. 0 where every image uses the common directions.
/// </param>
internal sealed record BlockSubspaces(double ImageD95, double Rotation)
{
    /// <summary>Of each block of a model, in order of depth, in two passes: for the common directions, then for each image's.</summary>
    /// <param name="model">The model; switched to evaluation mode meanwhile.</param>
    /// <param name="images">Images; those that cannot be read are left out.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    public static IReadOnlyList<BlockSubspaces> Of(VisionModel model, IImageSource images, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var moments = new TokenMoments?[model.Blocks.Count];
        var found = model.Blocks.Select(_ => new List<(int D95, double Rotation)>()).ToArray();
        var done = 0L;
        BlockAccuracy.Each(model, images, (_, block, map) => (moments[block] ??= new TokenMoments()).Add(map), Told, cancellation);
        Tensor[] common = [.. moments.Select(sums => sums!.Directions())];
        BlockAccuracy.Each(model, images, (_, block, map) => found[block].AddRange(Images(map, common[block])), Told, cancellation);
        return [.. found.Select(Of)];

        void Told(ImageBatch batch) => progress?.Invoke(done += batch.Count, 2L * images.Count);
    }

    /// <summary>Of one block's maps <c>[B, C, H, W]</c>.</summary>
    public static BlockSubspaces Of(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var moments = new TokenMoments();
        moments.Add(maps);
        return Of(Images(maps, moments.Directions()));
    }

    /// <summary>Each image's d_95 and rotation.</summary>
    /// <param name="maps"><c>[B, C, H, W]</c>.</param>
    /// <param name="common">Directions of all images in columns <c>[C, C]</c>, the strongest first.</param>
    public static List<(int D95, double Rotation)> Images(Tensor maps, Tensor common) => [.. Enumerable.Range(0, (int)maps.shape[0]).Select(image =>
    {
        using var scope = NewDisposeScope();
        var tokens = FeatureSimilarity.Centred(maps[image].flatten(1).t().to(float64).cpu()); // (N, C)
        var (_, singular, own) = linalg.svd(tokens, fullMatrices: false);
        var d = RankFigures.ComponentsFor([.. singular.data<double>().ToArray().Select(value => value * value)], 0.95);
        return (d, 1 - (FeatureSimilarity.Squares(own.narrow(0, 0, d).mm(common.narrow(1, 0, d))) / d));
    })];

    private static BlockSubspaces Of(List<(int D95, double Rotation)> images)
    {
        var sorted = images.Select(image => image.D95).Order().ToArray();
        return new BlockSubspaces((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2.0, images.Average(image => image.Rotation));
    }

    // Sums over tokens, in the scope that is open outside of a batch's.
    private sealed class TokenMoments
    {
        private Tensor? _products;
        private Tensor? _sum;
        private double _tokens;

        public void Add(Tensor maps)
        {
            using var scope = NewDisposeScope();
            var tokens = maps.to(float64).cpu().permute(0, 2, 3, 1).reshape(-1, maps.shape[1]); // (B*H*W, C)
            var (products, sum) = (tokens.t().mm(tokens), tokens.sum([0L], keepdim: true));
            var (oldProducts, oldSum) = (_products, _sum);
            _products = (oldProducts is null ? products : oldProducts.Plus(products)).DetachFromDisposeScope();
            _sum = (oldSum is null ? sum : oldSum.Plus(sum)).DetachFromDisposeScope();
            oldProducts?.Dispose();
            oldSum?.Dispose();
            _tokens += tokens.shape[0];
        }

        // Eigenvectors of the covariance in columns, the strongest first; the sums are freed.
        public Tensor Directions()
        {
            using var scope = NewDisposeScope();
            using var products = _products!;
            using var sum = _sum!;
            var mean = sum.Over(_tokens);
            var (_, vectors) = linalg.eigh(products.Over(_tokens) - mean.t().mm(mean));
            return vectors.flip(1).contiguous().MoveToOuterDisposeScope();
        }
    }
}
