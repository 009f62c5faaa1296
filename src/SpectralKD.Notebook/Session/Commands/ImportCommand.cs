namespace SpectralKD.Notebook.Session;

/// <summary><c>#!import file</c>: runs the code of another notebook or script.</summary>
internal sealed class ImportCommand : SessionCommand
{
    public override string Name => "#!import";

    public override string Description => "runs the cells of another notebook or script: #!import setup.ipynb (.ipynb, .dib, .cs, .csx)";

    public override Task RunAsync(string rest, CellProgram program)
    {
        var file = Unquote(rest);
        return Path.GetExtension(file).ToLowerInvariant() switch
        {
            ".ipynb" or ".dib" => RunNotebookAsync(program.FullPath(file), program),
            ".cs" or ".csx" => program.RunFileAsync(file),
            "" when file.Length == 0 => throw new SpectralKDException(
                "#!import needs a file: #!import setup.ipynb (.ipynb, .dib, .cs or .csx)"),
            var other => throw new SpectralKDException($"#!import takes .ipynb, .dib, .cs and .csx; found {other} in {file}"),
        };
    }

    private static async Task RunNotebookAsync(string path, CellProgram program)
    {
        var notebook = NotebookDocument.Load(path);
        foreach (var note in notebook.Notes)
        {
            program.Run.Output.Stream("stderr", $"warning: {path}: {note}\n");
        }
        var number = 0;
        foreach (var cell in notebook.Cells.Where(cell => cell.Kind == CellKind.Code))
        {
            number++;
            var name = $"{Path.GetFileName(path)} cell {number}";
            if (Languages.OtherKernel(CellLanguage.Of(cell, notebook)) is { } kernel)
            {
                await program.PassOver($"{kernel} ({name})", CellLanguages.NotHere(kernel)).ConfigureAwait(false);
                continue;
            }

            await program.RunNestedAsync(CellLanguage.Submission(cell, notebook), name, path).ConfigureAwait(false);
        }
    }
}
