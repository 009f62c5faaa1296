namespace SpectralKD.Spectra;

/// <summary>What a teacher's blocks tell before any training: how well classes are read off their features, and which directions their images use.</summary>
/// <param name="Accuracy">Of each block, in order of depth.</param>
/// <param name="Subspaces">Of each block too.</param>
internal sealed record BlockPredictors(IReadOnlyList<BlockAccuracy> Accuracy, IReadOnlyList<BlockSubspaces> Subspaces)
{
    /// <summary>Takes both in two passes of the images: for the pooled features and the directions of all images together, then for each image's own.</summary>
    /// <param name="model">The model; switched to evaluation mode meanwhile.</param>
    /// <param name="images">Images, with labels for the accuracies; those that cannot be read are left out.</param>
    /// <param name="begin">Told that the first pass begins, then the second; what it gives is told after every batch. Null for nobody.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    public static BlockPredictors Of(VisionModel model, IImageSource images, Func<int, Action<long, long>>? begin = null, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var pooled = model.Blocks.Select(_ => new List<Tensor>()).ToArray();
        var sums = model.Blocks.Select(_ => new CommonDirections()).ToArray();
        var labels = new List<int>();
        var told = begin?.Invoke(1);
        Each(
            model, images,
            (_, block, map) =>
            {
                pooled[block].Add(map.mean([2L, 3L]).to(float64).cpu().MoveToOuterDisposeScope()); // (B, C)
                sums[block].Add(map);
            },
            batch =>
            {
                labels.AddRange(batch.Indices.Select(images.Label));
                told?.Invoke(labels.Count, images.Count);
            },
            cancellation);
        List<BlockAccuracy> accuracy = [.. pooled.Select(rows => BlockAccuracy.Of(cat(rows, 0), labels))];
        Tensor[] common = [.. sums.Select(block => block.Find())];

        var (found, done) = (model.Blocks.Select(_ => new List<(int D95, double Rotation)>()).ToArray(), 0L);
        told = begin?.Invoke(2);
        Each(model, images, (_, block, map) => found[block].AddRange(BlockSubspaces.Images(map, common[block])), batch => told?.Invoke(done += batch.Count, images.Count), cancellation);
        return new BlockPredictors(accuracy, [.. found.Select(BlockSubspaces.Of)]);
    }

    /// <summary>One pass of images through a model: every block's maps <c>[B, C, H, W]</c> of every batch, in a scope of the batch, and then the batch once more.</summary>
    internal static void Each(VisionModel model, IImageSource images, Action<ImageBatch, int, Tensor> take, Action<ImageBatch> after, CancellationToken cancellation)
    {
        using var guard = no_grad();
        using var run = new ModelRun(model, new SpectralOptions());
        foreach (var batch in ImageBatches.Read(images, model.Spec.Preprocessing, model.Spec.ImageSize, new BatchOptions { BatchSize = 32 }, new SkippedImages(), cancellation))
        {
            using (batch)
            {
                cancellation.ThrowIfCancellationRequested();
                using var inner = NewDisposeScope();
                var maps = run.Output(batch.Images).Maps;
                for (var block = 0; block < maps.Count; block++)
                {
                    take(batch, block, maps[block].Values);
                }

                after(batch);
            }
        }
    }
}

/// <summary>
/// How well simple classifiers read the classes off a block's features, averaged over the map: learnt from one half of the images of each class, judged on the other.
/// Null where there are no labels of two classes to judge.
/// </summary>
/// <param name="Knn">
/// Accuracy in [0, 1] of the <see cref="Neighbours"/> nearest images by cosine, which vote with the weight exp(cosine / 0.07) (Wu et al., CVPR 2018).
/// </param>
/// <param name="Probe">Accuracy in [0, 1] of a linear classifier: ridge regression on the classes, whose largest value wins. It has one solution, whatever the step or seed.</param>
internal sealed record BlockAccuracy(double? Knn, double? Probe)
{
    /// <summary>Neighbours that vote, fewer where fewer images are known.</summary>
    public const int Neighbours = 10;

    private const double Temperature = 0.07;
    private const double Ridge = 0.01;

    /// <summary>Of features <c>[n, C]</c> in float64 and the labels of their rows.</summary>
    public static BlockAccuracy Of(Tensor features, IReadOnlyList<int> labels)
    {
        var (fitted, judged) = Halves(labels);
        if (judged.Length == 0 || labels.Distinct().Count() < 2)
        {
            return new BlockAccuracy(null, null);
        }

        using var scope = NewDisposeScope();
        var (seen, unseen) = (features.index_select(0, tensor(fitted)), features.index_select(0, tensor(judged)));
        var classes = nn.functional.one_hot(tensor([.. fitted.Select(row => (long)labels[(int)row])]), labels.Max() + 1).to(float64); // (n, K)
        long[] truth = [.. judged.Select(row => (long)labels[(int)row])];
        return new BlockAccuracy(Share(Votes(seen, classes, unseen)), Share(new RidgeRegression(seen, RidgeRegression.Strength(seen, Ridge)).Predict(classes, unseen)));

        double Share(Tensor scores) => scores.argmax(1).data<long>().ToArray().Zip(truth).Count(row => row.First == row.Second) / (double)truth.Length;
    }

    // Weighted votes [m, K] of the nearest rows.
    private static Tensor Votes(Tensor seen, Tensor classes, Tensor unseen)
    {
        var (cosines, nearest) = Directions(unseen).mm(Directions(seen).t()).topk((int)Math.Min(Neighbours, seen.shape[0]), 1);
        var voters = classes.index_select(0, nearest.flatten()).view(nearest.shape[0], nearest.shape[1], -1); // (m, k, K)
        return voters.mul(cosines.Over(Temperature).exp().unsqueeze(2)).sum([1L]);
    }

    private static Tensor Directions(Tensor rows) => rows / rows.Squared().sum([1L], keepdim: true).sqrt().AtLeast(1e-300);

    // Every other image of each class.
    private static (long[] Fitted, long[] Judged) Halves(IReadOnlyList<int> labels)
    {
        var places = labels.Select((label, row) => (label, row)).GroupBy(entry => entry.label).SelectMany(group => group.Select((entry, at) => (Row: (long)entry.row, Judges: at % 2 == 1))).OrderBy(entry => entry.Row).ToList();
        return ([.. places.Where(entry => !entry.Judges).Select(entry => entry.Row)], [.. places.Where(entry => entry.Judges).Select(entry => entry.Row)]);
    }
}

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
    /// <summary>Of one block's maps <c>[B, C, H, W]</c>.</summary>
    public static BlockSubspaces Of(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var common = new CommonDirections();
        common.Add(maps);
        return Of(Images(maps, common.Find()));
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

    /// <summary>Of what was found of each image.</summary>
    public static BlockSubspaces Of(List<(int D95, double Rotation)> images)
    {
        var sorted = images.Select(image => image.D95).Order().ToArray();
        return new BlockSubspaces((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2.0, images.Average(image => image.Rotation));
    }
}

/// <summary>Sums over a block's tokens, to the directions that all images use. Their tensors are in no scope.</summary>
internal sealed class CommonDirections
{
    private Tensor? _products;
    private Tensor? _sum;
    private double _tokens;

    /// <summary>Adds maps <c>[B, C, H, W]</c>.</summary>
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

    /// <summary>Eigenvectors of the covariance in columns, the strongest first; the sums are freed.</summary>
    public Tensor Find()
    {
        using var scope = NewDisposeScope();
        using var products = _products!;
        using var sum = _sum!;
        var mean = sum.Over(_tokens);
        var (_, vectors) = linalg.eigh(products.Over(_tokens) - mean.t().mm(mean));
        return vectors.flip(1).contiguous().MoveToOuterDisposeScope();
    }
}
