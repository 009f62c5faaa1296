using System.CommandLine;
using SpectralKD.Interactive;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd compare</c>: students, methods and seeds side by side.</summary>
internal static class CompareVerb
{
    public static Command Create()
    {
        var file = new Argument<string>("comparison") { Description = $"A comparison.json, one of {string.Join(", ", ComparisonLibrary.Names)}, or with --sweep a recipe" };
        file.ReadBy(one => _ = !ModelOptions.IsName(one) || RecipeLibrary.Names.Contains(one) ? null : Comparison.Load(one));
        var output = new Option<string?>("--out") { Description = "Folder of the runs and the results; the same command goes on after a stop [runs/ and the comparison's name]" };
        var seeds = new Option<int?>("--seeds") { Description = "Number of seeds, from 0 [the comparison's]" }.AtLeastOne();
        var budget = new Option<double?>("--budget") { Description = "Seconds of training of each run, instead of equal epochs: epochs follow from each method's measured step [the comparison's]" };
        var jobs = new Option<int?>("--jobs") { Description = "Runs at the same time, each in a process of its own [1; with --to slurm no limit]" }.AtLeastOne();
        var sweep = new Option<ComparisonSweep>("--sweep") { Description = "layers: each layer pair alone, every strategy, thresholds and random pairs" }.AcceptOnlyFromAmong("none", "layers");
        var to = new Option<string?>("--to") { Description = "Train nothing, but write the runs out: commands, one a line, or slurm, an array script; gather them afterwards" }.AcceptOnlyFromAmong("commands", "slurm");
        var gpus = new Option<int?>("--gpus") { Description = "GPUs of a task of --to slurm, 0 or 1 [0 where the recipe's device is cpu, else 1]" };
        var time = new Option<string>("--time") { Description = "Time limit of a task of --to slurm", DefaultValueFactory = _ => "24:00:00" };
        var command = new Command("compare", "Trains students by several methods and seeds, and tells the differences with their intervals")
        {
            file, output, seeds, budget, jobs, sweep, to, gpus, time, Gather(), Run(),
        }.PrintsResults();
        command.SetAction(async (result, cancel) =>
        {
            var console = result.InvocationConfiguration;
            var name = result.GetRequiredValue(file);
            var folder = result.GetValue(output) ?? ComparisonSetup.FolderFor(name);
            var comparison = await ComparisonSetup.OpenAsync(name, result.GetValue(sweep), folder, result.GetValue(seeds), result.GetValue(budget), cancel);
            var progress = new ComparisonLine(console.Error);
            if (result.GetValue(to) is { } form)
            {
                var runs = new ComparisonRunner(comparison, folder, progress).Prepare();
                var script = form == "commands" ? ComparisonScripts.Commands(runs, folder)
                    : ComparisonScripts.Slurm(runs, folder, result.GetValue(jobs), result.GetValue(gpus) ?? (runs[0].Recipe.Device == "cpu" ? 0 : 1), result.GetValue(time)!);
                result.Print(() => script.TrimEnd('\n'), () => new { Runs = runs.Count, Folder = folder, Script = script });
                await console.Error.WriteLineAsync($"note: {runs.Count} runs; when they are done: spectralkd compare gather {folder}");
                return 0;
            }

            var ended = await comparison.RunAsync(folder, result.GetValue(jobs) ?? 1, progress, cancel);
            await ShowAsync(ended, result);
            if (cancel.IsCancellationRequested && !ended.Finished)
            {
                await console.Error.WriteLineAsync($"spectralkd: stopped with {ended.Missing.Count} runs to go; the same command goes on");
                return CommandLine.Stopped;
            }

            return ended.Failures.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static Command Gather()
    {
        var folder = new Argument<string>("folder") { Description = "The comparison's folder" };
        var command = new Command("gather", "Reads the finished runs of a comparison, whoever trained them, and writes the tables and charts") { folder }.PrintsResults();
        command.SetAction(async (result, _) =>
        {
            var gathered = ComparisonResult.Gather(result.GetRequiredValue(folder));
            gathered.Save(gathered.Folder);
            await ShowAsync(gathered, result);
            return 0;
        });
        return command;
    }

    private static Command Run()
    {
        var folder = new Argument<string>("folder") { Description = "The comparison's folder" };
        var run = new Argument<string>("run") { Description = "The run's name, such as soft/seed-0, or its number from 1" };
        var command = new Command("run", "Trains one run of a comparison, or goes on with it: what --to writes out") { folder, run }.PrintsResults();
        command.SetAction(async (result, cancel) =>
        {
            var console = result.InvocationConfiguration;
            var trained = await ComparisonRunner.RunOneAsync(result.GetRequiredValue(folder), result.GetRequiredValue(run), new TrainingLine(console.Error), cancel);
            result.Print(() => new RunView(trained).ToPlainText(), () => DistillVerb.Figures(trained));
            return trained.Finished ? 0 : CommandLine.Stopped;
        });
        return command;
    }

    private static async Task ShowAsync(ComparisonResult comparison, ParseResult result)
    {
        foreach (var (name, chart) in ComparisonSetup.Charts(comparison))
        {
            AtomicFile.WriteText(Path.Combine(comparison.Folder, name + ".html"), ChartHtml.Page(name, chart));
        }

        var layers = LayerSweep.Single(comparison).Count > 0 ? LayerSweep.Table(comparison) : null;
        layers?.SaveTable(Path.Combine(comparison.Folder, "layers.csv"));
        var study = layers is null ? null : ComparisonSetup.Study(layers);
        study?.ToDataFrame().SaveTable(Path.Combine(comparison.Folder, "layer-study.csv"));
        result.Print(
            () => string.Join(Environment.NewLine, new[] { new ComparisonView(comparison).ToPlainText(), Table(layers), Table(study?.ToDataFrame()), study?.Verdict }.OfType<string>()),
            () => new
            {
                comparison.Folder,
                comparison.Finished,
                comparison.Missing,
                comparison.Failures,
                comparison.Notes,
                Methods = Results.Rows(comparison.ToDataFrame()),
                Layers = layers is null ? null : Results.Rows(layers),
                Predictors = study is null ? null : Results.Rows(study.ToDataFrame()),
                study?.Verdict,
            });
        await result.InvocationConfiguration.Error.WriteLineAsync($"tables and charts: {comparison.Folder}");

        static string? Table(Microsoft.Data.Analysis.DataFrame? table) => table is null ? null : new DataFrameView(table, int.MaxValue).ToPlainText();
    }
}

/// <summary>Progress of a comparison: a line for each run and note, and where the run stands, rewritten in place on a terminal, elsewhere every ten seconds.</summary>
internal sealed class ComparisonLine(TextWriter error) : IProgress<ComparisonProgress>
{
    private readonly HashSet<string> _warned = [];
    private DateTime _last = DateTime.UtcNow;
    private double? _top1;

    public void Report(ComparisonProgress value)
    {
        lock (_warned)
        {
            if (value.Note is { } note)
            {
                error.WriteLine(value.Run.Length == 0 ? $"note: {note}" : $"{value.Run}: {note}");
            }
            else if (value.Training is not { } training)
            {
                error.WriteLine(FormattableString.Invariant($"{(ErrorTerminal.Rewrites ? "\r" : "")}[{value.Done}/{value.Total}] {value.Run}{(_top1 is { } top1 ? $": top-1 {top1:0.0} %" : "")}                              "));
                _top1 = null;
            }
            else
            {
                Tell(value, training);
            }
        }
    }

    private void Tell(ComparisonProgress value, TrainingProgress training)
    {
        _top1 = training.Metrics?.Top1 ?? _top1;
        if (training.Warning is { } warning && _warned.Add(warning))
        {
            error.WriteLine($"warning: {value.Run}: {warning}");
        }

        if (training.Phase == TrainingPhase.Training && DateTime.UtcNow - _last > ErrorTerminal.Interval)
        {
            _last = DateTime.UtcNow;
            error.Write(ErrorTerminal.Progress($"[{value.Done}/{value.Total}] {value.Run}, {TrainingLine.Words(training)} of this run"));
        }
    }
}
