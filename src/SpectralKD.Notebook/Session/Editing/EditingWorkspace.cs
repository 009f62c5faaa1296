using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Host.Mef;
using Microsoft.CodeAnalysis.Text;
using SpectralKD.Notebook.Session.Scripting;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// A Roslyn solution whose language services see what a new cell would see: one project with the cell, on top of what <see cref="MergedSubmissions"/> says.
/// Between requests only texts change, so that what was bound of the references stays.
/// </summary>
internal sealed class EditingWorkspace : IDisposable
{
    private static readonly CSharpParseOptions Parsing = CellCompiler.ParseOptions.WithDocumentationMode(DocumentationMode.Parse);
    private readonly AdhocWorkspace _workspace = new(MefHostServices.DefaultHost);
    private readonly MergedSubmissions _submissions = new();
    private CSharpCompilation? _last;
    private IReadOnlyList<string> _scripts = [];
    private HashSet<MetadataReference> _references = [];
    private Solution? _solution;
    private DocumentId[] _documents = [];

    /// <summary>A document with the cell's C#, on top of the submissions that ran. Positions are the cell's.</summary>
    /// <param name="code">The cell.</param>
    /// <param name="last">The newest submission.</param>
    /// <param name="added">The references that cells have added.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public async Task<Document> OpenAsync(
        string code, CSharpCompilation last, IReadOnlyList<MetadataReference> added, CancellationToken cancellationToken)
    {
        if (_last != last)
        {
            _scripts = _submissions.Scripts(last);
            _last = last;
        }

        string[] texts = [.. _scripts, CellText.WithoutMagic(code)];
        var references = HostReferences.Common.Concat(added).Concat(HostReferences.Others).ToHashSet();
        var solution = _solution is { } known && texts.Length == _documents.Length && references.SetEquals(_references)
            ? WithTexts(known, texts)
            : Create(texts, references);
        _solution = solution;
        var document = solution.GetDocument(_documents[^1])!;
        // It binds the references of the cell and of the submissions before it.
        await CellCompiler.BindAsync(() => document.Project.GetCompilationAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        return document;
    }

    /// <inheritdoc />
    public void Dispose() => _workspace.Dispose();

    private Solution WithTexts(Solution solution, string[] texts)
    {
        foreach (var (id, text) in _documents.Zip(texts))
        {
            if (!solution.GetDocument(id)!.TryGetText(out var known) || known.ToString() != text)
            {
                solution = solution.WithDocumentText(id, SourceText.From(text));
            }
        }

        return solution;
    }

    private Solution Create(string[] texts, HashSet<MetadataReference> references)
    {
        var solution = _workspace.CurrentSolution;
        var documents = new List<DocumentId>();
        foreach (var text in texts)
        {
            var project = Describe(text, documents.Count == 0 ? null : documents[^1].ProjectId, references);
            solution = solution.AddProject(project);
            documents.Add(project.Documents[0].Id);
        }

        _references = references;
        _documents = [.. documents];
        return solution;
    }

    private static ProjectInfo Describe(string text, ProjectId? previous, IEnumerable<MetadataReference> references)
    {
        const string Name = "cell";
        var id = ProjectId.CreateNewId(Name);
        var document = DocumentInfo.Create(
            DocumentId.CreateNewId(id),
            Name,
            sourceCodeKind: SourceCodeKind.Script,
            loader: TextLoader.From(TextAndVersion.Create(SourceText.From(text), VersionStamp.Default)));
        return ProjectInfo.Create(
            id,
            VersionStamp.Default,
            Name,
            Name + Guid.NewGuid().ToString("N"),
            LanguageNames.CSharp,
            compilationOptions: CellCompiler.CompilationOptions,
            parseOptions: Parsing,
            documents: [document],
            projectReferences: previous is null ? [] : [new ProjectReference(previous)],
            metadataReferences: references,
            isSubmission: true,
            hostObjectType: typeof(CellGlobals));
    }
}
