using System.Net;
using System.Reflection;
using System.Runtime.Loader;

namespace SpectralKD.Interactive;

/// <summary>What a notebook host calls once to make the extension known.</summary>
public static class NotebookExtension
{
    private static bool _resolving;

    /// <summary>The package's version, for example <c>0.1.0</c>.</summary>
    public static string Version { get; } =
        typeof(NotebookExtension).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>What a notebook shows after loading, as HTML.</summary>
    public static string BannerHtml =>
        $"<div>SpectralKD.Interactive {WebUtility.HtmlEncode(Version)} is loaded. <code>#!spectral-help</code> lists its commands.</div>";

    /// <summary>Registers the rich formatters and the search for libtorch. Idempotent; loads nothing of torch.</summary>
    /// <param name="plotlyMime">
    /// True where the front end takes <c>application/vnd.plotly.v1+json</c> as JSON; false where only <c>text/html</c> is to be made.
    /// </param>
    public static void Install(bool plotlyMime = true)
    {
        if (!_resolving)
        {
            _resolving = true;
            AssemblyLoadContext.Default.Resolving += ResolveFSharpCore;
        }

        LibTorch.InstallResolver();
        ChartFormatter.Register(plotlyMime);
        ObjectFormatters.Register();
    }

    // Plotly.NET asks for a newer FSharp.Core than .NET Interactive's own, which cannot be loaded twice: answer with the host's.
    private static Assembly? ResolveFSharpCore(AssemblyLoadContext context, AssemblyName name) =>
        name is { Name: "FSharp.Core", Version: not null } ? context.LoadFromAssemblyName(new AssemblyName("FSharp.Core")) : null;
}
