using SpectralKD.Distillation;
using SpectralKD.Interactive.Charting;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-runs</c>.</summary>
public sealed class RunsArguments
{
    /// <summary>Run folders, logs, or entropy tables.</summary>
    [MagicParameter("run folders, log.txt files or entropy CSVs, separated by commas", Implicit = true, Required = true, Value = MagicValue.Path)]
    public IReadOnlyList<string> Paths { get; set; } = [];

    /// <summary>Column to draw.</summary>
    [MagicParameter("column of the logs to draw: test_acc1, train_loss, train_loss_fft, train_lr, …")]
    public string Metric { get; set; } = "test_acc1";

    /// <summary>Variable for the logs.</summary>
    [MagicParameter("C# variable for the logs", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "runs";
}

/// <summary>Loads training logs, ours or the reference's, and draws them.</summary>
public sealed class RunsCommand : MagicCommand<RunsArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-runs";

    /// <inheritdoc/>
    public override string Description => "loads runs (ours, the reference's log.txt, entropy CSVs) as tables and curves";

    /// <inheritdoc/>
    public override string Example => "#!spectral-runs runs/first,runs/second --metric train_loss";

    /// <inheritdoc/>
    protected override async Task RunAsync(RunsArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        IReadOnlyList<RunLog> runs = [.. arguments.Paths.Select(RunLog.Load)];
        await host.SetVariableAsync(arguments.As, runs, typeof(IReadOnlyList<RunLog>));
        if (runs.Count == 1)
        {
            host.Display(runs[0].Table);
        }

        host.Display(runs[0].Kind == RunLogKind.Entropy ? Charts.EntropyHeatmap(runs) : Charts.Runs(runs, arguments.Metric));
    }
}
