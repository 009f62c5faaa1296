using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SpectralKD.Tests;

namespace SpectralKD.Interactive.Tests.Extension;

public sealed class ExtensionScriptTests
{
    private static readonly string ScriptPath = Path.Combine(SharedData.RepositoryRoot, "src", "SpectralKD.Interactive", "extension.dib");

    [Fact]
    public void The_script_in_the_package_is_what_the_command_table_asks_for()
    {
        var wanted = ExtensionScriptWriter.Write();
        var written = Path.Combine(AppContext.BaseDirectory, "extension.dib");
        File.WriteAllText(written, wanted);
        Assert.True(
            File.Exists(ScriptPath) && File.ReadAllText(ScriptPath).ReplaceLineEndings("\n") == wanted,
            $"the command table has changed: copy {written} to {ScriptPath}");
    }

    [Fact]
    public void The_script_compiles_against_the_api_of_dotnet_interactive()
    {
        var api = CSharpCompilation.Create(
            "Microsoft.DotNet.Interactive", [CSharpSyntaxTree.ParseText(Api())], Platform(), new(OutputKind.DynamicallyLinkedLibrary));
        Assert.Empty(Errors(api));

        MetadataReference[] references = [.. Platform(), api.ToMetadataReference(), .. Product()];
        CSharpCompilation? previous = null;
        foreach (var cell in Cells(File.ReadAllText(ScriptPath)))
        {
            var tree = CSharpSyntaxTree.ParseText(cell, new CSharpParseOptions(LanguageVersion.CSharp13, kind: SourceCodeKind.Script));
            previous = CSharpCompilation.CreateScriptCompilation(
                $"cell{cell.Length}", tree, references, new(OutputKind.DynamicallyLinkedLibrary), previousScriptCompilation: previous);
            Assert.Empty(Errors(previous));
        }
    }

    [Fact]
    public void A_slip_in_the_script_would_be_caught()
    {
        var wrong = CSharpSyntaxTree.ParseText(
            "Microsoft.DotNet.Interactive.KernelInvocationContext.Current.Failed(\"x\");", new CSharpParseOptions(kind: SourceCodeKind.Script));
        var api = CSharpCompilation.Create(
            "Microsoft.DotNet.Interactive", [CSharpSyntaxTree.ParseText(Api())], Platform(), new(OutputKind.DynamicallyLinkedLibrary));
        Assert.NotEmpty(Errors(CSharpCompilation.CreateScriptCompilation("x", wrong, [.. Platform(), api.ToMetadataReference()])));
    }

    private static string[] Cells(string script) =>
        script.Split("#!csharp", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static IEnumerable<Diagnostic> Errors(Compilation compilation) =>
        compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error);

    private static string Api()
    {
        using var stream = typeof(ExtensionScriptTests).Assembly.GetManifestResourceStream("DotNetInteractiveApi.txt")!;
        return new StreamReader(stream).ReadToEnd();
    }

    private static IEnumerable<MetadataReference> Platform() => ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
        .Split(Path.PathSeparator)
        .Where(p => Path.GetFileName(p) is var name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "netstandard.dll" or "mscorlib.dll" or "Microsoft.CSharp.dll"))
        .Select(p => MetadataReference.CreateFromFile(p));

    private static IEnumerable<MetadataReference> Product() =>
        new[] { typeof(SpectralKDException), typeof(NotebookExtension) }.Select(t => MetadataReference.CreateFromFile(t.Assembly.Location));
}
