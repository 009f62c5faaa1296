using TorchSharp.Modules;
using TorchSharp.Utils;

namespace SpectralKD.Distillation;

/// <summary>
/// VkD: the mean of the student's normed tokens, projected by a matrix with orthonormal columns, against the teacher's mean token after a layer norm without
/// parameters (smooth L1). The paper adds KD of weight 1 at temperature 1: <c>vkd,kd:weight=1</c> with labels of weight 1.
/// </summary>
/// <remarks>
/// The matrix is kept orthonormal by a step back to the nearest one (Newton and Schulz) after each step of the optimiser; its gradient is that along the
/// orthonormal matrices. The authors reach the same set by torch's parametrisation.
/// </remarks>
internal sealed class VkdTerm(TermSizes sizes) : DistillationTerm
{
    private readonly VkdModule _module = new(sizes);

    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "vkd",
        Compares = "the mean token of the last block through an orthogonal projector, any widths and grids",
        Source = "Miles et al., CVPR 2024, arXiv 2403.06213 (VkD); roymiles/vkd, engine.py (its total: labels:weight=1,vkd,kd:weight=1)",
        Parameters = "a matrix Cs to Ct with orthonormal columns",
        Weight = 1,
        Rule = new LayerRule("the last, the student's after its final norm", new LayerSelection { Strategy = LayerStrategy.Explicit, Student = [-1], Teacher = [-1] }, false, NormedMaps.Student),
        Make = (_, sizes) => new VkdTerm(sizes),
    };

    public override nn.Module Module => _module;

    public override Tensor Of(TermInputs inputs)
    {
        using var scope = NewDisposeScope();
        return TermMath.Mean([.. inputs.Pairs().Select((pair, layer) => Distance(_module.Projection(layer), pair.Student, pair.Teacher))]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void AfterStep() => _module.StepBack();

    /// <summary>Smooth L1 of the projected mean token and the teacher's normed mean token, mean over batch and channels.</summary>
    /// <param name="projection"><c>[Ct, Cs]</c>.</param>
    /// <param name="student">Normed map <c>[B, Cs, H, W]</c>.</param>
    /// <param name="teacher">Map <c>[B, Ct, H, W]</c>.</param>
    public static Tensor Distance(Tensor projection, Tensor student, Tensor teacher)
    {
        using var scope = NewDisposeScope();
        var own = student.mean([2, 3]).mm(projection.t());                                             // (B, Ct)
        var other = nn.functional.layer_norm(teacher.mean([2, 3]), [teacher.shape[1]], eps: 1e-5);     // (B, Ct)
        return nn.functional.smooth_l1_loss(own, other).MoveToOuterDisposeScope();
    }
}

/// <summary>Matrices with orthonormal columns, or rows where the student is wider.</summary>
internal sealed class VkdModule : nn.Module
{
    private const int Iterations = 12;

    [ComponentName(Name = "projectors")]
    private readonly ModuleList<Models.Linear> _projectors;

    public VkdModule(TermSizes sizes)
        : base(nameof(VkdModule))
    {
        _projectors = nn.ModuleList(sizes.Pairs.Select(pair => new Models.Linear(pair.Student.Channels, pair.Teacher.Channels, bias: false)).ToArray());
        RegisterComponents();
        for (var layer = 0; layer < sizes.Pairs.Count; layer++)
        {
            FillOrthonormal(Matrix(layer), $"vkd.projectors.{layer}", sizes.Seed);
        }
    }

    /// <summary>
    /// The matrix <c>[Ct, Cs]</c>, differentiable: <c>W (3 I - W^T W) / 2</c> is W where W is orthonormal, and its derivative there is the one along the orthonormal matrices.
    /// </summary>
    public Tensor Projection(int layer) => Step(Matrix(layer));

    /// <summary>Takes the matrices back to the nearest orthonormal ones, after a step moved them off.</summary>
    public void StepBack()
    {
        using var guard = no_grad();
        for (var layer = 0; layer < _projectors.Count; layer++)
        {
            using var scope = NewDisposeScope();
            var matrix = Matrix(layer);
            matrix.copy_(Nearest(matrix));
        }
    }

    private Parameter Matrix(int layer) => _projectors[layer].parameters().Single();

    // Scaled so that no singular value is above 1, all of them grow to 1.
    private static Tensor Nearest(Tensor matrix)
    {
        var gram = matrix.shape[0] >= matrix.shape[1] ? matrix.t().mm(matrix) : matrix.mm(matrix.t());
        var next = matrix / gram.abs().sum(1).max().sqrt();
        for (var i = 0; i < Iterations; i++)
        {
            next = Step(next);
        }

        return next;
    }

    private static Tensor Step(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        var cubed = matrix.shape[0] >= matrix.shape[1] ? matrix.mm(matrix.t().mm(matrix)) : matrix.mm(matrix.t()).mm(matrix);
        return (matrix.Times(1.5) - cubed.Times(0.5)).MoveToOuterDisposeScope();
    }

    private static void FillOrthonormal(Tensor matrix, string name, long seed)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var (rows, columns) = ((int)matrix.shape[0], (int)matrix.shape[1]);
        var (high, low) = (Math.Max(rows, columns), Math.Min(rows, columns));
        var random = new SeededNormal(seed, name);
        var values = tensor([.. Enumerable.Range(0, high * low).Select(i => random.Normal(i))], [high, low]); // float64
        var (columnsOf, _) = linalg.qr(values);
        matrix.copy_(rows >= columns ? columnsOf : columnsOf.t());
    }
}
