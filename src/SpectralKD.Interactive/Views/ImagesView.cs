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
        + $"<img alt=\"{WebUtility.HtmlEncode($"Contact sheet of {Images.Name}")}\" style=\"max-width:100%\" "
        + $"src=\"data:image/png;base64,{Convert.ToBase64String(ContactSheet.Render(Images, Shown))}\">";

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(Environment.NewLine, Images.Notes.Select(note => "note: " + note).Prepend(Summary()));

    private string Summary()
    {
        var names = string.Join(", ", Images.Classes.Take(NamesShown)) + (Images.Classes.Count > NamesShown ? ", …" : "");
        return PlainText.Escape(FormattableString.Invariant($"{Images.Name}: {PlainText.Count(Images.Count, "image")} in {PlainText.Count(Images.Classes.Count, "class", "classes")} ({names})"));
    }
}
