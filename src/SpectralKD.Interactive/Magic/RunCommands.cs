namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-dynamics</c>.</summary>
internal sealed class DynamicsArguments
{
    [MagicParameter("variable that holds the teacher's spectrum; needed with --before and --after", Value = MagicValue.SpectrumVariable)]
    public string? Teacher { get; set; }

    [MagicParameter("variable that holds the student's spectrum before training", Value = MagicValue.SpectrumVariable)]
    public string? Before { get; set; }

    [MagicParameter("variable that holds the student's spectrum after training", Value = MagicValue.SpectrumVariable)]
    public string? After { get; set; }

    [MagicParameter("in place of --before and --after: a folder of any training's checkpoints, a run's folder with its spectra, or a folder of published logs and entropy CSVs", Value = MagicValue.Path)]
    public string? Checkpoints { get; set; }

    [MagicParameter("timm name of what the checkpoints are of", Value = MagicValue.ModelName)]
    public string? Model { get; set; }

    [MagicParameter("variable that holds the images for the checkpoints", Value = MagicValue.ImagesVariable)]
    public string Images { get; set; } = "images";

    [MagicParameter("heatmaps of the checkpoints: spectrum (its own figures), all (those of #!spectral-report too), or names separated by commas")]
    public IReadOnlyList<string> Figures { get; set; } = ["spectrum"];

    [MagicParameter("folder that keeps each checkpoint's spectrum, so that a stopped command goes on", Value = MagicValue.Path)]
    public string? Out { get; set; }

    [MagicParameter("C# variable for the comparison, or for the spectra of the checkpoints", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "dynamics";
}

/// <summary>Compares a student's spectra before and after training with its teacher's, or shows the spectra of all checkpoints of a training.</summary>
internal sealed class DynamicsCommand : MagicCommand<DynamicsArguments>
{
    public override string Name => "#!spectral-dynamics";

    public override string Description => "spectra over a training: a student before and after against its teacher, or every checkpoint of a folder";

    public override string Example => "#!spectral-dynamics --teacher teacherSpectrum --before before --after after";

    protected override Task RunAsync(DynamicsArguments arguments, INotebookHost host, CancellationToken cancellationToken) => arguments switch
    {
        { Checkpoints: { } folder, Before: null, After: null } => OverCheckpointsAsync(arguments, folder, host, cancellationToken),
        { Checkpoints: null, Teacher: { } teacher, Before: { } before, After: { } after } => BeforeAndAfterAsync(arguments, host.Spectrum(teacher), host.Spectrum(before), host.Spectrum(after), host),
        _ => throw new SpectralKDException("#!spectral-dynamics compares --teacher, --before and --after, or reads --checkpoints FOLDER (with --model NAME and --images, and --teacher if there is one): give the one or the other"),
    };

    private static async Task BeforeAndAfterAsync(DynamicsArguments arguments, ModelSpectrum teacher, ModelSpectrum before, ModelSpectrum after, INotebookHost host)
    {
        var dynamics = DistillationDynamics.Of(teacher, before, after);
        await host.SetVariableAsync(arguments.As, dynamics, typeof(DistillationDynamics));
        host.Display(Charts.Dynamics(teacher, before, after));
        if (dynamics.Distances.Any(entry => entry.Distance is not null))
        {
            host.Display(Charts.LayerDistances(dynamics));
        }

        host.Display(dynamics.ToDataFrame());
    }

    private static async Task OverCheckpointsAsync(DynamicsArguments arguments, string folder, INotebookHost host, CancellationToken cancellationToken)
    {
        var teacher = arguments.Teacher is { } name ? host.Spectrum(name) : null;
        if (arguments.Model is null && !TrainingSpectra.HasSpectra(folder) && RunLog.LoadFolders(folder) is { Logs.Count: > 0 } published)
        {
            await ShowLogsAsync(arguments.As, published.Logs, published.LeftOut, host);
            return;
        }

        var report = TrainingSpectra.NeedReport(arguments.Figures);
        TrainingSpectra training;
        if (arguments.Model is { } model)
        {
            var display = new ProgressDisplay(host, $"checkpoints of {folder}", "checkpoints");
            var images = host.Images(arguments.Images);
            training = await Task.Run(() => TrainingSpectra.AnalyseAsync(model, folder, images, keep: arguments.Out, report: report, progress: new Reporter(display), cancellation: cancellationToken), cancellationToken);
        }
        else
        {
            training = TrainingSpectra.HasSpectra(folder)
                ? TrainingSpectra.Load(folder)
                : throw new SpectralKDException($"{folder} holds no spectra and no logs, but maybe checkpoints: say what they are of with --model NAME, and over which images with --images");
            teacher ??= TrainingSpectra.TeacherIn(folder);
        }

        await host.SetVariableAsync(arguments.As, training, typeof(TrainingSpectra));
        await host.SetVariableAsync(arguments.As + "Table", training.ToDataFrame(), typeof(Microsoft.Data.Analysis.DataFrame));
        if (training.Notes.Count > 0)
        {
            host.Display(new MessageView(folder, training.Notes));
        }

        if (!training.Spectra[0].Skipped.IsEmpty)
        {
            host.Display(MessageView.Skipped(training.Spectra[0].Skipped));
        }

        foreach (var chart in TrainingCharts.All(training, teacher, arguments.Figures))
        {
            host.Display(chart);
        }
    }

    private static async Task ShowLogsAsync(string name, IReadOnlyList<RunLog> runs, IReadOnlyList<string> leftOut, INotebookHost host)
    {
        await host.SetVariableAsync(name, runs, typeof(IReadOnlyList<RunLog>));
        if (leftOut.Count > 0)
        {
            host.Display(new MessageView("left out:", leftOut));
        }

        foreach (var chart in TrainingCharts.All(runs))
        {
            host.Display(chart);
        }
    }

    private sealed class Reporter(ProgressDisplay display) : IProgress<TrainingSpectraProgress>
    {
        public void Report(TrainingSpectraProgress value) => display.Report(value.Done, value.Total);
    }
}

/// <summary>Parameters of <c>#!spectral-runs</c>.</summary>
internal sealed class RunsArguments
{
    [MagicParameter("run folders, log.txt files, entropy CSVs, or folders of them, separated by commas", Implicit = true, Required = true, Value = MagicValue.Path)]
    public IReadOnlyList<string> Paths { get; set; } = [];

    [MagicParameter("column of the logs to draw: test_acc1, train_loss, train_loss_fft, train_lr, …")]
    public string Metric { get; set; } = "test_acc1";

    [MagicParameter("C# variable for the logs", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "runs";
}

/// <summary>Loads training logs, ours or the reference's, and draws them.</summary>
internal sealed class RunsCommand : MagicCommand<RunsArguments>
{
    public override string Name => "#!spectral-runs";

    public override string Description => "loads runs (ours, the reference's log.txt, entropy CSVs) as tables and curves";

    public override string Example => "#!spectral-runs runs/first,runs/second --metric train_loss";

    protected override async Task RunAsync(RunsArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var found = arguments.Paths.Select(RunLog.LoadAll).ToList();
        IReadOnlyList<RunLog> runs = [.. found.SelectMany(path => path.Logs)];
        await host.SetVariableAsync(arguments.As, runs, typeof(IReadOnlyList<RunLog>));
        if (runs.Count == 1)
        {
            host.Display(runs[0].Table);
        }

        if (found.SelectMany(path => path.LeftOut).ToList() is { Count: > 0 } leftOut)
        {
            host.Display(new MessageView($"{leftOut.Count} file{(leftOut.Count == 1 ? "" : "s")} beside the logs {(leftOut.Count == 1 ? "was" : "were")} left out:", leftOut));
        }

        foreach (var kind in runs.GroupBy(log => log.Kind))
        {
            host.Display(kind.Key == RunLogKind.Entropy ? Charts.EntropyHeatmap([.. kind]) : Charts.Runs([.. kind], arguments.Metric));
        }
    }
}

/// <summary>Parameters of <c>#!spectral-save</c>.</summary>
internal sealed class SaveArguments
{
    [MagicParameter(
        "variables, separated by commas: a spectrum, table, layer pairs, run, dynamics, chart, images or model", Implicit = true, Required = true, Value = MagicValue.AnyVariable)]
    public IReadOnlyList<string> Variable { get; set; } = [];

    [MagicParameter("a file for each, a * stands for the variable's name; its ending decides. A spectrum takes .json, .csv, .arrow, .parquet and a chart's endings; a table, layer pairs, a run .csv, .arrow, .parquet; a comparison, dynamics those and a chart's; a chart .html, .json, .svg, .png, .pdf; images .png; a model .safetensors, or a folder/", Required = true, Value = MagicValue.Path)]
    public IReadOnlyList<string> To { get; set; } = [];

    [MagicParameter("charts: width on paper, such as 85mm for a column, with words 7 points high (900 pixels)")]
    public string? Width { get; set; }
}

/// <summary>Saves variables in the format that the file's ending names.</summary>
internal sealed class SaveCommand : MagicCommand<SaveArguments>
{
    public override string Name => "#!spectral-save";

    public override string Description => "saves variables as .csv, .arrow, .parquet, .json, .html, .svg, .png, .pdf or .safetensors, a model as a folder/ for timm too; --width 85mm for print";

    public override string Example => "#!spectral-save spectrum --to u-curve.svg";

    protected override async Task RunAsync(SaveArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var files = Files(arguments);
        var values = files.Select(file => (Value: host.Anything(file.Variable), file.Path)).ToList();
        await Task.Run(() => SavedFile.SaveAll(values, arguments.Width), cancellationToken);
        foreach (var (variable, path) in files)
        {
            host.Display(new MessageView($"saved {variable} to {Path.GetFullPath(path)}"));
        }
    }

    /// <summary>Every variable with its file: one path each, or the same variable into several, or a path with a star for all.</summary>
    private static List<(string Variable, string Path)> Files(SaveArguments arguments)
    {
        var (variables, paths) = (arguments.Variable, arguments.To);
        if (paths.All(path => path.Contains('*', StringComparison.Ordinal)))
        {
            return [.. variables.SelectMany(_ => paths, (variable, path) => (variable, path.Replace("*", variable.TrimStart('@'), StringComparison.Ordinal)))];
        }

        return variables.Count == paths.Count ? [.. variables.Zip(paths)] : variables.Count == 1 ? [.. paths.Select(path => (variables[0], path))] : throw new SpectralKDException(
            $"--to takes a file for each variable, found {PlainText.Count(paths.Count, "file")} for {PlainText.Count(variables.Count, "variable")}: name as many, or one with a *, such as figures/*.pdf");
    }
}
