using System.Text.Json;
using SpectralKD.Tests.Models;

namespace SpectralKD.Tests.Distillation;

/// <summary>Five steps of the reference's training on small models, with AdamW, label smoothing, soft KD, alignment and EMA.</summary>
public sealed class GoldenStepsTests
{
    private static readonly JsonElement Golden = GoldenJson.Read("training", "steps_vit_from_cait_soft.json");

    [Theory]
    [InlineData(AlignmentForm.ClosedForm, 1)]
    [InlineData(AlignmentForm.Fft, 1)]
    [InlineData(AlignmentForm.ClosedForm, 4)]
    public void Losses_weights_and_averages_are_the_references(AlignmentForm form, int parts)
    {
        using var teacher = Frozen(new GoldenModel("cait").Create());
        using var student = new GoldenModel("vit").Create();
        student.train();
        var settings = Golden.GetProperty("optimizer");
        using var optimizer = new StudentOptimizer(student, new AdamWSettings { WeightDecay = settings.GetProperty("weight_decay").GetDouble() });
        using var average = new ExponentialMovingAverage(optimizer.Parameters, Golden.GetProperty("ema_decay").GetDouble());
        var plan = LossPlan.Of(Weights(form), student, GoldenJson.Ints(Golden.GetProperty("s_id")), teacher, GoldenJson.Ints(Golden.GetProperty("t_id")));
        using var terms = new StepLoss(plan, student, teacher);
        var step = new TrainingStep(student, teacher, terms, optimizer, average);

        foreach (var (number, expected) in Golden.GetProperty("steps").EnumerateArray().Index())
        {
            using var scope = NewDisposeScope();
            var loss = step.Run([.. Batch(number, parts).Select(part => (part.Images, part.Labels, (Tensor?)null))], settings.GetProperty("lr").GetDouble()).Loss;
            Assert.Equal(expected.GetProperty("loss_base").GetDouble(), loss.Labels, 1e-4);
            Assert.Equal(expected.GetProperty("loss_fft").GetDouble(), loss.Alignment!.Value, 1e-4);
            Assert.Equal(expected.GetProperty("loss_dist").GetDouble(), loss.Logits!.Value, 1e-4);
            if (number == 0)
            {
                CompareGradients(student);
            }
        }

        Compare("param", student.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter));
        Compare("ema", average.Averages);
    }

    private static void CompareGradients(VisionModel student)
    {
        var expected = Golden.GetProperty("grad_l2_step0");
        foreach (var (name, parameter) in student.named_parameters())
        {
            using var scope = NewDisposeScope();
            Assert.Equal(expected.GetProperty(name).GetDouble(), GoldenJson.Norm(parameter.grad!), 2e-5);
        }
    }

    // Biases of qkv have gradients of pure rounding noise, which Adam blows up to whole steps: torch differs from itself there.
    private static void Compare(string kind, IReadOnlyDictionary<string, Tensor> actual)
    {
        using var scope = NewDisposeScope();
        foreach (var (key, value) in GoldenTensors.Read(SharedData.Golden("training", "steps_vit_from_cait_soft.safetensors"))
            .Where(entry => entry.Key.StartsWith(kind + ".", StringComparison.Ordinal)))
        {
            Assert.True((actual[key[(kind.Length + 1)..]] - value).abs().max().item<float>() < 2e-5, key);
        }

        foreach (var norm in Golden.GetProperty(kind + "_l2_after").EnumerateObject().Where(norm => !norm.Name.EndsWith("qkv.bias", StringComparison.Ordinal)))
        {
            Assert.Equal(norm.Value.GetDouble(), GoldenJson.Norm(actual[norm.Name]), 2e-4);
        }
    }

    private static List<(Tensor Images, Tensor Labels)> Batch(int number, int parts)
    {
        var images = GoldenJson.Generate($"train.input.{number}", [8, 3, 64, 64], 4);
        var labels = tensor(GoldenJson.Longs(Golden.GetProperty("steps")[number].GetProperty("labels")));
        return [.. images.chunk(parts).Zip(labels.chunk(parts))];
    }

    private static LossWeights Weights(AlignmentForm form) => new()
    {
        Method = DistillationMethod.Soft,
        Form = form,
        Alpha = Golden.GetProperty("alpha").GetDouble(),
        Beta = Golden.GetProperty("beta").GetDouble(),
        WFft = Golden.GetProperty("w_fft").GetDouble(),
        Tau = Golden.GetProperty("tau").GetDouble(),
        Smoothing = 0.1,
    };

    private static VisionModel Frozen(VisionModel model)
    {
        foreach (var parameter in model.parameters())
        {
            parameter.requires_grad = false;
        }

        return model;
    }
}
