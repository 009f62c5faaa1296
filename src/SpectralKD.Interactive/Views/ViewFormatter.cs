using Microsoft.DotNet.Interactive.Formatting;

namespace SpectralKD.Interactive.Views;

/// <summary>Makes the hosts' formatters show every <see cref="INotebookView"/> as HTML, with plain text beside it.</summary>
internal static class ViewFormatter
{
    public static void Register()
    {
        Formatter.Register<INotebookView>((view, writer) => writer.Write(view.ToHtml()), HtmlFormatter.MimeType);
        Formatter.Register<INotebookView>((view, writer) => writer.Write(view.ToPlainText()), PlainTextFormatter.MimeType);
        Formatter.SetPreferredMimeTypesFor(typeof(INotebookView), HtmlFormatter.MimeType, PlainTextFormatter.MimeType);
    }
}
