using System.IO.Compression;
using System.Net;

namespace SpectralKD.Notebook.Documents.Html;

/// <summary>
/// Mathematics in a page: its TeX source, legible as it is, which Temml (https://temml.org) turns into MathML when the page opens. What Temml does not
/// understand, and a page without JavaScript, shows the source.
/// </summary>
internal static class Formula
{
    private const string Class = "tex-source";
    private static readonly Lazy<string> LazyStyle = new(() =>
    {
        // From its first rule on: before it is a font in a file of its own, for script capitals; the system's fonts have them.
        var css = Resource("temml.css");
        return $"/* Temml, MIT licence, (c) Ron Kok */\n{css[css.IndexOf("\nmath {", StringComparison.Ordinal)..]}";
    });

    private static readonly Lazy<string> LazyScripts = new(() => $$"""
        <script>/*
        Temml, https://temml.org
        {{Resource("temml.LICENSE.txt")}}*/
        {{Resource("temml.min.js.gz")}}</script>
        <script>
        for (const source of document.querySelectorAll('code.{{Class}}')) {
          const drawn = document.createElement('span');
          try {
            // No links, pictures or classes by TeX, and no size that covers the page.
            temml.render(source.textContent, drawn, {
              displayMode: source.classList.contains('display'), annotate: true, throwOnError: true, trust: false, maxSize: [40, 40],
            });
            source.replaceWith(...drawn.childNodes);
          } catch (error) {
            source.title = error.message;
          }
        }
        </script>
        """);

    /// <summary>What Temml's MathML needs of styles.</summary>
    public static string Style => LazyStyle.Value;

    /// <summary>Temml, and what draws every formula above it.</summary>
    public static string Scripts => LazyScripts.Value;

    /// <summary>A formula's place.</summary>
    /// <param name="tex">Its source, without dollar signs.</param>
    /// <param name="isDisplay">Whether it has a line of its own.</param>
    public static string ToHtml(string tex, bool isDisplay) => $"<code class=\"{Class}{(isDisplay ? " display" : "")}\">{WebUtility.HtmlEncode(tex.Trim())}</code>";

    /// <summary>Whether a page has a formula, so that it needs the styles and scripts.</summary>
    public static bool IsIn(string html) => html.Contains($"<code class=\"{Class}", StringComparison.Ordinal);

    private static string Resource(string name)
    {
        using var stream = typeof(Formula).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stream, CompressionMode.Decompress) : stream);
        return reader.ReadToEnd();
    }
}
