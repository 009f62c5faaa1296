namespace SpectralKD.Spectra;

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

    /// <summary>Of each block of a model, in order of depth.</summary>
    /// <param name="model">The model; switched to evaluation mode meanwhile.</param>
    /// <param name="images">Images with labels; those that cannot be read are left out.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    public static IReadOnlyList<BlockAccuracy> Of(VisionModel model, IImageSource images, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var pooled = model.Blocks.Select(_ => new List<Tensor>()).ToArray();
        var labels = new List<int>();
        Each(
            model, images,
            (batch, block, map) => pooled[block].Add(map.mean([2L, 3L]).to(float64).cpu().MoveToOuterDisposeScope()), // (B, C)
            batch =>
            {
                labels.AddRange(batch.Indices.Select(images.Label));
                progress?.Invoke(labels.Count, images.Count);
            },
            cancellation);
        return [.. pooled.Select(rows => Of(cat(rows, 0), labels))];
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
