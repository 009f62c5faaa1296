using System.Collections.Immutable;
using SpectralKD.Models;

namespace SpectralKD.Spectra;

/// <summary>Which blocks of a student are aligned with which blocks of a teacher.</summary>
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
