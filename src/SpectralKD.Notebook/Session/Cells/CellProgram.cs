using SpectralKD.Interactive.Magic;
using SpectralKD.Notebook.Session.Compiling;
using SpectralKD.Notebook.Session.Display;
using SpectralKD.Notebook.Session.Running;
using SpectralKD.Notebook.Session.Variables;

namespace SpectralKD.Notebook.Session.Cells;

/// <summary>Runs one cell, part by part.</summary>
internal sealed class CellProgram(CSharpSession session, CellCompiler compiler, CellRun run)
{
    /// <summary>Runs a cell's source.</summary>
    /// <param name="code">C# and magic lines.</param>
    /// <param name="name">What errors call it: <c>cell [3]</c> or a file.</param>
    public async Task RunAsync(string code, string name)
    {
        var parts = CellText.Split(code).ToArray();
        for (var i = 0; i < parts.Length; i++)
        {
            var value = parts[i].Kind == CellPartKind.Code
                ? await RunCodeAsync(parts[i].Text, name).ConfigureAwait(false)
                : await RunMagicAsync(parts[i].Text).ConfigureAwait(false);
            Show(value, isLast: i == parts.Length - 1);
        }
    }

    private async Task<object?> RunCodeAsync(string code, string name)
    {
        run.Manners = InterruptManners.Code;
        var compiled = compiler.Compile(code, name, run.Token);
        return await session.Submissions.RunAsync(compiled, run).ConfigureAwait(false);
    }

    private async Task<object?> RunMagicAsync(string line)
    {
        run.Manners = InterruptManners.Command;
        var host = new SessionHost(session, run);
        return await run.RunAsync(async () =>
        {
            await MagicLine.ExecuteAsync(line, host, run.Token).ConfigureAwait(false);
            return (object?)null;
        }).ConfigureAwait(false);
    }

    private void Show(object? value, bool isLast)
    {
        if (value is null)
        {
            return;
        }

        var bundle = MimeBundles.From(value);
        if (isLast)
        {
            run.Output.ExecuteResult(bundle);
        }
        else
        {
            run.Output.DisplayData(bundle, Guid.NewGuid().ToString("N"));
        }
    }
}
