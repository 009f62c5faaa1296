namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-compare</c>.</summary>
internal sealed class CompareArguments
{
    [MagicParameter("comparison.json, a built-in comparison (textures-small, …), or with --sweep a recipe", Implicit = true, Required = true, Value = MagicValue.Path)]
    public string Comparison { get; set; } = "";

    [MagicParameter("folder of the runs and the results (runs/ and the comparison's name); the same line goes on after a stop", Value = MagicValue.Path)]
    public string? Out { get; set; }

    [MagicParameter("number of seeds, from 0 (the comparison's)")]
    public int? Seeds { get; set; }

    [MagicParameter("seconds of training of each run, instead of equal epochs (the comparison's)")]
    public double? Budget { get; set; }

    [MagicParameter("runs at the same time, each in a process of its own")]
    public int Jobs { get; set; } = 1;

    [MagicParameter("layers: each layer pair alone, every strategy, thresholds and random pairs of the recipe")]
    public ComparisonSweep Sweep { get; set; }

    [MagicParameter("only read what is finished in the folder, and train nothing")]
    public bool Gather { get; set; }

    [MagicParameter("C# variable for the result; its table goes into <as>Table", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "comparison";
}

/// <summary>Compares methods over seeds: trains what is missing, shows the table and the charts.</summary>
internal sealed class CompareCommand : MagicCommand<CompareArguments>
{
    public override string Name => "#!spectral-compare";

    public override string Description => "trains students by several methods and seeds, side by side: differences with intervals, time to accuracy, charts";

    public override string Example => "#!spectral-compare textures-small --seeds 2 --out runs/textures-small";

    protected override async Task RunAsync(CompareArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var folder = arguments.Out ?? ComparisonSetup.FolderFor(arguments.Comparison);
        ComparisonResult result;
        if (arguments.Gather)
        {
            result = ComparisonResult.Gather(folder);
        }
        else
        {
            var comparison = await ComparisonSetup.OpenAsync(arguments.Comparison, arguments.Sweep, folder, arguments.Seeds, arguments.Budget, cancellationToken);
            result = await comparison.RunAsync(folder, arguments.Jobs, new ComparisonDisplay(host, comparison.Note ?? arguments.Comparison), cancellationToken);
        }

        await host.SetVariableAsync(arguments.As, result, typeof(ComparisonResult));
        await host.SetVariableAsync(arguments.As + "Table", result.ToDataFrame(), typeof(Microsoft.Data.Analysis.DataFrame));
        host.Display(new ComparisonView(result));
        ComparisonSetup.Charts(result).ToList().ForEach(chart => host.Display(chart.Chart));
    }
}

/// <summary>Shows a running comparison in place, at most once a second.</summary>
internal sealed class ComparisonDisplay(INotebookHost host, string title) : IProgress<ComparisonProgress>
{
    private readonly System.Diagnostics.Stopwatch _sinceShown = System.Diagnostics.Stopwatch.StartNew();
    private readonly object _gate = new();
    private readonly List<string> _notes = [];
    private readonly List<(string Run, double? Top1)> _done = [];
    private IDisplayedValue? _displayed;
    private double? _top1;

    public void Report(ComparisonProgress value)
    {
        lock (_gate)
        {
            _top1 = value.Training?.Metrics?.Top1 ?? _top1;
            if (value.Note is { } note)
            {
                _notes.Add(value.Run.Length == 0 ? note : $"{value.Run}: {note}");
            }
            else if (value.Training is null)
            {
                _done.Add((value.Run, _top1));
            }

            if (_displayed is not null && value.Training is not null && _sinceShown.Elapsed < TimeSpan.FromSeconds(1))
            {
                return;
            }

            _sinceShown.Restart();
            var view = new ComparisonProgressView(title, value, [.. _notes.TakeLast(8)], [.. _done]);
            if (_displayed is null)
            {
                _displayed = host.Display(view);
            }
            else
            {
                _displayed.Update(view);
            }
        }
    }
}
