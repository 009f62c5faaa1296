namespace SpectralKD.Data;

/// <summary>A decoded image: 8-bit RGB, row-major, interleaved (<c>[Height, Width, 3]</c>).</summary>
/// <param name="Width">Columns, at least 1.</param>
/// <param name="Height">Rows, at least 1.</param>
/// <param name="Pixels">Height * Width * 3 bytes.</param>
public sealed record RgbImage(int Width, int Height, byte[] Pixels);

/// <summary>A rectangle of pixels.</summary>
/// <param name="Left">First column.</param>
/// <param name="Top">First row.</param>
/// <param name="Width">Number of columns.</param>
/// <param name="Height">Number of rows.</param>
internal readonly record struct PixelWindow(int Left, int Top, int Width, int Height);
