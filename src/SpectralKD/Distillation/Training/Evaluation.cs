namespace SpectralKD.Distillation;

/// <summary>How well a model classifies labelled images.</summary>
/// <param name="Images">Number of images.</param>
/// <param name="Loss">Mean cross entropy.</param>
/// <param name="Top1">Percentage whose label is the most likely class.</param>
/// <param name="Top5">Percentage whose label is among the five most likely classes.</param>
public sealed record Evaluation(long Images, double Loss, double Top1, double Top5)
{
    /// <summary>Classifies batches. The model is put into evaluation mode meanwhile; no gradients are kept.</summary>
    /// <param name="model">The model, on any device.</param>
    /// <param name="batches">Images with class indices; each batch is disposed after use.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>Null where there is not one image.</returns>
    /// <exception cref="SpectralKDException">The model has no head.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static Evaluation? Of(VisionModel model, IEnumerable<TrainingBatch> batches, CancellationToken cancellation = default) => Of(model, batches, null, cancellation);

    /// <summary>The same; <paramref name="hits"/> takes, image by image, whether its label was the most likely class.</summary>
    internal static Evaluation? Of(VisionModel model, IEnumerable<TrainingBatch> batches, ICollection<bool>? hits, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batches);
        if (model.Spec.Classes == 0)
        {
            throw new SpectralKDException($"{model.Spec.Name} has no head, so it does not classify; load it with a number of classes and train the head first");
        }

        LibTorch.EnsureLoaded();
        var training = model.training;
        model.eval();
        try
        {
            var sums = new double[4]; // images, loss, top-1, top-5
            foreach (var batch in batches)
            {
                using (batch)
                {
                    cancellation.ThrowIfCancellationRequested();
                    Add(sums, model, batch, hits);
                }
            }

            return sums[0] == 0 ? null : new Evaluation((long)sums[0], sums[1] / sums[0], 100 * sums[2] / sums[0], 100 * sums[3] / sums[0]);
        }
        finally
        {
            model.train(training);
        }
    }

    private static void Add(double[] sums, VisionModel model, TrainingBatch batch, ICollection<bool>? right)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var weight = model.AnyWeight;
        var labels = batch.Labels.to(weight.device);
        var logits = model.forward(batch.Images.to(weight.device).to(weight.dtype)).to(ScalarType.Float32);
        var loss = nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.Sum).to(ScalarType.Float64);
        var (_, classes) = logits.topk((int)Math.Min(5, logits.shape[1]), 1);
        var hits = classes.eq(labels.unsqueeze(1)); // (B, 5)
        var found = stack([loss, hits.narrow(1, 0, 1).sum().to(ScalarType.Float64), hits.sum().to(ScalarType.Float64)]).cpu().data<double>().ToArray();
        foreach (var hit in right is null ? [] : hits.narrow(1, 0, 1).cpu().contiguous().data<bool>().ToArray())
        {
            right!.Add(hit);
        }

        sums[0] += labels.shape[0];
        for (var i = 0; i < found.Length; i++)
        {
            sums[i + 1] += found[i];
        }
    }
}
