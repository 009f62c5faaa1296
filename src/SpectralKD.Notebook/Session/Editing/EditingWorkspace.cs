using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Host.Mef;
using Microsoft.CodeAnalysis.Text;
using SpectralKD.Notebook.Session.Cells;
using SpectralKD.Notebook.Session.Compiling;
using SpectralKD.Notebook.Session.Scripting;

namespace SpectralKD.Notebook.Session.Editing;

/// <summary>The session's submissions as a Roslyn solution, so that its language services see what a new cell would see.</summary>
internal sealed class EditingWorkspace : IDisposable
{
    private static readonly CSharpParseOptions s_parseOptions = CellCompiler.ParseOptions.WithDocumentationMode(DocumentationMode.Parse);
    private readonly AdhocWorkspace _workspace = new(MefHostServices.DefaultHost);
    private readonly Dictionary<CSharpCompilation, ProjectId> _projects = [];

    /// <summary>A document with the cell's C#, on top of the submissions that ran. Positions are the cell's.</summary>
    /// <param name="code">The cell.</param>
    /// <param name="last">The newest submission.</param>
    /// <param name="added">The references that cells have added.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<Document> OpenAsync(
        string code, CSharpCompilation last, IReadOnlyList<MetadataReference> added, CancellationToken cancellationToken)
    {
        var previous = ProjectOf(last);
        var project = Describe("cell", CellText.WithoutMagic(code), previous, last.References.Concat(added));
        var solution = _workspace.CurrentSolution.AddProject(project);
        var document = solution.GetDocument(project.Documents[0].Id)!;
        // It binds the references of the cell and of the submissions before it.
        await CellCompiler.BindAsync(() => document.Project.GetCompilationAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        return document;
    }

    /// <inheritdoc />
    public void Dispose() => _workspace.Dispose();

    /// <summary>The project of a submission; those that it builds on are added before it.</summary>
    private ProjectId ProjectOf(CSharpCompilation submission)
    {
        var missing = new Stack<CSharpCompilation>();
        for (var current = submission; current is not null && !_projects.ContainsKey(current);)
        {
            missing.Push(current);
            current = current.ScriptCompilationInfo!.PreviousScriptCompilation;
        }

        foreach (var current in missing)
        {
            var before = current.ScriptCompilationInfo!.PreviousScriptCompilation;
            var text = string.Concat(current.SyntaxTrees.Select(tree => tree.ToString()));
            var info = Describe(current.AssemblyName!, text, before is null ? null : _projects[before], current.References);
            _workspace.AddProject(info);
            _projects[current] = info.Id;
        }

        return _projects[submission];
    }

    private static ProjectInfo Describe(string name, string text, ProjectId? previous, IEnumerable<MetadataReference> references)
    {
        var id = ProjectId.CreateNewId(name);
        var source = SourceText.From(text);
        var document = DocumentInfo.Create(
            DocumentId.CreateNewId(id),
            name,
            sourceCodeKind: SourceCodeKind.Script,
            loader: TextLoader.From(TextAndVersion.Create(source, VersionStamp.Default)));
        return ProjectInfo.Create(
            id,
            VersionStamp.Default,
            name,
            name,
            LanguageNames.CSharp,
            compilationOptions: CellCompiler.CompilationOptions,
            parseOptions: s_parseOptions,
            documents: [document],
            projectReferences: previous is null ? [] : [new ProjectReference(previous)],
            metadataReferences: references.Where(reference => reference is not CompilationReference).Concat(HostReferences.Others).Distinct(),
            isSubmission: true,
            hostObjectType: typeof(CellGlobals));
    }
}
