using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SpectralKD.Interactive.Magic;
using SpectralKD.Tests;

namespace SpectralKD.Interactive.Tests;

/// <summary>Nothing that the pages and the notebooks' texts say is out of date. Command lines: see the command line's own tests.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string[] s_implicitUsings =
        ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];

    private static readonly Lazy<List<PortableExecutableReference>> s_references = new(() =>
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path))]);

    public static TheoryData<string> Pages => [.. DocumentPage.All.Select(page => page.Name)];

    [Fact]
    public void The_table_in_the_page_of_commands_is_the_command_table() => Assert.Equal(
        MagicCommandTable.All.Select(c => $"| `{c.Name}` | {c.Description} |"),
        DocumentPage.Of("docs/commands.md").Text.Split('\n').Where(line => line.StartsWith("| `#!", StringComparison.Ordinal)));

    [Fact]
    public void The_gallery_shows_every_notebook_with_a_picture()
    {
        var links = DocumentPage.Of("notebooks/README.md").Links;
        Assert.All(
            DocumentPage.All.Where(page => page.Name.EndsWith(".ipynb", StringComparison.Ordinal)).Select(page => Path.GetFileNameWithoutExtension(page.Path)),
            name => Assert.True(
                links.Contains($"{name}.ipynb") && links.Contains($"pictures/{name}.png"),
                $"notebooks/README.md does not show {name}: run /usr/bin/python3 docs/screenshots.py gallery {name[..2]}"));
        var pictures = Directory.GetFiles(Path.Combine(SharedData.RepositoryRoot, "notebooks", "pictures"));
        Assert.InRange(pictures.Sum(picture => new FileInfo(picture).Length), 1, 600_000);
    }

    [Fact]
    public void The_stored_runs_of_the_lesson_on_dynamics_are_four_whole_trainings_with_their_entropies()
    {
        var data = Path.Combine(SharedData.RepositoryRoot, "notebooks", "data");
        Assert.Equal([20, 20, 20, 20], Lengths("logs"));
        Assert.Equal([10, 10, 10, 10], Lengths("entropies"));

        IEnumerable<long> Lengths(string folder) => Directory.GetFiles(Path.Combine(data, folder)).Select(file => RunLog.Load(file).Table.Rows.Count);
    }

    [Fact]
    public void The_front_page_is_short_and_leads_to_every_page()
    {
        Assert.InRange(DocumentPage.Readme.Text.Split('\n').Length, 1, 150);
        Assert.Empty(Directory.GetFiles(Path.Combine(SharedData.RepositoryRoot, "docs"), "*.md").Select(path => $"docs/{Path.GetFileName(path)}")
            .Append("notebooks/README.md").Except(DocumentPage.Readme.Links));
    }

    [Fact]
    public void The_site_s_contents_name_every_page()
    {
        var contents = File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "docs", "site", "toc.yml"));
        Assert.All(
            Directory.GetFiles(Path.Combine(SharedData.RepositoryRoot, "docs"), "*.md").Select(Path.GetFileName),
            name => Assert.Contains($"href: ../{name}\n", contents.ReplaceLineEndings("\n"), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_lead_somewhere(string name)
    {
        var page = Page(name);
        Assert.All(page.Links.Where(link => !link.StartsWith("https://", StringComparison.Ordinal)), link => Assert.True(Leads(page, link), $"{name} links to {link}"));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Files_and_folders_of_the_repository_that_it_names_are_there(string name)
    {
        var page = Page(name);
        var paths = page.InlineCode.Concat(page.CodeBlocks.Select(block => block.Code)).SelectMany(code => PathPattern().Matches(code)).Select(match => match.Value)
            .Where(path => !path.StartsWith("notebooks/executed", StringComparison.Ordinal));
        Assert.All(paths, path => Assert.True(Path.Exists(Path.Combine(SharedData.RepositoryRoot, path)), $"{name} names {path}"));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void CSharp_compiles(string name) => Assert.All(
        Page(name).CodeBlocks.Where(block => block.Language == "csharp" && !block.Code.StartsWith('#')), block => Assert.Empty(Errors(block.Code, s_implicitUsings)));

    [Fact]
    public void Examples_in_the_documentation_of_the_api_compile_as_a_cell_does()
    {
        var examples = new[] { "SpectralKD.xml", "SpectralKD.Interactive.xml" }
            .SelectMany(file => XDocument.Load(Path.Combine(AppContext.BaseDirectory, file)).Descendants("member"))
            .SelectMany(member => member.Elements("example").Select(example => ((string)member.Attribute("name")!, example.Value))).ToList();

        Assert.True(examples.Count >= 12, $"there are {examples.Count} examples");
        string[] usings = [.. s_implicitUsings, "SpectralKD.Data", "SpectralKD.Distillation", "SpectralKD.Interactive", "SpectralKD.Models",
            "SpectralKD.Native", "SpectralKD.Spectra", "SpectralKD.Weights", "Plotly.NET"];
        Assert.All(examples, example => Assert.Empty(Errors(example.Value, usings)));
    }

    private static IEnumerable<Diagnostic> Errors(string code, IEnumerable<string> usings)
    {
        var trees = new[] { string.Concat(usings.Select(u => $"global using {u};")), code }.Select(text => CSharpSyntaxTree.ParseText(text));
        return CSharpCompilation.Create("page", trees, s_references.Value).GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Magic_commands_and_their_options_are_there(string name)
    {
        var page = Page(name);
        var lines = page.InlineCode.Concat(page.CodeBlocks.SelectMany(block => block.Code.Split('\n')));
        Assert.All(lines.Where(line => line.StartsWith("#!spectral-", StringComparison.Ordinal)), line =>
        {
            var words = MagicLine.Words(line);
            var known = MagicCommandTable.Find(words[0].Text).Parameters.Select(parameter => parameter.Name);
            Assert.Empty(words.Where(word => word.IsOption).Select(word => word.Text).Except(known));
        });
    }

    [Fact]
    public void Some_pages_hold_what_is_checked_here()
    {
        Assert.Contains(DocumentPage.All, page => page.Name.EndsWith(".ipynb", StringComparison.Ordinal) && page.Links.Count > 0);
        Assert.Contains(DocumentPage.Readme.CodeBlocks, block => block.Language == "csharp");
        Assert.Contains(DocumentPage.Readme.InlineCode, code => code.StartsWith("#!spectral-", StringComparison.Ordinal));
    }

    private static DocumentPage Page(string name) => DocumentPage.Of(name);

    private static bool Leads(DocumentPage page, string link)
    {
        var (file, anchor) = link.Split('#', 2) is [var before, var after] ? (before, after) : (link, null);
        var path = file.Length == 0 ? page.Path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page.Path)!, file));
        return Path.Exists(path) && (anchor is null || DocumentPage.All.Any(other => other.Path == path && other.Anchors.Contains(anchor)));
    }

    [GeneratedRegex(@"(?<![\w./-])(?:src|tests|docs|notebooks|\.ci|\.devcontainer)/[\w./-]*\w")]
    private static partial Regex PathPattern();
}
