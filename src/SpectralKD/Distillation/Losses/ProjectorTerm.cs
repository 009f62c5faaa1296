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
    private readonly ModuleList<BatchNorm2d> _own;

    [ComponentName(Name = "bn_teacher")]
    private readonly ModuleList<BatchNorm2d> _other;

    public ProjectorModule(TermSizes sizes)
        : base(nameof(ProjectorModule))
    {
        _projectors = nn.ModuleList(sizes.Pairs.Select(pair => new Models.Linear(pair.Student.Channels, pair.Teacher.Channels)).ToArray());
        _own = nn.ModuleList(sizes.Pairs.Select(pair => nn.BatchNorm2d(pair.Teacher.Channels)).ToArray());
        _other = nn.ModuleList(sizes.Pairs.Select(pair => nn.BatchNorm2d(pair.Teacher.Channels)).ToArray());
        RegisterComponents();
        foreach (var (name, parameter) in named_parameters().Where(entry => entry.name.StartsWith("projectors.", StringComparison.Ordinal)))
        {
            var inputs = sizes.Pairs[int.Parse(name.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture)].Student.Channels;
            TermMath.FillUniform(parameter, $"projector.{name}", 1 / Math.Sqrt(inputs), sizes.Seed);
        }

        train();
    }

    /// <summary>The distance of one pair.</summary>
    public Tensor Layer(int layer, Tensor student, Tensor teacher)
    {
        using var scope = NewDisposeScope();
        var projected = _projectors[layer].forward(student.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).contiguous(); // (B, Ct, H, W)
        return (_own[layer].forward(projected) - _other[layer].forward(teacher)).Squared().mean().MoveToOuterDisposeScope();
    }
}
