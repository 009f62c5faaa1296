using System.Text.Json.Nodes;
using SpectralKD.Notebook.Documents;

namespace SpectralKD.Notebook.Tests.Documents;

public sealed class HtmlPageTests
{
    [Fact]
    public void The_title_is_the_first_heading() => Assert.Contains("<title>The U-curve of x &amp; y</title>", Page(NotebookCell.Markdown("text\n\n## The U-curve of `x` & y")));

    [Fact]
    public void Code_wraps_on_narrow_pages_and_nothing_lies_over_it()
    {
        var page = Page(NotebookCell.Code("1 + 1"));
        var style = page[page.IndexOf("<style>", StringComparison.Ordinal)..page.IndexOf("</style>", StringComparison.Ordinal)];
        Assert.DoesNotContain("position: absolute", style);
        Assert.Matches(@"(?m)^pre \{[^}]*white-space: pre-wrap; overflow-wrap: anywhere;", style);
        Assert.Matches("(?s)<div class=\"label\">.*</div><pre>", page);
    }

    [Fact]
    public void Plotly_is_in_the_page_once_and_only_if_needed()
    {
        var figure = new JsonObject { ["data"] = new JsonArray(), ["layout"] = new JsonObject { ["title"] = "</script>" } };
        var page = Page(WithData(OutputHtml.PlotlyMime, figure), WithData(OutputHtml.PlotlyMime, figure.DeepClone()));
        Assert.Equal(2, page.Split("plotly.js v").Length);
        Assert.DoesNotContain("plotly.js v", Page(NotebookCell.Code("1 + 1")));
        Assert.Equal(page.Split("<script").Length, page.Split("</script").Length);
    }

    [Fact]
    public void The_richest_representation_is_shown()
    {
        var cell = WithData("text/html", "<b>rich</b>");
        ((JsonObject)cell.Outputs[0]!["data"]!)["text/plain"] = "poor";
        var page = Page(cell);
        Assert.Contains("<b>rich</b>", page);
        Assert.DoesNotContain("poor", page);
    }

    [Fact]
    public void Code_is_coloured_and_encoded()
    {
        var page = Page(NotebookCell.Code("#!spectral-model deit --as model\n// a <b>\nvar x = List<int>.Empty(\"a&b\", 3);"));
        Assert.Contains("<span class=\"c-magic\">#!spectral-model</span> deit <span class=\"c-attr\">--as</span> model", page);
        Assert.Contains("<span class=\"c-comment\">// a &lt;b&gt;</span>", page);
        Assert.Contains("<span class=\"c-keyword\">var</span>", page);
        Assert.Contains("<span class=\"c-string\">&quot;a&amp;b&quot;</span>", page);
        Assert.Contains("<span class=\"c-number\">3</span>", page);
    }

    [Fact]
    public void Colouring_loses_no_character() => CsCheck.Check.Sample(
        CsCheck.Gen.String[CsCheck.Gen.Char["ab1 \n\"'#!/*{}();=<>.$@"], 0, 60],
        code => Assert.Equal(code, System.Net.WebUtility.HtmlDecode(System.Text.RegularExpressions.Regex.Replace(CSharpHighlighter.ToHtml(code), "</?span[^>]*>", ""))));

    [Theory]
    [InlineData("\u001b[31mred\u001b[0m <", "<span style=\"color:var(--ansi-1)\">red</span> &lt;")]
    [InlineData("\u001b[1;38;5;196mx", "<span style=\"color:rgb(255,0,0);font-weight:bold\">x</span>")]
    [InlineData("\u001b[48;2;1;2;3mx\u001b[49my", "<span style=\"background:rgb(1,2,3)\">x</span>y")]
    [InlineData("10 %\r50 %\r100 %\ndone", "100 %\ndone")]
    [InlineData("a\r\nb", "a\nb")]
    [InlineData("abc\b\bX", "aX")]
    [InlineData("\u001b[2Kcleared\u001b[1A", "cleared")]
    public void Console_text_looks_as_in_a_terminal(string text, string html) => Assert.Equal(html, AnsiText.ToHtml(text));

    [Fact]
    public void Columns_of_console_text_stay_whole_and_sentences_are_broken()
    {
        const string table = "block        d95   rank\nblocks.0     9.4   14.0\n   of 24 channels\nblocks.1    10.4   14.7";
        Assert.Equal($"Ranks:\n<span class=\"columns\">{table}\n</span>and that is all.\n", ConsoleText.ToHtml($"Ranks:\n{table}\nand that is all.\n"));
        Assert.Equal("one line:     no table", ConsoleText.ToHtml("one line:     no table"));
    }

    [Fact]
    public void A_number_keeps_its_unit_and_spread_beside_it()
    {
        const string parted = "top-1 91.5 % or 3.0 ± 0.2 of 5 % 2 %";
        const string kept = "top-1 91.5\u00a0% or 3.0\u00a0±\u00a00.2 of 5 % 2\u00a0%";
        Assert.Equal(kept, System.Net.WebUtility.HtmlDecode(ConsoleText.ToHtml(parted)));
        Assert.Contains(kept, System.Net.WebUtility.HtmlDecode(Page(NotebookCell.Markdown(parted))));
        Assert.Contains(kept, System.Net.WebUtility.HtmlDecode(Page(WithData("text/html", $"<div>{parted}</div>"))));
        Assert.Contains("<code>7 % x</code>", Page(NotebookCell.Markdown("`7 % x`")));
        Assert.Contains("<pre>7 % x</pre>", Page(WithData("text/html", "<pre>7 % x</pre>")));
    }

    [Fact]
    public void Images_beside_the_notebook_and_attachments_are_in_the_page()
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        File.WriteAllBytes(Path.Combine(folder, "a b.png"), [1, 2, 3]);
        var notebook = NotebookDocument.Create();
        var cell = NotebookCell.Markdown("![x](<a b.png>) ![y](attachment:z.png) <img src='a b.png'> ![w](missing.png)");
        cell.Json["attachments"] = new JsonObject { ["z.png"] = new JsonObject { ["image/png"] = "BBBB" } };
        notebook.Insert(0, cell);
        notebook.Save(Path.Combine(folder, "n.ipynb"));
        var page = HtmlPage.Render(NotebookDocument.Load(Path.Combine(folder, "n.ipynb")));
        Assert.Equal(3, page.Split("data:image/png;base64,AQID").Length);
        Assert.Contains("data:image/png;base64,BBBB", page);
        Assert.Contains("missing.png", page);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Markdown_has_tables_and_mathematics()
    {
        var page = Page(NotebookCell.Markdown("| a | b |\n|---|---|\n| 1 | $x_1^2$ |\n\n$$\\frac{a}{b}$$\n\nand $5 or $6 stay"));
        Assert.Contains("<td>1</td>", page);
        Assert.Contains("<td><code class=\"tex-source\">x_1^2</code></td>", page);
        Assert.Contains("<code class=\"tex-source display\">\\frac{a}{b}</code>", page);
        Assert.Contains("$5 or $6 stay", page);
    }

    private static NotebookCell WithData(string mimeType, JsonNode content)
    {
        var cell = NotebookCell.Code("x");
        cell.Outputs = [new JsonObject { ["output_type"] = "display_data", ["data"] = new JsonObject { [mimeType] = content }, ["metadata"] = new JsonObject() }];
        return cell;
    }

    private static string Page(params NotebookCell[] cells)
    {
        var notebook = NotebookDocument.Create();
        foreach (var cell in cells)
        {
            notebook.Insert(notebook.Cells.Count, cell);
        }
        return HtmlPage.Render(notebook);
    }
}
