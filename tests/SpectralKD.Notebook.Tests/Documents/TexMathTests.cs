using System.Xml.Linq;
using SpectralKD.Notebook.Documents.Html.Tex;

namespace SpectralKD.Notebook.Tests.Documents;

public sealed class TexMathTests
{
    [Theory]
    [InlineData("x^2", "<msup><mi>x</mi><mn>2</mn></msup>")]
    [InlineData("x_i^{2}", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>")]
    [InlineData("f'", "<msup><mi>f</mi><mo>′</mo></msup>")]
    [InlineData("\\frac{a}{b}", "<mfrac><mi>a</mi><mi>b</mi></mfrac>")]
    [InlineData("\\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>")]
    [InlineData("\\sum_{k=0}^{N}", "<munderover><mo>∑</mo><mrow><mi>k</mi><mo>=</mo><mn>0</mn></mrow><mi>N</mi></munderover>")]
    [InlineData("\\int_0^1", "<msubsup><mo>∫</mo><mn>0</mn><mn>1</mn></msubsup>")]
    [InlineData("\\sqrt[3]{x}", "<mroot><mi>x</mi><mn>3</mn></mroot>")]
    [InlineData("\\mathcal{L}", "<mi>ℒ</mi>")]
    [InlineData("\\mathbb{R}^{B \\times C}", "<mi>ℝ</mi>")]
    [InlineData("\\alpha\\Gamma", "<mi>α</mi><mi mathvariant=\"normal\">Γ</mi>")]
    [InlineData("\\left\\lVert x \\right\\rVert_2^2", "<mo stretchy=\"true\" lspace=\"0\" rspace=\"0\">‖</mo>")]
    [InlineData("\\text{if } a < b", "<mtext>if&#160;</mtext><mi>a</mi><mo>&lt;</mo>")]
    [InlineData("\\begin{cases} 1 & x \\\\ 0 & y \\end{cases}", "<mtable class=\"cases\"><mtr><mtd><mn>1</mn></mtd><mtd><mi>x</mi></mtd></mtr><mtr>")]
    [InlineData("\\hat{F}", "<mover accent=\"true\"><mi>F</mi>")]
    [InlineData("\\max_i x", "<munder><mo form=\"prefix\"")]
    public void The_usual_constructs_become_MathML(string tex, string mathMl)
    {
        Assert.Contains(mathMl, TexMath.ToHtml(tex, isDisplay: false));
    }

    [Theory]
    [InlineData("\\unknowncommand{x}")]
    [InlineData("\\frac{a}")]
    [InlineData("{")]
    [InlineData("a }")]
    [InlineData("\\left( x")]
    [InlineData("\\begin{matrix} a")]
    public void What_is_not_understood_stays_as_its_source(string tex)
    {
        var html = TexMath.ToHtml(tex, isDisplay: false);
        Assert.StartsWith("<code class=\"tex\">", html, StringComparison.Ordinal);
        Assert.Contains(tex, html);
    }

    [Theory]
    [InlineData("\\mathcal{L}_{\\mathrm{fft}} = \\frac{1}{|\\mathcal P|}\\sum_{(s,t)\\in\\mathcal P}\\left\\| \\mathcal F(F_s) - \\mathcal F(F_t)\\right\\|_2^2")]
    [InlineData("A(u,v) = \\left|\\frac{1}{\\sqrt{HW}}\\sum_{h=0}^{H-1}\\sum_{w=0}^{W-1} X_{h,w}\\, e^{-2\\pi i\\left(\\frac{uh}{H}+\\frac{vw}{W}\\right)}\\right|")]
    [InlineData("\\begin{aligned} a &= b + c \\\\ &\\approx d \\quad \\text{for all } x \\end{aligned}")]
    [InlineData("H = -\\sum_k p_k \\log_2 p_k,\\qquad \\operatorname{softmax}(z)_i = \\frac{e^{z_i}}{\\sum_j e^{z_j}}")]
    [InlineData("\\sin^2\\theta + \\cos^2\\theta = 1, \\quad \\underbrace{a+b}_{n}")]
    public void The_formulas_of_a_lesson_are_well_formed_MathML(string tex)
    {
        var html = TexMath.ToHtml(tex, isDisplay: true);
        Assert.StartsWith("<math", html, StringComparison.Ordinal);
        var math = XElement.Parse(html);
        Assert.All(math.Descendants().Where(element => element.Name.LocalName is "msub" or "msup" or "munder" or "mover" or "mfrac" or "mroot"),
            element => Assert.Equal(2, element.Elements().Count()));
        Assert.All(math.Descendants().Where(element => element.Name.LocalName is "msubsup" or "munderover"),
            element => Assert.Equal(3, element.Elements().Count()));
    }

    [Fact]
    public void Any_text_gives_well_formed_markup()
        => CsCheck.Check.Sample(CsCheck.Gen.String[CsCheck.Gen.Char["\\{}^_&$ ab1+'|()[]frcsqtl<"], 0, 40], tex => XElement.Parse(TexMath.ToHtml(tex, true)));
}
