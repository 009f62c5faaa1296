namespace SpectralKD.Distillation;

/// <summary>A file of a checkpoint, checked before it is read.</summary>
internal sealed record StoredFile
{
    /// <summary>Its name in the checkpoint's folder.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 of its content, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }
}
