using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SpectralKD.Interactive.Magic;
using SpectralKD.Tests;

namespace SpectralKD.Interactive.Tests;

public sealed partial class ReadmeTests
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "README.md")).ReplaceLineEndings("\n");

    [Fact]
    public void The_table_of_commands_is_the_command_table() => Assert.Equal(
        MagicCommandTable.All.Select(c => $"| `{c.Name}` | {c.Description} |"),
        Readme.Split('\n').Where(line => line.StartsWith("| `#!", StringComparison.Ordinal)));

    [Fact]
    public void Files_that_it_links_to_are_there()
    {
        var files = LinkPattern().Matches(Readme).Select(m => m.Groups[1].Value).Where(l => !l.StartsWith("http", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.True(Path.Exists(Path.Combine(SharedData.RepositoryRoot, file)), $"README links to {file}"));
    }

    [Fact]
    public void Its_csharp_compiles()
    {
        var blocks = CodePattern().Matches(Readme).Select(m => m.Groups[1].Value).ToList();
        Assert.NotEmpty(blocks);
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        var usings = CSharpSyntaxTree.ParseText("global using System; global using System.Linq; global using System.Collections.Generic;");
        Assert.All(blocks, code => Assert.Empty(
            CSharpCompilation.Create("readme", [usings, CSharpSyntaxTree.ParseText(code)], references).GetDiagnostics()
                .Where(d => d.Severity == DiagnosticSeverity.Error)));
    }

    [GeneratedRegex(@"\]\(([^)#]+)\)")]
    private static partial Regex LinkPattern();

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodePattern();
}
