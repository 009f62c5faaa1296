using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
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

    /// <summary>The text as HTML; what cannot be read as markdown is shown as it stands.</summary>
    /// <param name="markdown">The text.</param>
    /// <param name="safe">Takes out what could run; null: the text is trusted.</param>
    public static string ToHtml(string markdown, SafeHtml? safe = null)
    {
        try
        {
            return safe is null ? Render(markdown, null) : RenderSafely(markdown, safe) ?? AsItStands(markdown);
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

    // MathML is ours, but a fragment that mixes it with foreign HTML is hard to judge: it comes in when that has been cleaned.
    private static string? RenderSafely(string markdown, SafeHtml safe)
    {
        var formulas = new Formulas();
        var html = safe.Clean(Render(markdown, formulas), formulas.Mark);
        return html is null ? null : formulas.PutIn(html);
    }

    private static string Render(string markdown, Formulas? later)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var renderer = new HtmlRenderer(writer);
        Pipeline.Setup(renderer);
        renderer.ObjectRenderers.Replace<HtmlMathInlineRenderer>(new InlineMath(later));
        renderer.ObjectRenderers.Replace<HtmlMathBlockRenderer>(new BlockMath(later));
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

    private sealed class Formulas
    {
        private readonly List<string> _formulas = [];

        public string Mark { get; } = $"formula{Guid.NewGuid():N}";

        public string Add(string mathMl)
        {
            _formulas.Add(mathMl);
            return $"{Mark}-{_formulas.Count - 1}.";
        }

        public string PutIn(string html) => Regex.Replace(html, $@"{Mark}-(\d+)\.", match => _formulas[int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)]);
    }

    private sealed class InlineMath(Formulas? later) : HtmlObjectRenderer<MathInline>
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
            var html = TexMath.ToHtml(tex, isDisplay: math.DelimiterCount > 1);
            renderer.Write(later?.Add(html) ?? html);
        }
    }

    private sealed class BlockMath(Formulas? later) : HtmlObjectRenderer<MathBlock>
    {
        protected override void Write(HtmlRenderer renderer, MathBlock math)
        {
            var html = TexMath.ToHtml(math.Lines.ToString(), isDisplay: true);
            renderer.Write("<p class=\"math\">").Write(later?.Add(html) ?? html).WriteLine("</p>");
        }
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
