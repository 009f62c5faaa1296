using System.Text.Json;

namespace SpectralKD.Interactive.Charting;

/// <summary>Reads how high a figure wants to be, so that a page keeps its place before it is drawn.</summary>
internal static class FigureHeight
{
    private const int Default = 450;

    internal static int Of(string figureJson)
    {
        using var figure = JsonDocument.Parse(figureJson);
        return figure.RootElement.TryGetProperty("layout", out var layout)
            && layout.TryGetProperty("height", out var height) && height.TryGetDouble(out var pixels) && pixels is > 0 and < 10_000
            ? (int)pixels
            : Default;
    }
}
