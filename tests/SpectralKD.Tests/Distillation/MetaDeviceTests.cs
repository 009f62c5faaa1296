using SpectralKD.Tests.Models;

namespace SpectralKD.Tests.Distillation;

/// <summary>
/// libtorch's meta device computes shapes and no values. A tensor that stays on the CPU among its tensors is an error there, as it is on a GPU, and so is whatever
/// fetches a value: what runs here neither mixes devices nor waits for a GPU.
/// </summary>
public sealed class MetaDeviceTests
{
    public static TheoryData<string> Cases => [.. SharedData.GoldenCases("small")];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_forward_pass_of_every_family_keeps_to_its_device(string name)
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenModel(name);
        using var model = OnMeta(golden);

        var output = model.ForwardIntermediates(Images(golden), null);

        Assert.All(output.Maps.Select(map => map.Values).Append(output.Logits), values => Assert.Equal(META.type, values.device_type));
        Assert.Equal(golden.BlockShapes, output.Maps.Select(map => map.Values.shape));
    }

    [Theory]
    [InlineData(DistillationMethod.Soft, AlignmentForm.ClosedForm, null)]
    [InlineData(DistillationMethod.Soft, AlignmentForm.Fft, null)]
    [InlineData(DistillationMethod.Hard, AlignmentForm.ClosedForm, 1.0)]
    [InlineData(DistillationMethod.Fft, AlignmentForm.ClosedForm, null)]
    public void A_step_with_backward_optimiser_and_average_fetches_nothing_from_its_device(DistillationMethod method, AlignmentForm form, double? clip)
    {
        using var scope = NewDisposeScope();
        using var teacher = OnMeta(new GoldenModel("cait"));
        using var student = OnMeta(new GoldenModel("vit"));
        student.train();
        using var optimizer = new StudentOptimizer(student, new AdamWSettings { ClipNorm = clip });
        using var average = new ExponentialMovingAverage(optimizer.Parameters, 0.9);
        var layers = AlignedLayers.Of(student, [0, 3], teacher, [0, 3]);
        var step = new TrainingStep(student, teacher, new LossWeights { Method = method, Form = form }, layers, optimizer, average);
        var labels = zeros([4], ScalarType.Int64, META);

        for (var number = 0; number < 2; number++)
        {
            step.Run([(zeros([4, 3, 64, 64], device: META), labels)], 1e-3, looks: false);
        }

        Assert.All(optimizer.Parameters.Where(entry => entry.Parameter.requires_grad), entry => Assert.Equal(META.type, entry.Parameter.grad!.device_type));
        Assert.All(average.Averages.Values, values => Assert.Equal(META.type, values.device_type));
    }

    [Fact]
    public void The_meta_device_finds_a_tensor_of_another_device() => Assert.ThrowsAny<Exception>(() =>
    {
        using var scope = NewDisposeScope();
        return zeros([2], device: META) + zeros(2);
    });

    private static VisionModel OnMeta(GoldenModel golden)
    {
        var model = golden.Create();
        return (VisionModel)((nn.Module)model).to(META);
    }

    private static Tensor Images(GoldenModel golden) => zeros([2, 3, golden.Spec.ImageSize, golden.Spec.ImageSize], device: META);
}
