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
