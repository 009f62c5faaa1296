namespace SpectralKD.Data;

/// <summary>A decoded image: 8-bit RGB, row-major, interleaved (<c>[Height, Width, 3]</c>).</summary>
/// <param name="Width">Columns, at least 1.</param>
/// <param name="Height">Rows, at least 1.</param>
/// <param name="Pixels">Height * Width * 3 bytes.</param>
public sealed record RgbImage(int Width, int Height, byte[] Pixels);
