using SpectralKD.Models;
using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>One optimiser step: forward of teacher and student, loss, backward, update of the weights and of their average.</summary>
internal sealed class TrainingStep(
    VisionModel student, VisionModel? teacher, LossWeights weights, AlignedLayers layers, StudentOptimizer optimizer, ExponentialMovingAverage? average)
{
    /// <summary>Trains on one batch, which may come in parts whose gradients are added up.</summary>
    /// <param name="parts">Images float <c>[B, 3, H, W]</c> and labels (int64 <c>[B]</c> or float <c>[B, K]</c>), on the CPU or the model's device.</param>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <returns>The loss's terms over the whole batch. Where they are not finite, nothing was changed.</returns>
    public StepResult Run(IReadOnlyList<(Tensor Images, Tensor Labels)> parts, double learningRate)
    {
        optimizer.Clear();
        var images = parts.Sum(part => part.Images.shape[0]);
        var values = new LossValues[parts.Count];
        for (var part = 0; part < parts.Count; part++)
        {
            values[part] = Backward(parts[part].Images, parts[part].Labels, (double)parts[part].Images.shape[0] / images);
            if (!values[part].IsFinite)
            {
                return new StepResult(values[part], null);
            }
        }

        var norm = optimizer.Step(learningRate);
        average?.Update();
        return new StepResult(Sum(values), norm);
    }

    private LossValues Backward(Tensor images, Tensor labels, double share)
    {
        using var scope = NewDisposeScope();
        var weight = student.AnyWeight;
        var (input, targets) = (images.to(weight.device), labels.to(weight.device));
        var (teacherLogits, teacherMaps) = AskTeacher(input);
        var own = Forward(student, input.to(weight.dtype), layers.Student);
        var logits = own.Logits.to(ScalarType.Float32);
        var probabilities = targets.is_floating_point() ? targets.to(ScalarType.Float32) : targets;
        var terms = DistillationLoss.Of(weights, logits, probabilities, Paired(own, layers.Student), teacherLogits, teacherMaps);
        var values = Scaled(terms.Values(), share);
        if (values.IsFinite)
        {
            var total = terms.Total();
            (share == 1 ? total : total.Times(share)).backward();
            optimizer.Collect();
        }

        return values;
    }

    private (Tensor? Logits, IReadOnlyList<Tensor> Maps) AskTeacher(Tensor images)
    {
        if (teacher is null || weights.Method == DistillationMethod.None)
        {
            return (null, []);
        }

        using var guard = no_grad();
        var type = teacher.AnyWeight;
        var output = Forward(teacher, images.to(type.dtype).to(type.device), layers.Teacher);
        return (output.Logits.to(images.device).to(ScalarType.Float32), [.. Paired(output, layers.Teacher).Select(map => map.to(images.device))]);
    }

    private static ModelOutput Forward(VisionModel model, Tensor images, IReadOnlyList<int> layers) =>
        layers.Count == 0 ? new ModelOutput(model.forward(images), []) : model.ForwardIntermediates(images, layers);

    // Maps come in block order, each once; pairs may name them in any order.
    private static List<Tensor> Paired(ModelOutput output, IReadOnlyList<int> wanted)
    {
        var byBlock = output.Maps.ToDictionary(map => map.Block, map => map.Values);
        return [.. wanted.Select(block => byBlock[block])];
    }

    private static LossValues Scaled(LossValues values, double share) =>
        new(values.Labels * share, values.Alignment * share, values.Logits * share);

    private static LossValues Sum(LossValues[] values) => values.Aggregate((sum, next) =>
        new LossValues(sum.Labels + next.Labels, sum.Alignment + next.Alignment, sum.Logits + next.Logits));
}
