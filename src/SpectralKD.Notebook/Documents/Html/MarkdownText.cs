using System.Net;
using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace SpectralKD.Notebook.Documents.Html;

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
        renderer.Render(Markdown.Parse(markdown, Pipeline));
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
