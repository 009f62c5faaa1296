using SpectralKD.Tests.Models;
using TorchSharp;

namespace SpectralKD.Tests.Distillation;

/// <summary>
/// libtorch's meta device computes shapes and no values: whatever fetches a value is an error there, and so is a tensor that stays on the CPU among its own. A
/// step that runs on it neither mixes devices nor waits for a GPU. The families themselves cannot run there, nor the alignment: in C++ it has neither convolutions
/// nor layer norms, index_select, fused attention, dot or transforms; so the model is one of linear maps, and learns from labels and logits.
/// </summary>
public sealed class MetaDeviceTests
{
    [Theory]
    [InlineData(DistillationMethod.Soft, null)]
    [InlineData(DistillationMethod.Soft, 1.0)]
    [InlineData(DistillationMethod.None, null)]
    public void A_step_with_backward_optimiser_and_average_fetches_nothing_from_its_device(DistillationMethod method, double? clip)
    {
        using var scope = NewDisposeScope();
        using var teacher = new LinearMaps();
        using var student = new LinearMaps();
        teacher.to(META);
        student.to(META);
        using var optimizer = new StudentOptimizer(student, new AdamWSettings { ClipNorm = clip });
        using var average = new ExponentialMovingAverage(optimizer.Parameters, 0.9);
        var plan = LossPlan.Of(new LossWeights { Method = method, Smoothing = 0 }, student, null, teacher, null, align: false);
        using var loss = new StepLoss(plan, student, teacher);
        var step = new TrainingStep(student, teacher, loss, optimizer, average);
        var (images, labels) = (zeros([4, 3, 32, 32], device: META), zeros([4, 5], device: META));

        for (var number = 0; number < 2; number++)
        {
            step.Run([(images, labels, null)], 1e-3, looks: false);
        }

        Assert.All(optimizer.Parameters, entry => Assert.Equal(META.type, entry.Parameter.grad!.device_type));
        Assert.All(average.Averages.Values, values => Assert.Equal(META.type, values.device_type));
        Assert.ThrowsAny<Exception>(() => step.Run([(images, labels, null)], 1e-3, looks: true));
    }

    [Fact]
    public void The_meta_device_finds_a_tensor_of_another_device() => Assert.ThrowsAny<Exception>(() =>
    {
        using var scope = NewDisposeScope();
        return zeros([2], device: META) + zeros(2);
    });
}

/// <summary>A model of the toy family's sizes, of linear maps alone.</summary>
internal sealed class LinearMaps : TimmModel
{
    private static readonly MixerSpec s_spec = new() { Name = "linear_maps", ImageSize = 32, PatchSize = 8, EmbedDim = 6, Depth = 3, Classes = 5 };
    private readonly SpectralKD.Models.Linear _patches = new(192, 6);
    private readonly TorchSharp.Modules.ModuleList<SpectralKD.Models.Linear> _blocks = nn.ModuleList(Enumerable.Range(0, 3).Select(_ => new SpectralKD.Models.Linear(6, 6)).ToArray());
    private readonly SpectralKD.Models.Linear _head = new(6, 5);

    public LinearMaps()
        : base(s_spec) => RegisterComponents();

    protected override Tensor FirstWeight => _head.parameters().First();

    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var tokens = _patches.forward(images.reshape(images.shape[0], 16, 192));
        for (var i = 0; i < _blocks.Count; i++)
        {
            tokens = _blocks[i].forward(tokens);
            if (kept.Wants(i))
            {
                kept.Keep(i, TokenGrid.ToMap(tokens, prefix: 0, 4));
            }
        }

        return _head.forward(tokens.mean([1]));
    }
}
