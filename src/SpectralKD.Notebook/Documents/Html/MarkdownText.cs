using System.IO.Compression;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Helpers;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace SpectralKD.Notebook.Documents;

/// <summary>Markdown as notebooks use it: GitHub's tables, task lists, footnotes, <c>$…$</c> mathematics, coloured C# blocks.</summary>
internal static class MarkdownText
{
    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder()
        .UsePipeTables()
        .UseTaskLists()
        .UseAutoLinks()
        .UseFootnotes()
        .UseEmphasisExtras(Markdig.Extensions.EmphasisExtras.EmphasisExtraOptions.Strikethrough)
        .UseAutoIdentifiers(Markdig.Extensions.AutoIdentifiers.AutoIdentifierOptions.GitHub)
        .UseMathematics()
        .Build();

    /// <summary>The text as HTML; what cannot be read as markdown is shown as it stands.</summary>
    /// <param name="markdown">The text.</param>
    /// <param name="safe">Takes out what could run; null: the text is trusted.</param>
    public static string ToHtml(string markdown, SafeHtml? safe = null)
    {
        try
        {
            return (safe is null ? Render(markdown) : safe.Clean(Render(markdown))) ?? AsItStands(markdown);
        }
        catch (ArgumentException)
        {
            // Markdig's answer to what is nested too deeply.
            return AsItStands(markdown);
        }
    }

    /// <summary>The text of the first heading; null where there is none.</summary>
    public static string? FirstHeading(string markdown)
    {
        try
        {
            var heading = Markdown.Parse(markdown, Pipeline).Descendants<HeadingBlock>().FirstOrDefault();
            var text = heading?.Inline is null ? "" : string.Concat(heading.Inline.Descendants().Select(TextOf)).Trim();
            return text.Length == 0 ? null : text;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static string AsItStands(string text) => $"<pre>{WebUtility.HtmlEncode(text)}</pre>\n";

    private static string Render(string markdown)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var renderer = new HtmlRenderer(writer);
        Pipeline.Setup(renderer);
        renderer.ObjectRenderers.Replace<HtmlMathInlineRenderer>(new InlineMath());
        renderer.ObjectRenderers.Replace<HtmlMathBlockRenderer>(new BlockMath());
        renderer.ObjectRenderers.Replace<CodeBlockRenderer>(new ColouredCode());
        var document = Markdown.Parse(markdown, Pipeline);
        foreach (var literal in document.Descendants<LiteralInline>())
        {
            literal.Content = new StringSlice(ConsoleText.Unparted(literal.Content.ToString()));
        }

        renderer.Render(document);
        return writer.ToString();
    }

    private static string TextOf(MarkdownObject inline) => inline switch
    {
        LiteralInline literal => literal.Content.ToString(),
        CodeInline code => code.Content,
        MathInline math => math.Content.ToString(),
        _ => "",
    };

    private sealed class InlineMath : HtmlObjectRenderer<MathInline>
    {
        protected override void Write(HtmlRenderer renderer, MathInline math)
        {
            var tex = math.Content.ToString();
            if (!renderer.EnableHtmlForInline)
            {
                // In an image's description, which is an attribute.
                renderer.Write(WebUtility.HtmlEncode(tex));
                return;
            }
            renderer.Write(Formula.ToHtml(tex, isDisplay: math.DelimiterCount > 1));
        }
    }

    private sealed class BlockMath : HtmlObjectRenderer<MathBlock>
    {
        protected override void Write(HtmlRenderer renderer, MathBlock math)
            => renderer.Write("<p class=\"math\">").Write(Formula.ToHtml(math.Lines.ToString(), isDisplay: true)).WriteLine("</p>");
    }

    private sealed class ColouredCode : HtmlObjectRenderer<CodeBlock>
    {
        protected override void Write(HtmlRenderer renderer, CodeBlock block)
        {
            var language = (block as FencedCodeBlock)?.Info ?? "";
            var code = block.Lines.ToString();
            var html = language is "csharp" or "cs" or "c#" ? CSharpHighlighter.ToHtml(code) : WebUtility.HtmlEncode(code);
            renderer.EnsureLine().Write("<pre><code>").Write(html).WriteLine("</code></pre>");
        }
    }
}

/// <summary>
/// Puts images that a text names (files beside the notebook, attachments of the cell) into the page itself. Confined, it takes files at or
/// below the notebook's folder only, links resolved: a page that is passed on must not carry other pictures of the disk. All else that a text
/// links to gets the page's <see cref="PageLinks"/>.
/// </summary>
internal sealed partial class InlineImages(string? folder, bool isConfined, PageLinks links)
{
    private const long LargestFile = 32 << 20;
    private const int MostLinks = 40;

    private readonly string? _realFolder = folder is null ? null : RealPath(folder);
    private readonly List<string> _outside = [];

    /// <summary>The images since the last call that lie outside the notebook's folder and stay links.</summary>
    public IReadOnlyList<string> TakeOutside()
    {
        string[] outside = [.. _outside.Distinct()];
        _outside.Clear();
        return outside;
    }

    public string Apply(string html, JsonObject? attachments) => links.Apply(ImageSource().Replace(html, match =>
    {
        var source = WebUtility.HtmlDecode(match.Groups["src"].Value);
        var data = FromAttachment(source, attachments) ?? FromFile(source);
        return data is null ? match.Value : match.Groups["before"].Value + WebUtility.HtmlEncode(data) + match.Groups["after"].Value;
    }));

    private static string? FromAttachment(string source, JsonObject? attachments)
    {
        if (!source.StartsWith("attachment:", StringComparison.Ordinal))
        {
            return null;
        }
        var name = Uri.UnescapeDataString(source["attachment:".Length..]);
        return attachments?[name] is JsonObject { Count: > 0 } bundle && MultilineText.IsText(bundle.First().Value)
            ? $"data:{bundle.First().Key};base64,{MultilineText.Join(bundle.First().Value).ReplaceLineEndings("")}"
            : null;
    }

    private string? FromFile(string source)
    {
        if (folder is null || source.Contains("://", StringComparison.Ordinal) || MimeType(source) is not string mimeType)
        {
            return null;
        }
        try
        {
            var file = new FileInfo(Path.Combine(folder, Uri.UnescapeDataString(source)));
            // A pipe or device has no length; reading it could last for ever.
            return file is { Exists: true, Length: > 0 and <= LargestFile } && MayTake(file.FullName, source)
                ? $"data:{mimeType};base64,{Convert.ToBase64String(File.ReadAllBytes(file.FullName))}"
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private bool MayTake(string path, string source)
    {
        if (!isConfined || RealPath(path).StartsWith(_realFolder!.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, PathComparison))
        {
            return true;
        }
        _outside.Add(source.Length > 80 ? source[..80] + "…" : source);
        return false;
    }

    private static StringComparison PathComparison => OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    // The path without links, as realpath(3) gives it.
    private static string RealPath(string path)
    {
        var full = Path.GetFullPath(path);
        var real = Path.GetPathRoot(full)!;
        var waiting = new Stack<string>(Parts(full[real.Length..]));
        for (var links = 0; waiting.TryPop(out var part);)
        {
            if (part is "." or "..")
            {
                real = part == "." ? real : Path.GetDirectoryName(real) ?? real;
                continue;
            }
            var next = Path.Combine(real, part);
            if (new FileInfo(next).LinkTarget is not string target)
            {
                real = next;
                continue;
            }
            if (++links > MostLinks)
            {
                throw new IOException($"{path} is a circle of links");
            }
            real = Path.IsPathRooted(target) ? Path.GetPathRoot(target)! : real;
            foreach (var piece in Parts(Path.IsPathRooted(target) ? target[Path.GetPathRoot(target)!.Length..] : target))
            {
                waiting.Push(piece);
            }
        }
        return real;
    }

    // Last first, as a stack wants them.
    private static IEnumerable<string> Parts(string path)
        => path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Reverse();

    private static string? MimeType(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".png" => "image/png",
        ".jpg" or ".jpeg" => "image/jpeg",
        ".gif" => "image/gif",
        ".svg" => "image/svg+xml",
        ".webp" => "image/webp",
        ".avif" => "image/avif",
        ".bmp" => "image/bmp",
        _ => null,
    };

    [GeneratedRegex("""(?<before><img\b[^>]*?\bsrc\s*=\s*["'])(?<src>[^"']+)(?<after>["'])""", RegexOptions.IgnoreCase)]
    private static partial Regex ImageSource();
}

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
