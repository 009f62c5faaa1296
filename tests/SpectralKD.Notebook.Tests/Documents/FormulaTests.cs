using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using SpectralKD.Interactive;
using SpectralKD.Notebook.Documents;

namespace SpectralKD.Notebook.Tests.Documents;

/// <summary>What a page's formulas are as text, and what they become in a real browser.</summary>
public sealed class FormulaTests
{
    private static readonly string[] Usual =
    [
        "x_i^{2}", "f'", "\\frac12", "\\sum_{k=0}^{N} k", "\\int_0^1 x", "\\sqrt[3]{x}", "\\mathcal{L}", "\\mathbb{R}^{B \\times C}", "\\alpha\\Gamma",
        "\\left\\lVert x \\right\\rVert_2^2", "\\text{if } a < b", "\\begin{cases} 1 & x \\\\ 0 & y \\end{cases}", "\\hat{F}", "\\max_i x",
    ];

    private static readonly string[] OfALesson =
    [
        "\\mathcal{L}_{\\mathrm{fft}} = \\frac{1}{|\\mathcal P|}\\sum_{(s,t)\\in\\mathcal P}\\left\\| \\mathcal F(F_s) - \\mathcal F(F_t)\\right\\|_2^2",
        "A(u,v) = \\left|\\frac{1}{\\sqrt{HW}}\\sum_{h=0}^{H-1}\\sum_{w=0}^{W-1} X_{h,w}\\, e^{-2\\pi i\\left(\\frac{uh}{H}+\\frac{vw}{W}\\right)}\\right|",
        "\\begin{aligned} a &= b + c \\\\ &\\approx d \\quad \\text{for all } x \\end{aligned}",
        "H = -\\sum_k p_k \\log_2 p_k,\\qquad \\operatorname{softmax}(z)_i = \\frac{e^{z_i}}{\\sum_j e^{z_j}}",
        "\\sin^2\\theta + \\cos^2\\theta = 1, \\quad \\underbrace{a+b}_{n}",
    ];

    private static readonly string[] NotUnderstood = ["\\unknowncommand{x}", "\\frac{a}", "{", "a }", "\\left( x", "\\begin{matrix} a", "\\href{javascript:alert(1)}{x}"];

    [Fact]
    public void A_page_without_scripts_shows_the_source_of_its_formulas()
    {
        var page = Page("so $a<b$ and\n\n$$\n\\frac{a}{b}\n$$\n");
        Assert.Contains("<code class=\"tex-source\">a&lt;b</code>", page);
        Assert.Contains("<code class=\"tex-source display\">\\frac{a}{b}</code>", page);
    }

    [Fact]
    public void What_draws_formulas_is_in_the_page_once_with_its_licence_and_only_if_needed()
    {
        var page = Page("$a$ and $b$");
        Assert.Equal(2, page.Split("var temml=").Length);
        Assert.Contains("Permission is hereby granted, free of charge", page);
        Assert.Equal(page.Split("<script").Length, page.Split("</script").Length);
        Assert.DoesNotContain("url('Temml", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("temml", Page("no `$` formula costs $5"), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_usual_constructs_and_the_formulas_of_a_lesson_are_drawn_as_MathML()
    {
        var drawn = Drawn(string.Join("\n\n", Usual.Concat(OfALesson).Select(tex => $"$${tex}$$")));
        Assert.Empty(drawn.QuerySelectorAll("code.tex-source"));
        var formulas = drawn.QuerySelectorAll("math");
        Assert.Equal(Usual.Concat(OfALesson), formulas.Select(math => math.QuerySelector("annotation")!.TextContent));
        Assert.All(formulas, math => Assert.Empty(math.QuerySelectorAll("merror")));
        string[] elements =
        [
            "msubsup", "mo", "mfrac", "munderover", "msubsup", "mroot", "mi", "msup", "mi", "mo", "mtext", "mtable", "mover", "munder",
        ];
        Assert.All(elements.Index(), pair => Assert.NotNull(formulas[pair.Index].QuerySelector(pair.Item)));
        Assert.All(drawn.QuerySelectorAll("msub, msup, munder, mover, mfrac, mroot"), element => Assert.Equal(2, element.ChildElementCount));
        Assert.All(drawn.QuerySelectorAll("msubsup, munderover"), element => Assert.Equal(3, element.ChildElementCount));
        Assert.Contains("ℒ", formulas[6].TextContent, StringComparison.Ordinal);
        Assert.Contains("ℝ", formulas[7].TextContent, StringComparison.Ordinal);
        Assert.Contains("α", formulas[8].TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_understood_stays_as_its_source_and_says_why()
    {
        var drawn = Drawn(string.Join("\n\n", NotUnderstood.Select(tex => $"before ${tex}$ after")));
        var sources = drawn.QuerySelectorAll("code.tex-source");
        Assert.Equal(NotUnderstood, sources.Select(source => source.TextContent));
        Assert.All(sources, source => Assert.NotEmpty(source.GetAttribute("title")!));
        Assert.Empty(drawn.QuerySelectorAll("a"));
    }

    [Fact]
    public void Deep_formulas_stay_as_their_source_and_do_not_keep_the_next_from_being_drawn()
    {
        string[] deep = [.. ((string[])["\\sqrt", "\\frac", "\\hat", "{", "\\mathrm{+", "\\left(", "\\begin{matrix}", "\\underset"]).Select(piece => string.Concat(Enumerable.Repeat(piece, 20_000)))];
        var drawn = Drawn(string.Join("\n\n", deep.Append("x^2").Select(tex => $"$$\n{tex}\n$$")));
        Assert.Equal(deep, drawn.QuerySelectorAll("code.tex-source").Select(source => source.TextContent));
        Assert.Equal("x^2", Assert.Single(drawn.QuerySelectorAll("math")).QuerySelector("annotation")!.TextContent);
    }

    private static string Page(string markdown)
    {
        var notebook = NotebookDocument.Create();
        notebook.Insert(0, NotebookCell.Markdown(markdown));
        return HtmlPage.Render(notebook);
    }

    private static IElement Drawn(string markdown)
    {
        try
        {
            Browser.Find();
        }
        catch (SpectralKDException)
        {
            Assert.Skip("skipped: no Chromium, Chrome or Edge is installed");
        }

        return new HtmlParser().ParseDocument(HeadlessBrowser.Dom(Page(markdown))).QuerySelector("main")!;
    }
}
