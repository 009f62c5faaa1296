using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Runner;

namespace SpectralKD.Notebook.Tests.Running;

/// <summary>A temporary folder with one notebook in it, and what a run made of it.</summary>
internal sealed class RunFolder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-run-").FullName;

    public FakeSession Session { get; } = new();

    public string Notebook => Path.Combine(_folder, "lesson.ipynb");

    public string Output => Path.Combine(_folder, "out");

    public NotebookDocument Executed => NotebookDocument.Load(Path.Combine(Output, "lesson.ipynb"));

    public RunFolder With(params NotebookCell[] cells)
    {
        var notebook = NotebookDocument.Create();
        foreach (var cell in cells)
        {
            notebook.Insert(notebook.Cells.Count, cell);
        }
        notebook.Save(Notebook);
        return this;
    }

    public RunFolder WithCode(params string[] sources) => With([.. sources.Select(source => NotebookCell.Code(source))]);

    public TimeSpan StopPatience { get; set; } = new RunOptions().StopPatience;

    public Task<RunResult> RunAsync(CancellationToken cancellationToken = default, params string[] parameters) => NotebookRunner.RunAsync(
        Notebook,
        () => Session,
        new RunOptions { OutputFolder = Output, Parameters = [.. parameters.Select(NotebookParameter.Parse)], StopPatience = StopPatience },
        cancellationToken: cancellationToken);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
