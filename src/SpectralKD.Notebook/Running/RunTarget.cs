using SpectralKD.Notebook.Documents.Html;

namespace SpectralKD.Notebook.Running;

/// <summary>The files that a run writes.</summary>
/// <param name="NotebookPath">The executed notebook, absolute.</param>
/// <param name="HtmlPath">Its HTML page, absolute; null where none is written.</param>
/// <param name="Trust">What of the notebook may be live in the page.</param>
internal sealed record RunTarget(string NotebookPath, string? HtmlPath, PageTrust Trust)
{
    public static RunTarget For(string notebook, RunOptions options)
    {
        var source = Path.GetFullPath(notebook);
        var folder = Path.GetFullPath(options.OutputFolder ?? Path.Combine(Path.GetDirectoryName(source)!, "executed"));
        var name = Path.GetFileNameWithoutExtension(source);
        var target = Path.Combine(folder, name + ".ipynb");
        if (string.Equals(target, source, StringComparison.OrdinalIgnoreCase))
        {
            throw new SpectralKDException($"the executed notebook would overwrite {notebook} itself; choose another output folder with --out");
        }
        return new RunTarget(target, options.WriteHtml ? Path.Combine(folder, name + ".html") : null, options.TrustText ? PageTrust.Everything : PageTrust.Outputs);
    }
}
