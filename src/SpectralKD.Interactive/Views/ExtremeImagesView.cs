using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>The images with the highest and the lowest intensity of a block, each above its own two-dimensional spectrum.</summary>
/// <param name="Spectrum">A spectrum that kept the intensities of single images.</param>
/// <param name="Images">The images that were analysed.</param>
/// <param name="Layer">0-based block index; negative counts from the last analysed block.</param>
/// <param name="Count">How many at each end.</param>
internal sealed record ExtremeImagesView(ModelSpectrum Spectrum, IImageSource Images, int Layer = -1, int Count = 6) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => string.Concat(Rows().Select(row => $"<div>{WebUtility.HtmlEncode(row.Title)}</div>" + Thumbnails.Sheet(row.Images.Select(image => Figure(image, row.Block)))))
        + "<div style=\"font-size:85%;opacity:.8\">below each image its two-dimensional amplitude spectrum: grey values at 64 × 64 pixels, logarithmic, frequency 0 in the middle</div>";

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(Environment.NewLine, Rows().SelectMany(row => row.Images.Select(
        image => $"  {Words(image, row.Block)}: {PlainText.Escape(Charts.PerImage(Spectrum).Names[image])}").Prepend(row.Title)));

    private IEnumerable<(string Title, int Block, IReadOnlyList<int> Images)> Rows()
    {
        var (table, block) = (Charts.PerImage(Spectrum), Spectrum.Blocks.IndexOf(Spectrum.Block(Layer)));
        table.RequireFrom(Images);
        var ordered = table.Ordered(block).ToList();
        var count = Math.Min(Count, (ordered.Count + 1) / 2);
        yield return ($"{Spectrum.Title}, {Spectrum.Blocks[block].Name}: the images with the highest intensity", block, [.. ordered.Take(count)]);
        yield return ("with the lowest intensity, the lowest first", block, [.. Enumerable.Reverse(ordered).Take(count)]);
    }

    private string Words(int image, int block)
        => PlainText.Escape(Charts.PerImage(Spectrum).Classes[image]) + FormattableString.Invariant($" {Charts.PerImage(Spectrum).Intensities[block][image]:G4}");

    private string Figure(int image, int block)
    {
        var table = Charts.PerImage(Spectrum);
        var spectrum = ContactSheet.SpectrumThumbnail(Images, table.Places[image]) is { } png
            ? $"<img alt=\"Its spectrum\" style=\"display:block;width:100%;aspect-ratio:1;margin-top:2px;border-radius:4px;image-rendering:pixelated\" src=\"data:image/png;base64,{Convert.ToBase64String(png)}\">" : "";
        return Thumbnails.Figure(Images, table.Places[image], PlainText.Escape(table.Names[image]), Words(image, block), spectrum);
    }
}
