using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>Draws the batches of one step, mixes them and trains on them.</summary>
internal sealed class BatchStep(TrainingStep step, BatchMixing mixing)
{
    /// <summary>One optimiser step over the next <paramref name="count"/> batches.</summary>
    public StepResult Run(IEnumerator<TrainingBatch> batches, int count, double learningRate, int epoch, int number)
    {
        var drawn = new List<TrainingBatch>(count);
        try
        {
            while (drawn.Count < count)
            {
                drawn.Add(batches.MoveNext() ? batches.Current : throw new SpectralKDException(
                    FormattableString.Invariant($"the training images ended in epoch {epoch} before step {number}: the data gave fewer batches than it said")));
            }

            using var scope = NewDisposeScope();
            return step.Run([.. drawn.Select((batch, part) => (batch.Images, mixing.Labels(batch, epoch, (number * count) + part)))], learningRate);
        }
        finally
        {
            drawn.ForEach(batch => batch.Dispose());
        }
    }
}
