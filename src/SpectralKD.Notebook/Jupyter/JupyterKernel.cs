using SpectralKD.Notebook.Jupyter.Wire;
using SpectralKD.Notebook.Session;
using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>
/// A Jupyter kernel: speaks the messaging protocol 5.3 (https://jupyter-client.readthedocs.io/en/latest/messaging.html) for a notebook
/// session, so that notebooks run in VS Code, JupyterLab, Jupyter Notebook, nbclient and papermill.
/// </summary>
public static class JupyterKernel
{
    private const int ThreadsAtOnce = 64;

    /// <summary>Serves clients until one of them shuts the kernel down, the program that started it is gone, or the token fires.</summary>
    /// <param name="connectionFile">The file in which Jupyter gives ports and key (<c>{connection_file}</c> in a kernelspec).</param>
    /// <param name="startSession">Starts the session that executes the cells; it gets what asks the user for input.</param>
    /// <param name="log">Hears about dropped messages and the like, one line each; null: standard error.</param>
    /// <param name="cancellationToken">Ends the kernel.</param>
    /// <exception cref="SpectralKDException">The connection file is unusable, or a port is taken.</exception>
    public static async Task RunAsync(
        string connectionFile,
        Func<Func<InputRequest, CancellationToken, Task<string?>>, INotebookSession> startSession,
        Action<string>? log = null,
        CancellationToken cancellationToken = default)
    {
        var connection = ConnectionFile.Read(connectionFile);
        MakeRoomBesideCells();
        var error = Console.Error;
        await using var kernel = new RunningKernel(connection, startSession, log ?? (line => error.WriteLine($"spectralkd kernel: {line}")));
        await kernel.ServeAsync(cancellationToken).ConfigureAwait(false);
    }

    // The pool gives a thread beyond the processors' number every half second only: a cell that starts thirty endless tasks would hold up its own interrupt.
    private static void MakeRoomBesideCells()
    {
        ThreadPool.GetMinThreads(out var workers, out var completionPorts);
        ThreadPool.SetMinThreads(Math.Max(workers, ThreadsAtOnce), completionPorts);
    }
}
