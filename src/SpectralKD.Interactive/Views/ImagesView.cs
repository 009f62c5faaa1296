using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>A set of images at one glance: what it holds, and a contact sheet.</summary>
/// <param name="Images">The images.</param>
internal sealed record ImagesView(IImageSource Images) : INotebookView
{
    private const int Shown = 20;
    private const int NamesShown = 20;

    /// <inheritdoc/>
    public string ToHtml() => $"<div>{WebUtility.HtmlEncode(Summary())}</div>"
        + string.Concat(Images.Notes.Select(note => $"<div>note: {WebUtility.HtmlEncode(note)}</div>"))
        + Thumbnails.Sheet(ContactSheet.Chosen(Images, Shown).Select(index => Thumbnails.Figure(
            Images, index, PlainText.Escape(Images.ItemName(index)), PlainText.Escape(Images.Classes[Images.Label(index)]))));

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(Environment.NewLine, Images.Notes.Select(note => "note: " + note).Prepend(Summary()));

    private string Summary()
    {
        var names = string.Join(", ", Images.Classes.Take(NamesShown)) + (Images.Classes.Count > NamesShown ? ", …" : "");
        return PlainText.Escape(FormattableString.Invariant($"{Images.Name}: {PlainText.Count(Images.Count, "image")} in {PlainText.Count(Images.Classes.Count, "class", "classes")} ({names})"));
    }
}

/// <summary>Small pictures of images side by side, as many as the page is wide, with words below in the page's own letters.</summary>
internal static class Thumbnails
{
    private const int Side = 128;

    internal static string Sheet(IEnumerable<string> figures)
        => $"<div style=\"display:grid;grid-template-columns:repeat(auto-fill,minmax(100px,{Side}px));gap:8px;margin:6px 0\">{string.Concat(figures)}</div>";

    /// <summary>One image with its words.</summary>
    /// <param name="images">The images.</param>
    /// <param name="index">Which one.</param>
    /// <param name="name">Its name, shown on hovering.</param>
    /// <param name="words">What stands below.</param>
    /// <param name="more">HTML between the picture and the words.</param>
    internal static string Figure(IImageSource images, int index, string name, string words, string more = "")
        => $"<figure style=\"margin:0;min-width:0\" title=\"{WebUtility.HtmlEncode(name)}\">{Picture(images, index, $"{words}: {name}")}{more}"
            + $"<figcaption style=\"font-size:85%;text-align:center;overflow-wrap:anywhere\">{WebUtility.HtmlEncode(words)}</figcaption></figure>";

    internal static string? Address(IImageSource images, int index)
        => ContactSheet.Thumbnail(images, index, Side) is { } file ? $"data:{file.MimeType};base64,{Convert.ToBase64String(file.Bytes)}" : null;

    private static string Picture(IImageSource images, int index, string words) => Address(images, index) is { } address
        ? $"<img alt=\"{WebUtility.HtmlEncode(words)}\" style=\"display:block;width:100%;aspect-ratio:1;border-radius:4px;image-rendering:{(address.StartsWith("data:image/png", StringComparison.Ordinal) ? "pixelated" : "auto")}\" src=\"{address}\">"
        : $"<div style=\"aspect-ratio:1;border:1px dashed currentColor;border-radius:4px;box-sizing:border-box;padding:8px;font-size:85%\">cannot be read</div>";
}

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
