using System.Net;
using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using SpectralKD.Notebook.Documents.Html.Tex;

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

    public static string ToHtml(string markdown)
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

    /// <summary>The text of the first heading; null where there is none.</summary>
    public static string? FirstHeading(string markdown)
    {
        var heading = Markdown.Parse(markdown, Pipeline).Descendants<HeadingBlock>().FirstOrDefault();
        var text = heading?.Inline is null ? "" : string.Concat(heading.Inline.Descendants().Select(TextOf)).Trim();
        return text.Length == 0 ? null : text;
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
            => renderer.Write(TexMath.ToHtml(math.Content.ToString(), isDisplay: math.DelimiterCount > 1));
    }

    private sealed class BlockMath : HtmlObjectRenderer<MathBlock>
    {
        protected override void Write(HtmlRenderer renderer, MathBlock math)
            => renderer.Write("<p class=\"math\">").Write(TexMath.ToHtml(math.Lines.ToString(), isDisplay: true)).WriteLine("</p>");
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
