namespace SpectralKD.Notebook.Documents.Html;

/// <summary>
/// What of a notebook may be live in its page. The rest is shown without scripts, event handlers, <c>javascript:</c> links, frames and the
/// like, and gets no image from outside the notebook's folder.
/// </summary>
public enum PageTrust
{
    /// <summary>Nothing: a notebook of somebody else with the outputs that it came with, as Jupyter shows one that is not trusted.</summary>
    Nothing,

    /// <summary>The outputs, since the cells were executed just now; not the text.</summary>
    Outputs,

    /// <summary>Text and outputs.</summary>
    Everything,
}
