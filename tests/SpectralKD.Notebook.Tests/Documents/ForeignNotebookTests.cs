using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Runner;
using SpectralKD.Notebook.Tests.Running;

namespace SpectralKD.Notebook.Tests.Documents;

/// <summary>The page of a notebook that somebody else has written.</summary>
public sealed partial class ForeignNotebookTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("spectralkd-foreign-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("<ScRiPt src=//evil/x.js></ScRiPt>")]
    [InlineData("<img src=x onerror=alert(1)>")]
    [InlineData("<img src='x' onerror='alert(1)'>")]
    [InlineData("text <b onclick=\"alert(1)\">bold</b>")]
    [InlineData("[link](javascript:alert(1))")]
    [InlineData("[link](JaVaScRiPt:alert(1))")]
    [InlineData("[link](<java\tscript:alert(1)>)")]
    [InlineData("[link](&#106;avascript:alert(1))")]
    [InlineData("<a href=\"java&#x0A;script:alert(1)\">x</a>")]
    [InlineData("[link](vbscript:alert(1))")]
    [InlineData("[link](data:text/html;base64,PHNjcmlwdD4=)")]
    [InlineData("<a href=data:text/html,alert(1)>x</a>")]
    [InlineData("![x](data:text/html;base64,PHNjcmlwdD4=)")]
    [InlineData("<iframe src=https://evil></iframe>")]
    [InlineData("<iframe srcdoc='<script>alert(1)</script>'></iframe>")]
    [InlineData("<object data=x.swf></object><embed src=x>")]
    [InlineData("<svg onload=alert(1)><script>alert(1)</script></svg>")]
    [InlineData("<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>")]
    [InlineData("<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">")]
    [InlineData("<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">")]
    [InlineData("<style>body{display:none}</style>")]
    [InlineData("<link rel=stylesheet href=//evil/x.css><base href=//evil/><meta http-equiv=refresh content='0;url=//evil'>")]
    [InlineData("<form action=//evil><input name=x><button formaction=javascript:alert(1)>go</button></form>")]
    [InlineData("<div style=\"background:url(javascript:alert(1))\">x</div>")]
    [InlineData("<div style=\"position:fixed;width:expression(alert(1))\">x</div>")]
    [InlineData("<img src=\"x\" title=\"$\\text{onerror=alert(1)}$\">")]
    [InlineData("<div title=\"\n\n$\\text{onclick=alert(1) x}$\n\n<p class=\">\n\n</div>")]
    [InlineData("![$\\text{\" onerror=alert(1) x=\"}$](x.png)")]
    [InlineData("<details open ontoggle=alert(1)><summary>s</summary>x</details>")]
    public void Nothing_in_a_text_can_run(string markdown)
    {
        var page = Page(PageTrust.Outputs, NotebookCell.Markdown(markdown));
        Assert.Empty(Live(page));
        Assert.Empty(Live(Page(PageTrust.Nothing, WithData("text/markdown", markdown))));
        Assert.Empty(Live(Page(PageTrust.Nothing, WithData("text/html", markdown))));
    }

    [Fact]
    public void What_lessons_use_stays_as_it_is()
    {
        const string lesson = """
            # A title with `code`

            | a | b |
            |---|---|
            | 1 | $x_1^2$ |

            - [x] done ~~struck~~ **bold** <br> H<sub>2</sub>O, a footnote[^1], List<int> of <kbd>k</kbd>

            <details open><summary>more</summary><div align="center" style="color: red">centred</div></details>

            [link](https://example.org/a?b=1&c=2) [mail](mailto:a@b.c) [there](#a-title) ![p](https://example.org/p.png "t")
            ![d](data:image/png;base64,AAAA)

            $$\frac{a}{b}$$

            ```csharp
            var x = 1; // <b>
            ```

            [^1]: the note
            """;
        var trusted = Page(PageTrust.Everything, NotebookCell.Markdown(lesson));
        var page = Page(PageTrust.Outputs, NotebookCell.Markdown(lesson));
        Assert.Equal(Words(trusted), Words(page));
        foreach (var part in (string[])["<h1 id=", "<table>", "<code class=\"tex-source\">x_1^2</code>", "<code class=\"tex-source display\">\\frac{a}{b}</code>", "type=\"checkbox\"", "<del>", "<br>", "<sub>2</sub>", "href=\"#fn:1\"", "id=\"fn:1\"", "<details open", "<summary>",
            "style=\"color: ", "href=\"https://example.org/a?b=1&amp;c=2\"", "mailto:a@b.c", "src=\"https://example.org/p.png\"", "src=\"data:image/png;base64,AAAA\"", "<span class=\"c-keyword\">var</span>"])
        {
            Assert.Contains(part, page, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("formula", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Anchors_keep_their_names_as_targets_of_links_and_nothing_else_has_a_name()
    {
        const string text = "[there](#sec)\n\n<a name=\"sec\" onclick=\"alert(1)\"></a>\n\n<img name=\"body\" src=\"https://example.org/p.png\"> <p name=\"head\">p</p> <A NAME=second>x</A>";
        foreach (var page in (string[])[Page(PageTrust.Outputs, NotebookCell.Markdown(text)), Page(PageTrust.Nothing, WithData("text/html", text))])
        {
            var named = new AngleSharp.Html.Parser.HtmlParser().ParseDocument(page).QuerySelector("main")!.QuerySelectorAll("[name]");
            Assert.Equal(["a sec", "a second"], named.Select(element => $"{element.LocalName} {element.GetAttribute("name")}"));
            Assert.Empty(Live(page));
        }
        Assert.Contains("href=\"#sec\"", Page(PageTrust.Outputs, NotebookCell.Markdown(text)), StringComparison.Ordinal);
        Assert.Equal("the page leaves out what could run in the notebook's text: name of <img> (cell 1), name of <p> (cell 1), onclick of <a> (cell 1); --trust keeps it",
            Assert.Single(HtmlPage.Write(At(Path.Combine(_root, "n.ipynb"), NotebookCell.Markdown(text)), Path.Combine(_root, "p.html"))));
    }

    [Fact]
    public void Trusted_text_stays_live() => Assert.NotEmpty(Live(Page(PageTrust.Everything, NotebookCell.Markdown("<script>alert(1)</script>"))));

    [Fact]
    public void Outputs_of_cells_just_executed_stay_live_and_those_that_a_notebook_came_with_do_not()
    {
        NotebookCell[] cells = [WithData("text/html", "<b>a</b><script>x()</script>"), WithData("application/javascript", "y()"),
            WithData("image/svg+xml", "<svg onload=\"z()\"><circle/></svg>"), WithData("text/html", "<html><script>w()</script></html>")];
        var live = Page(PageTrust.Outputs, cells);
        foreach (var part in (string[])["<script>x()</script>", "<script>(() => { y()", "<svg onload=", "sandbox=\"allow-scripts\""])
        {
            Assert.Contains(part, live, StringComparison.Ordinal);
        }
        var dead = Page(PageTrust.Nothing, [.. cells.Select(cell => new NotebookCell((JsonObject)cell.Json.DeepClone()))]);
        Assert.Empty(Live(dead));
        Assert.Contains("<b>a</b>", dead, StringComparison.Ordinal);
        Assert.Contains("y()", dead, StringComparison.Ordinal);
        Assert.Contains("src=\"data:image/svg", dead, StringComparison.Ordinal);
        Assert.Contains("sandbox=\"\"", dead, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("image/png\" onerror=\"alert(1)", "AAAA")]
    [InlineData("image/png", "AAAA\" onerror=\"alert(1)")]
    public void Attributes_of_images_cannot_be_broken_out_of(string mimeType, string base64)
    {
        var text = NotebookCell.Markdown("![x](attachment:a.png)");
        text.Json["attachments"] = new JsonObject { ["a.png"] = new JsonObject { [mimeType] = base64 } };
        Assert.Empty(Live(Page(PageTrust.Outputs, text, WithData(mimeType, base64))));
    }

    [Fact]
    public void Images_outside_the_folder_stay_links_whatever_way_leads_to_them()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, "lesson")).FullName;
        Directory.CreateDirectory(Path.Combine(folder, "sub"));
        File.WriteAllBytes(Path.Combine(_root, "secret.png"), [1, 2, 3]);
        File.WriteAllBytes(Path.Combine(folder, "own.png"), [4, 5, 6]);
        File.WriteAllBytes(Path.Combine(folder, "sub", "deep.png"), [7, 8, 9]);
        Directory.CreateDirectory(Path.Combine(_root, "lesson-2"));
        File.WriteAllBytes(Path.Combine(_root, "lesson-2", "secret.png"), [1, 2, 3]);
        File.CreateSymbolicLink(Path.Combine(folder, "link.png"), "../secret.png");
        File.CreateSymbolicLink(Path.Combine(folder, "up"), _root);
        File.CreateSymbolicLink(Path.Combine(folder, "circle.png"), "circle.png");
        File.CreateSymbolicLink(Path.Combine(folder, "near.png"), "sub/deep.png");
        var text = NotebookCell.Markdown(string.Join("\n\n", new[]
        {
            "../secret.png", $"{_root}/secret.png", "link.png", "up/secret.png", "sub/../../secret.png", "%2e%2e/secret.png", "../lesson-2/secret.png", "circle.png",
            "own.png", "sub/deep.png", "near.png", "up/lesson/own.png", "../lesson/own.png",
        }.Select(name => $"![]({name})")) + $"\n\n<img src='{_root}/secret.png'>");
        var notebook = At(Path.Combine(folder, "n.ipynb"), text);
        var page = HtmlPage.Render(notebook);
        Assert.DoesNotContain("base64,AQID", page, StringComparison.Ordinal);
        Assert.Equal(4, page.Split("base64,BAUG").Length);
        Assert.Equal(3, page.Split("base64,BwgJ").Length);
        Assert.Contains("src=\"../secret.png\"", page, StringComparison.Ordinal);
        Assert.Contains("images outside the notebook's folder stay links in the page: ../secret.png (cell 1), ",
            Assert.Single(HtmlPage.Write(notebook, Path.Combine(_root, "p.html"))), StringComparison.Ordinal);
        Assert.Contains("base64,AQID", HtmlPage.Render(notebook, PageTrust.Everything), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_says_what_the_page_leaves_out_and_trust_keeps_it()
    {
        using var run = new RunFolder().With(NotebookCell.Markdown("# T\n\n<script>alert(1)</script> <b onclick=x>y</b>"), NotebookCell.Code("print x"));
        var result = await run.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal("the page leaves out what could run in the notebook's text: <script> (cell 1), onclick of <b> (cell 1); --trust keeps it", Assert.Single(result.Warnings));
        Assert.Empty(Live(await File.ReadAllTextAsync(result.HtmlPath!, TestContext.Current.CancellationToken)));
        var trusted = await NotebookRunner.RunAsync(run.Notebook, () => new FakeSession(), new RunOptions { OutputFolder = run.Output, TrustText = true },
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Empty(trusted.Warnings);
        Assert.Contains("<script>alert(1)</script>", await File.ReadAllTextAsync(trusted.HtmlPath!, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(">", 5000)]
    [InlineData("<div>", 100_000)]
    [InlineData("<b>", 5000)]
    [InlineData("- ", 1000)]
    [InlineData("[", 2000)]
    public void Deep_nesting_is_shown_as_text_and_ends_nothing(string piece, int times)
    {
        var deep = string.Concat(Enumerable.Repeat(piece, times)) + "the end";
        Assert.Contains("the end", Page(PageTrust.Outputs, NotebookCell.Markdown(deep), NotebookCell.Markdown("# " + deep)), StringComparison.Ordinal);
        Assert.Contains("the end", Page(PageTrust.Nothing, WithData("text/html", deep)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\\sqrt")]
    [InlineData("\\frac")]
    [InlineData("\\hat")]
    [InlineData("{")]
    [InlineData("\\mathrm{+")]
    [InlineData("\\left(")]
    [InlineData("\\begin{matrix}")]
    [InlineData("\\underset")]
    public void Deep_formulas_are_shown_as_text_and_end_nothing(string piece)
    {
        var deep = string.Concat(Enumerable.Repeat(piece, 20_000));
        Assert.Contains($"<code class=\"tex-source display\">{deep}</code>", Page(PageTrust.Outputs, NotebookCell.Markdown($"$$\n{deep}\n$$")), StringComparison.Ordinal);
    }

    // What a browser would run: read by the parser that browsers share, not by looking for words.
    private static List<string> Live(string page)
    {
        var document = new AngleSharp.Html.Parser.HtmlParser().ParseDocument(page);
        var live = new List<string>();
        foreach (var element in document.QuerySelector("main")!.QuerySelectorAll("*"))
        {
            if (element.LocalName is "script" or "iframe" or "object" or "embed" or "svg" or "style" or "link" or "base" or "meta" or "form" or "template"
                && element.GetAttribute("sandbox") != "" && element.GetAttribute("type") != "application/json")
            {
                live.Add(element.LocalName);
            }
            foreach (var attribute in element.Attributes)
            {
                var value = BlanksAndControls().Replace(attribute.Value, "");
                if (attribute.Name.StartsWith("on", StringComparison.OrdinalIgnoreCase)
                    || Runs().IsMatch(value)
                    || (element.LocalName != "img" && value.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
                    || (attribute.Name == "style" && value.Contains("url(", StringComparison.OrdinalIgnoreCase)))
                {
                    live.Add($"{element.LocalName} {attribute.Name}={attribute.Value}");
                }
            }
        }
        return live;
    }

    private static string Words(string page)
        => Regex.Replace(new AngleSharp.Html.Parser.HtmlParser().ParseDocument(page).QuerySelector("main")!.TextContent, @"\s+", " ");

    [GeneratedRegex(@"[\x00-\x20]")]
    private static partial Regex BlanksAndControls();

    [GeneratedRegex("^(javascript|vbscript):|^data:text", RegexOptions.IgnoreCase)]
    private static partial Regex Runs();

    private static NotebookCell WithData(string mimeType, JsonNode content)
    {
        var cell = NotebookCell.Code("x");
        cell.Outputs = [new JsonObject { ["output_type"] = "display_data", ["data"] = new JsonObject { [mimeType] = content }, ["metadata"] = new JsonObject() }];
        return cell;
    }

    private static NotebookDocument At(string path, params NotebookCell[] cells)
    {
        var notebook = NotebookDocument.Create();
        foreach (var cell in cells)
        {
            notebook.Insert(notebook.Cells.Count, cell);
        }
        notebook.Save(path);
        return NotebookDocument.Load(path);
    }

    private static string Page(PageTrust trust, params NotebookCell[] cells)
    {
        var notebook = NotebookDocument.Create();
        foreach (var cell in cells)
        {
            notebook.Insert(notebook.Cells.Count, cell);
        }
        return HtmlPage.Render(notebook, trust);
    }
}
