using SpectralKD.Data;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>Mixes the images of batches where the recipe asks for mixup or CutMix.</summary>
internal sealed class BatchMixing(DistillationRecipe recipe, int classes)
{
    private readonly MixupOptions? _options = recipe.Data.Mixing;

    /// <summary>Mixes a batch's images in place and returns the labels that then hold; the batch's own where nothing is mixed.</summary>
    /// <param name="batch">The batch; its labels are class indices.</param>
    /// <param name="epoch">0-based.</param>
    /// <param name="number">The batch's number in the epoch.</param>
    public Tensor Labels(TrainingBatch batch, int epoch, int number) => _options is null
        ? batch.Labels
        : Mixup.Apply(batch.Images, batch.Labels.data<long>().ToArray(), classes, _options, smoothing: 0, recipe.Seed, ((long)epoch << 32) + number);
}
