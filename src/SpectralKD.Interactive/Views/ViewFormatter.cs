using Microsoft.DotNet.Interactive.Formatting;
using SpectralKD.Data;
using SpectralKD.Distillation;
using SpectralKD.Models;

namespace SpectralKD.Interactive.Views;

/// <summary>Makes the hosts' formatters show every view, and what has a view, as HTML with plain text beside it.</summary>
internal static class ViewFormatter
{
    public static void Register()
    {
        Show<INotebookView>(view => view);
        Show<VisionModel>(ModelCardView.Of);
        Show<DistillationRun>(run => new RunView(run));
        Show<IImageSource>(images => new ImagesView(images));
    }

    private static void Show<T>(Func<T, INotebookView> view)
    {
        Formatter.Register<T>((value, writer) => writer.Write(view(value).ToHtml()), HtmlFormatter.MimeType);
        Formatter.Register<T>((value, writer) => writer.Write(view(value).ToPlainText()), PlainTextFormatter.MimeType);
        Formatter.SetPreferredMimeTypesFor(typeof(T), HtmlFormatter.MimeType, PlainTextFormatter.MimeType);
    }
}
