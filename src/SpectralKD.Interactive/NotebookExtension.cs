namespace SpectralKD.Interactive;

/// <summary>What a host calls once to make the extension's formatters known.</summary>
public static class NotebookExtension
{
    /// <summary>Registers the rich formatters. Harmless when called again; never touches torch.</summary>
    /// <param name="plotlyMime">
    /// True where the front end takes <c>application/vnd.plotly.v1+json</c> as JSON; false where only <c>text/html</c> is to be made.
    /// </param>
    public static void Install(bool plotlyMime = true)
    {
        Views.ViewFormatter.Register();
        Formatting.ChartFormatter.Register(plotlyMime);
    }
}
