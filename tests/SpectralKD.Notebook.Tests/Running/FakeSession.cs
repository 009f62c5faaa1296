using System.Text.Json.Nodes;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Running;

/// <summary>A session whose cells are little scripts for the tests: each line is one thing that a cell can do.</summary>
internal sealed class FakeSession : INotebookSession
{
    public List<string> Executed { get; } = [];

    public bool IsDisposed { get; private set; }

    public Action<string>? OnExecute { get; set; }

    /// <summary>What a stopped cell still does before it ends.</summary>
    public Func<Task>? OnInterrupt { get; set; }

    public static MimeBundle Plain(string text) => new(new Dictionary<string, JsonNode> { ["text/plain"] = text });

    public async Task<CellResult> ExecuteAsync(string code, ICellOutput output, CancellationToken cancellationToken = default)
    {
        Executed.Add(code);
        OnExecute?.Invoke(code);
        foreach (var line in code.Split('\n'))
        {
            var words = line.Split(' ', 3);
            switch (words[0])
            {
                case "print":
                    output.Stream("stdout", line["print ".Length..] + "\n");
                    break;
                case "warn":
                    output.Stream("stderr", line["warn ".Length..] + "\n");
                    break;
                case "show":
                    output.DisplayData(Plain(words[2]), words[1]);
                    break;
                case "update":
                    output.UpdateDisplayData(Plain(words[2]), words[1]);
                    break;
                case "clear":
                    output.ClearOutput(wait: false);
                    break;
                case "clear-later":
                    output.ClearOutput(wait: true);
                    break;
                case "result":
                    output.ExecuteResult(Plain(line["result ".Length..]));
                    break;
                case "fail":
                    return new CellResult(new CellError("InvalidOperationException", line["fail ".Length..], ["at cell 1, line 1"]));
                case "throw":
                    throw new InvalidOperationException("the session itself broke");
                case "wait":
                    try
                    {
                        await Task.Delay(Timeout.Infinite, cancellationToken);
                    }
                    catch (OperationCanceledException)
                    {
                        await (OnInterrupt?.Invoke() ?? Task.CompletedTask);
                        return new CellResult(new CellError("Interrupted", "the cell was interrupted", []));
                    }
                    break;
            }
        }
        return new CellResult(null);
    }

    public Task<Completions> CompleteAsync(string code, int position, CancellationToken cancellationToken = default)
        => Task.FromResult(new Completions(0, position, [new CompletionProposal("Console", "class", "System.Console")]));

    public Task<MimeBundle?> InspectAsync(string code, int position, CancellationToken cancellationToken = default)
        => Task.FromResult(code.Length == 0 ? null : Plain("about " + code));

    public CodeCompleteness IsComplete(string code)
        => code.EndsWith('{') ? new CodeCompleteness("incomplete", "    ") : new CodeCompleteness("complete");

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return ValueTask.CompletedTask;
    }
}
