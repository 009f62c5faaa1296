using SpectralKD.Models;

namespace SpectralKD.Spectra;

/// <summary>A block of the student and the block of the teacher that it is aligned with.</summary>
/// <param name="Student">The student's block.</param>
/// <param name="Teacher">The teacher's block; its maps have the same height and width, and at least as many channels.</param>
public sealed record LayerPair(BlockInfo Student, BlockInfo Teacher);
