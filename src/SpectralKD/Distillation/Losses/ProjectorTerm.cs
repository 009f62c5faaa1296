using TorchSharp.Modules;
using TorchSharp.Utils;

namespace SpectralKD.Distillation;

/// <summary>
/// ProjectorKD: the student's channels are projected to the teacher's, both maps batch-normalised, and compared place by place. As its authors released it the
/// projector is random and never trained, for they add it to the optimiser before it exists; <c>train=true</c> trains it.
/// </summary>
internal sealed class ProjectorTerm : DistillationTerm
{
    private const string Train = "train";
    private readonly ProjectorModule _module;

    public ProjectorTerm(TermSizes sizes, bool train)
    {
        _module = new ProjectorModule(sizes);
        foreach (var parameter in _module.parameters())
        {
            parameter.requires_grad = train;
        }
    }

    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "projector",
        Compares = "projected and batch-normalised feature maps place by place, any widths",
        Source = "Distillation Dynamics, AAAI 2026, ProjectorKD/losses.py",
        Parameters = "for each pair a linear map Cs to Ct and two batch norms; random and fixed as released, trained with train=true",
        Weight = 0.2,
        WeighsByFamily = true,
        Rule = LayerRule.EndPoints,
        Fits = TermFit.SameGrid,
        Arguments = [LossArgument.Switch(Train, false, "train projector and norms; as released they are not")],
        Make = (settings, sizes) => new ProjectorTerm(sizes, settings.Switch(Train)),
    };

    public override nn.Module Module => _module;

    public override Tensor Of(TermInputs inputs)
    {
        using var scope = NewDisposeScope();
        return TermMath.Mean([.. inputs.Pairs().Select((pair, layer) => _module.Layer(layer, pair.Student, pair.Teacher))]).MoveToOuterDisposeScope();
    }
}

/// <summary>The projectors and norms, under the authors' names.</summary>
internal sealed class ProjectorModule : nn.Module
{
    [ComponentName(Name = "projectors")]
    private readonly ModuleList<Models.Linear> _projectors;

    [ComponentName(Name = "bn_student")]
    private readonly ModuleList<BatchNormalisation> _own;

    [ComponentName(Name = "bn_teacher")]
    private readonly ModuleList<BatchNormalisation> _other;

    public ProjectorModule(TermSizes sizes)
        : base(nameof(ProjectorModule))
    {
        _projectors = nn.ModuleList(sizes.Pairs.Select(pair => new Models.Linear(pair.Student.Channels, pair.Teacher.Channels)).ToArray());
        _own = nn.ModuleList(sizes.Pairs.Select(pair => new BatchNormalisation(pair.Teacher.Channels)).ToArray());
        _other = nn.ModuleList(sizes.Pairs.Select(pair => new BatchNormalisation(pair.Teacher.Channels)).ToArray());
        RegisterComponents();
        foreach (var (name, parameter) in named_parameters().Where(entry => entry.name.StartsWith("projectors.", StringComparison.Ordinal)))
        {
            var inputs = sizes.Pairs[int.Parse(name.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture)].Student.Channels;
            TermMath.FillUniform(parameter, $"projector.{name}", 1 / Math.Sqrt(inputs), sizes.Seed);
        }
    }

    /// <summary>The distance of one pair.</summary>
    public Tensor Layer(int layer, Tensor student, Tensor teacher)
    {
        using var scope = NewDisposeScope();
        var projected = _projectors[layer].forward(student.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).contiguous(); // (B, Ct, H, W)
        return (_own[layer].forward(projected) - _other[layer].forward(teacher)).Squared().mean().MoveToOuterDisposeScope();
    }

    /// <summary>BatchNorm2d in training: each channel by its own mean and variance over batch and grid. torch's module counts its batches by a number that a collection may free.</summary>
    internal sealed class BatchNormalisation : nn.Module<Tensor, Tensor>
    {
        [ComponentName(Name = "weight")]
        private readonly Parameter _weight;

        [ComponentName(Name = "bias")]
        private readonly Parameter _bias;

        [ComponentName(Name = "running_mean")]
        private readonly Tensor _mean;

        [ComponentName(Name = "running_var")]
        private readonly Tensor _variance;

        public BatchNormalisation(int channels)
            : base(nameof(BatchNormalisation))
        {
            _weight = NewParameter.Ones(channels);
            _bias = NewParameter.Zeros(channels);
            _mean = zeros(channels).DetachFromDisposeScope();
            _variance = ones(channels).DetachFromDisposeScope();
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => nn.functional.batch_norm(input, _mean, _variance, _weight, _bias, training: true, momentum: 0.1, eps: 1e-5);
    }
}
