using Microsoft.Data.Analysis;
using Microsoft.DotNet.Interactive.Formatting;

namespace SpectralKD.Interactive.Formatting;

/// <summary>Shows views, and the library's own objects that have one, in notebooks: as HTML, with plain text beside it.</summary>
internal static class ObjectFormatters
{
    /// <summary>Registers the views of models, images, spectra, verdicts, layer pairs, runs and DataFrames. Idempotent.</summary>
    internal static void Register()
    {
        Register<INotebookView>(view => view);
        Register<ModelSpectrum>(spectrum => new SpectrumView(spectrum));
        Register<UShape>(shape => new UShapeView(shape));
        Register<LayerPairs>(pairs => new LayerPairsView(pairs));
        Register<IImageSource>(images => new ImagesView(images));
        Register<VisionModel>(ModelCardView.Of);
        Register<DistillationRun>(run => new RunView(run));
        Register<DataFrame>(frame => new DataFrameView(frame));
    }

    private static void Register<T>(Func<T, INotebookView> view)
    {
        Formatter.Register<T>((value, writer) => writer.Write(view(value).ToHtml()), HtmlFormatter.MimeType);
        Formatter.Register<T>((value, writer) => writer.Write(view(value).ToPlainText()), PlainTextFormatter.MimeType);
        Formatter.SetPreferredMimeTypesFor(typeof(T), HtmlFormatter.MimeType, PlainTextFormatter.MimeType);
    }
}
