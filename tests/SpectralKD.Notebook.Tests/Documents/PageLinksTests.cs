using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Tests.Running;

namespace SpectralKD.Notebook.Tests.Documents;

public sealed partial class PageLinksTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("spectralkd-links-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("lessons/executed/one.html", "..", "../..")]
    [InlineData("lessons/one.html", ".", "..")]
    [InlineData("else/where/one.html", "../../lessons", "../..")]
    public void A_relative_link_leads_from_the_page_to_the_file_beside_the_notebook(string page, string lessons, string root)
    {
        Touch("lessons/two.ipynb", "lessons/data/a b.csv", "docs/page.md", "clip.mp4");
        var links = Links(Written("lessons/one.ipynb", page,
            "[a](two.ipynb) [b](data/a%20b.csv) [c](../docs/page.md#part) [d](../docs) [e](data/) [f](two.ipynb?x=1&y=2#z) <a class=\"k\" href='../docs/page.md'>g</a>"));
        Assert.Equal(
            new[] { $"{lessons}/two.ipynb", $"{lessons}/data/a%20b.csv", $"{root}/docs/page.md#part", $"{root}/docs", $"{lessons}/data/", $"{lessons}/two.ipynb?x=1&y=2#z", $"{root}/docs/page.md" }
                .Select(link => link.StartsWith("./", StringComparison.Ordinal) ? link[2..] : link),
            links);
    }

    [Fact]
    public void Links_that_are_not_relative_and_those_to_nothing_stay_as_they_are()
    {
        Touch("lessons/two.ipynb");
        string[] links = ["https://example.org/two.ipynb", "//example.org/two.ipynb", "#two.ipynb", "/two.ipynb", "mailto:a@example.org", "missing.md", "?two.ipynb"];
        Assert.Equal(links, Links(Written("lessons/one.ipynb", "lessons/executed/one.html", string.Join(' ', links.Select(link => $"[x]({link})")))));
    }

    [Fact]
    public void A_link_to_another_lesson_leads_to_its_page_whichever_of_the_two_was_written_first()
    {
        Touch("lessons/two.ipynb", "lessons/three.ipynb");
        var one = Written("lessons/one.ipynb", "lessons/executed/one.html", "[next](two.ipynb) [part](two.ipynb#Part) [last](three.ipynb)");
        Assert.Equal(["../two.ipynb", "../two.ipynb#Part", "../three.ipynb"], Links(one));
        var two = Written("lessons/two.ipynb", "lessons/executed/two.html", "[before](one.ipynb) [itself](two.ipynb)");
        Assert.Equal(["one.html", "two.html"], Links(two));
        Assert.Equal(["two.html", "two.html#Part", "../three.ipynb"], Links(one));
    }

    [Fact]
    public void Pages_of_other_programs_are_never_changed_and_text_that_looks_like_a_link_is_not_one()
    {
        Touch("lessons/two.ipynb");
        const string foreign = "<html><a href=\"../two.ipynb\">x</a></html>";
        Touch("lessons/executed/foreign.html");
        File.WriteAllText(Path.Combine(_root, "lessons/executed/foreign.html"), foreign);
        var one = Written("lessons/one.ipynb", "lessons/executed/one.html", "`<a href=\"two.ipynb\">` and `<a href=\"../two.ipynb\">`");
        var before = File.ReadAllText(one);
        Written("lessons/two.ipynb", "lessons/executed/two.html", "text");
        Assert.Equal(foreign, File.ReadAllText(Path.Combine(_root, "lessons/executed/foreign.html")));
        Assert.Equal(before, File.ReadAllText(one));
    }

    [Fact]
    public void Pictures_and_films_that_are_not_put_into_the_page_are_found_from_it()
    {
        Touch("far.png", "lessons/clip.mp4");
        var page = File.ReadAllText(Written("lessons/one.ipynb", "lessons/executed/one.html", "![far](../far.png)\n\n<video width=\"3\" src=\"clip.mp4\"></video>", PageTrust.Nothing));
        Assert.Contains("src=\"../../far.png\"", page, StringComparison.Ordinal);
        page = File.ReadAllText(Written("lessons/one.ipynb", "lessons/executed/one.html", "<video width=\"3\" src=\"clip.mp4\"></video>", PageTrust.Everything));
        Assert.Contains("src=\"../clip.mp4\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_cell_shows_has_its_links_from_the_page_too()
    {
        using var run = new RunFolder().With(NotebookCell.Markdown("[itself](lesson.ipynb)"), NotebookCell.Code("print x"));
        var result = await run.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["lesson.html"], Links(result.HtmlPath!));
        Touch("lessons/table.csv");
        var cell = NotebookCell.Code("x");
        cell.Outputs = [new JsonObject { ["output_type"] = "display_data", ["data"] = new JsonObject { ["text/html"] = "<a href=\"table.csv\">t</a>" }, ["metadata"] = new JsonObject() }];
        Assert.Equal(["../table.csv"], Links(Written("lessons/one.ipynb", "lessons/executed/one.html", cell)));
    }

    private string Written(string notebook, string page, string text, PageTrust trust = PageTrust.Outputs) => Written(notebook, page, NotebookCell.Markdown(text), trust);

    private string Written(string notebook, string page, NotebookCell cell, PageTrust trust = PageTrust.Outputs)
    {
        var document = NotebookDocument.Create();
        document.Insert(0, cell);
        Touch(notebook);
        document.Save(Path.Combine(_root, notebook));
        var path = Path.Combine(_root, page);
        HtmlPage.Write(NotebookDocument.Load(Path.Combine(_root, notebook)), path, trust);
        return path;
    }

    private void Touch(params string[] files)
    {
        foreach (var file in files.Select(file => Path.Combine(_root, file)))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, "x");
        }
    }

    private static string[] Links(string page) => [.. Href().Matches(File.ReadAllText(page)).Select(match => System.Net.WebUtility.HtmlDecode(match.Groups[1].Value))];

    [GeneratedRegex("<a [^>]*href=[\"']([^\"']*)")]
    private static partial Regex Href();
}
