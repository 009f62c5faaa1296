using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Transport;
using SpectralKD.Notebook.Jupyter.Wire;
using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Jupyter.Execution;

/// <summary>Asks the client whose cell runs for a line of text (<c>input_request</c> on stdin), and waits for its answer or an interrupt.</summary>
internal sealed class InputChannel
{
    private readonly MessageChannel _stdin;
    private readonly MessageWriter _writer;
    private readonly RunningCell _running;
    private TaskCompletionSource<string>? _answer;

    public InputChannel(MessageChannel stdin, MessageWriter writer, RunningCell running)
    {
        _stdin = stdin;
        _writer = writer;
        _running = running;
        stdin.Received = Answer;
    }

    public async Task<string?> AskAsync(InputRequest request, CancellationToken cancellationToken)
    {
        var cell = _running.Latest;
        if (cell is null || !cell.Flag("allow_stdin", otherwise: true))
        {
            throw new SpectralKDException("this cell asks for input, but the program that runs the notebook takes none: give the value as a parameter");
        }
        var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _answer, answer)?.TrySetCanceled(CancellationToken.None);
        var content = new JsonObject { ["prompt"] = request.Prompt, ["password"] = request.IsPassword };
        _stdin.Send(_writer.Reply(cell, "input_request", content));
        return await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    // An answer to a question that was given up (or never asked) is dropped.
    private void Answer(JupyterMessage message)
    {
        if (message.Type == "input_reply")
        {
            var value = message.Text("value");
            Interlocked.Exchange(ref _answer, null)?.TrySetResult(value);
        }
    }
}
