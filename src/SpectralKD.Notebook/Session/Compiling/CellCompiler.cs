using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;

namespace SpectralKD.Notebook.Session;

/// <summary>Compiles cells into submissions, each of which sees those before it.</summary>
/// <param name="globals">The type whose members every cell sees as its own.</param>
internal sealed class CellCompiler(Type globals)
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
        warningLevel: 4,
        specificDiagnosticOptions: CompileWarnings.Hidden,
        assemblyIdentityComparer: DesktopAssemblyIdentityComparer.Default);

    private static readonly SemaphoreSlim Binding = new(1);
    private static readonly ConcurrentDictionary<string, CellSource> Sources = new();
    private static readonly EmitOptions Emitting = new(debugInformationFormat: DebugInformationFormat.PortablePdb);
    private readonly string _prefix = $"cell-{Guid.NewGuid():N}-";
    private ImmutableArray<MetadataReference> _added = []; // replaced as a whole: completion reads it while a cell runs
    private readonly Dictionary<string, string> _aliases = [];
    private CSharpCompilation? _bound;
    private ImmutableArray<MetadataReference> _boundTo;
    private bool _refersToAll;
    private int _count;

    /// <summary>The newest submission that others can build on; null before the first.</summary>
    public CSharpCompilation? Last { get; set; }

    /// <summary>What an assembly was compiled from; null for one that is no cell.</summary>
    public static CellSource? SourceOf(System.Reflection.Assembly assembly) => Sources.GetValueOrDefault(assembly.GetName().Name!);

    /// <summary>What <c>#r</c> has added, for the cells that follow.</summary>
    public IReadOnlyList<MetadataReference> Added => _added;

    /// <summary>Makes an assembly known to the cells that follow, instead of an earlier one.</summary>
    public void ReplaceReference(MetadataReference? earlier, MetadataReference reference)
    {
        _added = [.. _added.Where(known => known != earlier), reference];
    }

    /// <summary>The submission that holds the <c>using</c>s which every cell sees.</summary>
    public CSharpCompilation CreatePrelude(IEnumerable<string> imports)
    {
        var empty = Create(CSharpSyntaxTree.ParseText("", ParseOptions));
        var usings = CSharpSyntaxTree.ParseText(Imports.AsSource(empty, imports), ParseOptions);
        return empty.ReplaceSyntaxTree(empty.SyntaxTrees[0], usings);
    }

    /// <summary>Compiles one cell on top of <see cref="Last"/>.</summary>
    /// <exception cref="CompilationFailed">The cell has errors.</exception>
    /// <exception cref="SpectralKDException">Its brackets are nested too deeply for the compiler.</exception>
    public CompiledCell Compile(string code, string name, CancellationToken cancellationToken)
    {
        if (NestedCode.IsTooDeep(code))
        {
            throw new SpectralKDException($"{name} nests more than {NestedCode.Deepest} brackets, at which the compiler would end the process; take it apart");
        }
        var advice = new List<string>();
        var original = CSharpSyntaxTree.ParseText(UsingDeclarations.TakeOut(code, advice), ParseOptions, name, Encoding.UTF8, cancellationToken);
        CompilationFailed.ThrowOnErrors(original.GetDiagnostics(cancellationToken), original.GetText(cancellationToken), new TextEdits());
        if (_aliases.Count > 0)
        {
            // The newest using wins.
            Alias(Imports.ImportedHere(Create(original, HostReferences.Others), _aliases.Keys));
        }

        while (true)
        {
            try
            {
                var compiled = EmitWithWhatItNeeds(original, cancellationToken);
                return compiled with { Advice = [.. advice, .. compiled.Advice] };
            }
            catch (CompilationFailed failed) when (failed.Errors.Any(error => error.Id is Imports.Ambiguous or Imports.IsFunction))
            {
                // Where a name of the user's using is also one of the product's, the user's is meant from here on.
                if (!Alias(Imports.UsersTypes(Create(original, HostReferences.Others))))
                {
                    throw;
                }
            }
        }
    }

    private CompiledCell EmitWithWhatItNeeds(SyntaxTree original, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return Emit(original, cancellationToken);
            }
            catch (CompilationFailed) when (!_refersToAll)
            {
                ReferToMore(original);
            }
            catch (CompilationFailed)
            {
                // An error is told in the user's words, not in those of the edits.
                CompilationFailed.ThrowOnErrors(Create(original).GetDiagnostics(cancellationToken), original.GetText(cancellationToken), new TextEdits());
                throw;
            }
        }
    }

    /// <summary>Lets the names of some types mean these types in the cells from here on.</summary>
    /// <returns>False where they do already.</returns>
    private bool Alias(IEnumerable<INamedTypeSymbol> types)
    {
        var source = "";
        foreach (var (name, type) in types.Select(type => (type.Name, type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat))).Distinct().ToArray())
        {
            if (_aliases.GetValueOrDefault(name) != type)
            {
                _aliases[name] = type;
                source += $"using {name} = {type};";
            }
        }

        if (source.Length > 0)
        {
            Last = Create(CSharpSyntaxTree.ParseText(source, ParseOptions));
        }

        return source.Length > 0;
    }

    private CompiledCell Emit(SyntaxTree original, CancellationToken cancellationToken)
    {
        var edits = InterruptPoints.Find(original, () => CreatePassing(original));
        var tree = edits.IsEmpty ? original
            : CSharpSyntaxTree.ParseText(edits.Apply(original.GetText(cancellationToken).ToString()), ParseOptions, original.FilePath, Encoding.UTF8, cancellationToken);
        var shape = CellShape.Of(original);
        var compilation = shape.DeclaresNothing ? CreatePassing(tree) : Create(tree);
        var name = shape.DeclaresNothing ? NextName() : compilation.AssemblyName!;
        var assembly = new MemoryStream();
        var symbols = shape.OnlyLine is null ? new MemoryStream() : null;
        var result = compilation.Emit(assembly, symbols, options: Emitting.WithOutputNameOverride(name), cancellationToken: cancellationToken);
        CompilationFailed.ThrowOnErrors(result.Diagnostics, original.GetText(cancellationToken), edits);
        Sources[name] = new CellSource(original.FilePath, original.ToString(), shape.OnlyLine);
        assembly.Position = 0;
        symbols?.Position = 0;
        var entryPoint = assembly.Length > 0 ? compilation.GetEntryPoint(cancellationToken) : null;
        var advice = CompileWarnings.Of(result.Diagnostics, original.GetText(cancellationToken), edits);
        return new CompiledCell(compilation, assembly, symbols, entryPoint, shape.DeclaresNothing, advice);
    }

    /// <summary>Adds those of the host's other assemblies that a cell needs.</summary>
    /// <exception cref="CompilationFailed">It does not compile with all of them either.</exception>
    private void ReferToMore(SyntaxTree original)
    {
        var wide = Create(original, HostReferences.Others);
        CompilationFailed.ThrowOnErrors(wide.GetDiagnostics(), original.GetText(), new TextEdits());
        var more = wide.GetUsedAssemblyReferences().Intersect(HostReferences.Others).Except(_added).ToArray();
        // The compiler may need an assembly that it does not count as used: then the second failure brings them all.
        _refersToAll = more.Length == 0;
        _added = [.. _added, .. _refersToAll ? HostReferences.Others.Except(_added) : more];
    }

    /// <summary>
    /// Two compilations that bind the same references at the same time may each make symbols of its own for them, and a later one takes
    /// either: then <c>Kernel</c> is not <c>Kernel</c>.
    /// </summary>
    public static async Task<T> BindAsync<T>(Func<Task<T>> make, CancellationToken cancellationToken)
    {
        await Binding.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await make().ConfigureAwait(false);
        }
        finally
        {
            Binding.Release();
        }
    }

    private string NextName() => _prefix + ++_count;

    /// <summary>
    /// A compilation that nothing is built on: it shares what an earlier one has bound, for to bind the host's 130 assemblies anew takes a tenth of a small cell's
    /// time. It shares that one's name, too.
    /// </summary>
    private CSharpCompilation CreatePassing(SyntaxTree tree)
    {
        if (_bound is null || _boundTo != _added)
        {
            (_bound, _boundTo) = (Create(CSharpSyntaxTree.ParseText("", ParseOptions)), _added);
        }

        if (_bound.ScriptCompilationInfo!.PreviousScriptCompilation != Last)
        {
            _bound = _bound.WithScriptCompilationInfo(_bound.ScriptCompilationInfo.WithPreviousScriptCompilation(Last));
        }

        return _bound.ReplaceSyntaxTree(_bound.SyntaxTrees[0], tree);
    }

    private CSharpCompilation Create(SyntaxTree tree, params IEnumerable<MetadataReference> more)
    {
        var compilation = CSharpCompilation.CreateScriptCompilation(
            NextName(),
            tree,
            [.. Last is null ? HostReferences.Common : [], .. _added, .. more],
            CompilationOptions,
            Last,
            typeof(object),
            globals);
        Binding.Wait();
        try
        {
            _ = compilation.Assembly;
        }
        finally
        {
            Binding.Release();
        }

        return compilation;
    }
}

/// <summary>What a cell's assembly was compiled from.</summary>
/// <param name="Name">What errors call it: <c>cell [3]</c> or a file.</param>
/// <param name="Code">The C# as the user wrote it.</param>
/// <param name="OnlyLine">The line, from 1, of all that can fail; null where the debug information tells.</param>
internal sealed record CellSource(string Name, string Code, int? OnlyLine);

/// <summary>What the text of a cell tells about how it must be compiled.</summary>
/// <param name="DeclaresNothing">It has statements and expressions only, so that no later cell can name anything of it.</param>
/// <param name="OnlyLine">
/// The line, from 1, on which all of its code stands. Debug information would say no more than that, and takes a tenth of a small cell's time; null where
/// it is needed: for several lines, and where the cell's own code may look at a stack trace.
/// </param>
internal readonly record struct CellShape(bool DeclaresNothing, int? OnlyLine)
{
    /// <summary>Of a cell as the user wrote it.</summary>
    public static CellShape Of(SyntaxTree tree)
    {
        if (tree.GetRoot() is not CompilationUnitSyntax { Usings.Count: 0, Externs.Count: 0, AttributeLists.Count: 0, Members: [_, ..] members } root
            || !members.All(member => member is GlobalStatementSyntax)
            || root.DescendantNodes().Any(Declares))
        {
            return default;
        }

        var span = tree.GetLineSpan(root.Span);
        var mayLook = root.DescendantNodes().Any(node => node is CatchClauseSyntax or AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax or QueryExpressionSyntax
            or IdentifierNameSyntax { Identifier.Text: "StackTrace" or "StackFrame" });
        return new CellShape(true, span.StartLinePosition.Line == span.EndLinePosition.Line && !mayLook && !root.ContainsDirectives ? span.StartLinePosition.Line + 1 : null);
    }

    // Variables of patterns, of out and of deconstructions are the cell's, as labels are.
    private static bool Declares(SyntaxNode node) => node is VariableDesignationSyntax or LabeledStatementSyntax;
}

/// <summary>A cell that compiled.</summary>
/// <param name="Compilation">What later cells build on.</param>
/// <param name="Assembly">The assembly's bytes.</param>
/// <param name="Symbols">Portable debug information; null where the cell's source tells as much.</param>
/// <param name="EntryPoint">The submission's factory method; null where the cell holds no code (only <c>using</c>s, say).</param>
/// <param name="DeclaresNothing">Nothing may build on it.</param>
/// <param name="Advice">The compiler's warnings that are worth a reader's time, a line each.</param>
internal sealed record CompiledCell(
    CSharpCompilation Compilation, MemoryStream Assembly, MemoryStream? Symbols, IMethodSymbol? EntryPoint, bool DeclaresNothing, IReadOnlyList<string> Advice)
{
    /// <summary>True where the cell ends with an expression, which then is its value, also where that is null.</summary>
    public bool GivesValue
        => Compilation.SyntaxTrees[0].GetRoot() is CompilationUnitSyntax { Members: [.., GlobalStatementSyntax { Statement: ExpressionStatementSyntax last }] }
            && last.SemicolonToken.IsMissing
            && Compilation.GetSemanticModel(last.SyntaxTree).GetTypeInfo(last.Expression).Type is not { SpecialType: SpecialType.System_Void };
}

/// <summary>
/// The compiler's warnings that a reader of a notebook wants: a call that is not awaited, a comparison that is always false, code that is never reached,
/// what is obsolete. Not those that are about a program as a whole or about order: in a notebook a variable may be unused until the next cell.
/// </summary>
internal static class CompileWarnings
{
    private const int Most = 5;

    private static readonly string[] HiddenIds =
    [
        // Unused or never assigned: a later cell may.
        "CS0067", "CS0168", "CS0169", "CS0219", "CS0414", "CS0649", "CS8321",
        // Async without await, hidden names, using twice, nullable notes without nullable.
        "CS0105", "CS0108", "CS0436", "CS1998", "CS8019", "CS8632", "CS8669",
        // Versions of assemblies, documentation, file-local and lower-case types.
        "CS1591", "CS1570", "CS1572", "CS1573", "CS1587", "CS1701", "CS1702", "CS1705", "CS7021", "CS7022", "CS8981",
    ];

    /// <summary>Those that the compiler need not look for.</summary>
    public static ImmutableDictionary<string, ReportDiagnostic> Hidden { get; } = HiddenIds.ToImmutableDictionary(id => id, _ => ReportDiagnostic.Suppress);

    /// <summary>A line for each: <c>(2,1): warning CS4014: …</c></summary>
    /// <param name="diagnostics">Of the cell as it was compiled.</param>
    /// <param name="source">The cell as the user wrote it.</param>
    /// <param name="edits">What was changed in it before it was compiled.</param>
    public static IReadOnlyList<string> Of(IEnumerable<Diagnostic> diagnostics, SourceText source, TextEdits edits)
        => [.. diagnostics.Where(diagnostic => diagnostic is { Severity: DiagnosticSeverity.Warning, IsSuppressed: false })
            .Select(diagnostic => CompileError.From(diagnostic, source, edits))
            .OrderBy(warning => warning.Position).Select(warning => warning.Line).Distinct().Take(Most)];
}
