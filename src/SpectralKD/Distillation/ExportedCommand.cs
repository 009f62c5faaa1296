namespace SpectralKD.Distillation;

/// <summary>A recipe written as a command for the reference implementation on PyTorch.</summary>
/// <param name="Text">The command, or the batch script around it.</param>
/// <param name="Notes">What the reference does otherwise, or has no counterpart for, one sentence each.</param>
/// <param name="Runs">False where the reference cannot run it at all; the notes say why.</param>
public sealed record ExportedCommand(string Text, IReadOnlyList<string> Notes, bool Runs);
