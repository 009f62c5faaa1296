using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using SpectralKD.Notebook.Session.Errors;
using SpectralKD.Notebook.Session.Scripting;

namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>Compiles cells into submissions, each of which sees those before it.</summary>
internal sealed class CellCompiler
{
    /// <summary>C# 14 as a script.</summary>
    public static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Latest, DocumentationMode.None, SourceCodeKind.Script);

    /// <summary>Optimised: cells hold the user's own loops over pixels and spectra.</summary>
    public static readonly CSharpCompilationOptions CompilationOptions = new(
        OutputKind.DynamicallyLinkedLibrary,
        scriptClassName: "Submission#0",
        optimizationLevel: OptimizationLevel.Release,
        allowUnsafe: true,
        concurrentBuild: false,
        nullableContextOptions: NullableContextOptions.Disable,
        warningLevel: 0,
        assemblyIdentityComparer: DesktopAssemblyIdentityComparer.Default);

    private static readonly EmitOptions s_emitOptions = new(debugInformationFormat: DebugInformationFormat.PortablePdb);
    private readonly string _prefix = $"cell-{Guid.NewGuid():N}-";
    private readonly List<MetadataReference> _added = [];
    private int _count;

    /// <summary>The newest submission that others can build on; null before the first.</summary>
    public CSharpCompilation? Last { get; set; }

    /// <summary>True where an assembly is one of this session's cells.</summary>
    public bool IsCell(System.Reflection.Assembly assembly) => assembly.GetName().Name!.StartsWith(_prefix, StringComparison.Ordinal);

    /// <summary>Makes an assembly known to the cells that follow.</summary>
    public void AddReference(MetadataReference reference) => _added.Add(reference);

    /// <summary>The submission that holds the <c>using</c>s which every cell sees.</summary>
    public CSharpCompilation CreatePrelude(IEnumerable<string> imports)
    {
        var empty = Create(CSharpSyntaxTree.ParseText("", ParseOptions));
        return empty.ReplaceSyntaxTree(empty.SyntaxTrees[0], CSharpSyntaxTree.ParseText(Compiling.Imports.AsSource(empty, imports), ParseOptions));
    }

    /// <summary>Compiles one cell on top of <see cref="Last"/>.</summary>
    /// <exception cref="CompilationFailed">The cell has errors.</exception>
    public CompiledCell Compile(string code, string name, CancellationToken cancellationToken)
    {
        var original = CSharpSyntaxTree.ParseText(code, ParseOptions, name, System.Text.Encoding.UTF8, cancellationToken);
        CompilationFailed.ThrowOnErrors(original.GetDiagnostics(cancellationToken), original.GetText(cancellationToken), new TextEdits());
        var edits = InterruptPoints.Find(original.GetRoot(cancellationToken));
        var tree = edits.IsEmpty
            ? original
            : CSharpSyntaxTree.ParseText(edits.Apply(code), ParseOptions, name, System.Text.Encoding.UTF8, cancellationToken);
        return Emit(Create(tree), original, edits, cancellationToken);
    }

    private static CompiledCell Emit(CSharpCompilation compilation, SyntaxTree original, TextEdits edits, CancellationToken cancellationToken)
    {
        var assembly = new MemoryStream();
        var symbols = new MemoryStream();
        var result = compilation.Emit(assembly, symbols, options: s_emitOptions, cancellationToken: cancellationToken);
        CompilationFailed.ThrowOnErrors(result.Diagnostics, original.GetText(cancellationToken), edits);
        assembly.Position = 0;
        symbols.Position = 0;
        var entryPoint = assembly.Length > 0 ? compilation.GetEntryPoint(cancellationToken) : null;
        return new CompiledCell(compilation, assembly, symbols, entryPoint);
    }

    private CSharpCompilation Create(SyntaxTree tree)
    {
        IEnumerable<MetadataReference> references = Last is null ? HostReferences.All.Concat(_added) : _added;
        var compilation = CSharpCompilation.CreateScriptCompilation(
            _prefix + ++_count, tree, references, CompilationOptions, Last, typeof(object), typeof(CellGlobals));
        return compilation;
    }
}
