using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>Which blocks of a student are aligned with which blocks of a teacher.</summary>
/// <example><code>
/// using var teacher = ModelLoader.Load("cait_nano_patch8_64");
/// using var student = ModelLoader.Load("deit_nano_patch8_64");
/// var pairs = LayerPairs.Select(teacher, student);   // the paper's end points
/// Console.WriteLine(pairs);
/// </code></example>
public sealed record LayerPairs
{
    /// <summary>Name of the teacher.</summary>
    public required string Teacher { get; init; }

    /// <summary>Name of the student.</summary>
    public required string Student { get; init; }

    /// <summary>The strategy that chose the pairs.</summary>
    public required LayerStrategy Strategy { get; init; }

    /// <summary>Why these, in words.</summary>
    public required string Reason { get; init; }

    /// <summary>The pairs in order of depth, at least one.</summary>
    public required ImmutableArray<LayerPair> Pairs { get; init; }

    /// <summary>The student's blocks, pair by pair.</summary>
    public ImmutableArray<int> StudentLayers => [.. Pairs.Select(pair => pair.Student.Index)];

    /// <summary>The teacher's blocks, pair by pair.</summary>
    public ImmutableArray<int> TeacherLayers => [.. Pairs.Select(pair => pair.Teacher.Index)];

    /// <summary>Chooses pairs for two models.</summary>
    /// <param name="teacher">The teacher.</param>
    /// <param name="student">The student.</param>
    /// <param name="selection">The strategy; null is the paper's endpoints.</param>
    /// <param name="teacherSpectrum">The teacher's spectra, which <c>Top</c> and <c>Threshold</c> choose by.</param>
    /// <exception cref="SpectralKDException">
    /// The strategy does not suit the models, needs spectra that are not there, or pairs maps that cannot be aligned.
    /// </exception>
    public static LayerPairs Select(
        VisionModel teacher, VisionModel student, LayerSelection? selection = null, ModelSpectrum? teacherSpectrum = null)
        => LayerChoice.Make(
            new LayerCandidates(teacher.Spec.Name, teacher.Blocks, teacherSpectrum?.IntensitiesOf(teacher)),
            new LayerCandidates(student.Spec.Name, student.Blocks, null),
            selection ?? new LayerSelection());

    /// <summary>As <see cref="Select(VisionModel, VisionModel, LayerSelection, ModelSpectrum)"/>, for those who compare maps of any widths and grids.</summary>
    internal static LayerPairs SelectAny(VisionModel teacher, VisionModel student, LayerSelection selection) => LayerChoice.Make(
        new LayerCandidates(teacher.Spec.Name, teacher.Blocks, null), new LayerCandidates(student.Spec.Name, student.Blocks, null), selection, fitting: false);

    /// <summary>Chooses pairs for two models by their spectra.</summary>
    /// <param name="teacher">The teacher's spectra of all blocks.</param>
    /// <param name="student">The student's spectra of all blocks.</param>
    /// <param name="selection">The strategy; null is the paper's endpoints.</param>
    /// <exception cref="SpectralKDException">As the other overload; also where not all blocks were analysed.</exception>
    public static LayerPairs Select(ModelSpectrum teacher, ModelSpectrum student, LayerSelection? selection = null)
        => LayerChoice.Make(LayerCandidates.Of(teacher), LayerCandidates.Of(student), selection ?? new LayerSelection());

    /// <inheritdoc/>
    public override string ToString()
        => $"{Student} from {Teacher}: {string.Join(", ", Pairs.Select(pair => $"{pair.Student.Index}←{pair.Teacher.Index}"))} ({Reason})";
}

/// <summary>A block of the student and the block of the teacher that it is aligned with.</summary>
/// <param name="Student">The student's block.</param>
/// <param name="Teacher">The teacher's block; its maps have the same height and width, and at least as many channels.</param>
public sealed record LayerPair(BlockInfo Student, BlockInfo Teacher);

/// <summary>What a predictor says of a pair of blocks before training.</summary>
/// <param name="Student">0-based block of the student.</param>
/// <param name="Teacher">0-based block of the teacher.</param>
/// <param name="Score">The higher, the more the pair promises.</param>
public sealed record LayerScore(int Student, int Teacher, double Score);

/// <summary>A strategy with its numbers. Numbers that a strategy does not use are ignored.</summary>
public sealed record LayerSelection
{
    /// <summary>How layers are chosen.</summary>
    public LayerStrategy Strategy { get; init; } = LayerStrategy.Endpoints;

    /// <summary>Endpoints: number of first blocks. Null is the paper's 2, fewer for models of less than 8 blocks (a sixth of them).</summary>
    public int? First { get; init; }

    /// <summary>Endpoints: number of last blocks. Null is the paper's 6, fewer for models of less than 8 blocks (a half of them).</summary>
    public int? Last { get; init; }

    /// <summary>Top, even and predicted: number of pairs. Null is 8, or the shallower model's depth where that is less.</summary>
    public int? Count { get; init; }

    /// <summary>Threshold: part q of the teacher's largest intensity, in (0, 1].</summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>True allows pairs whose maps differ in height and width, for a run that resizes the teacher's maps (<c>resizeMaps</c> of a recipe).</summary>
    public bool AnyGrid { get; init; }

    /// <summary>Predicted: what each candidate pair promises, the most the best (<c>LayerPredictions.Scores</c>).</summary>
    public IReadOnlyList<LayerScore>? Scores { get; init; }

    /// <summary>Explicit: the student's blocks; negative ones count from the end.</summary>
    public IReadOnlyList<int>? Student { get; init; }

    /// <summary>Explicit: the teacher's blocks, as many as the student's, paired in order.</summary>
    public IReadOnlyList<int>? Teacher { get; init; }
}

/// <summary>How layers to align are chosen.</summary>
public enum LayerStrategy
{
    /// <summary>
    /// The first k and the last m blocks of both models (SpectralKD: 2 and 6), where the U-curve is high. Between hierarchical models, all stages.
    /// </summary>
    Endpoints,

    /// <summary>The teacher's n most intense blocks.</summary>
    Top,

    /// <summary>The teacher's blocks whose intensity is at least a part q of its largest.</summary>
    Threshold,

    /// <summary>n blocks of both models, evenly over depth, first and last included.</summary>
    Even,

    /// <summary>As many blocks as the shallower model has: each of its blocks has a partner.</summary>
    All,

    /// <summary>Stage by stage, for hierarchical models with equally many stages.</summary>
    Stages,

    /// <summary>The lists that were given.</summary>
    Explicit,

    /// <summary>The n pairs that promise most by a predictor taken before training, each block once.</summary>
    Predicted,
}
