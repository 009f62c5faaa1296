namespace SpectralKD.Distillation;

/// <summary>A file of a checkpoint, checked before it is read.</summary>
/// <param name="Name">Its name in the checkpoint's folder.</param>
/// <param name="Sha256">SHA-256 of its content, lower-case hexadecimal.</param>
internal sealed record StoredFile(string Name, string Sha256);
