using System.CommandLine;
using SpectralKD.Interactive;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd dynamics</c>: the spectra of every checkpoint of a training, whoever trained, or the logs and entropies that somebody published of one.</summary>
internal static class DynamicsVerb
{
    public static Command Create()
    {
        var folder = new Argument<string>("folder") { Description = "Checkpoints of any training (.safetensors, .pth, a folder each), a run's folder with its spectra, or the authors' logs and entropy CSVs (a folder of them, or of their folders)" };
        var model = new Option<string?>("--model") { Description = "timm name of what the checkpoints are of; not needed for a run's own spectra" };
        var (images, count) = (ModelOptions.Images(), ModelOptions.Count());
        (images.Required, images.DefaultValueFactory) = (false, _ => Textures.SourceName);
        var teacher = new Option<string?>("--teacher") { Description = "spectrum.json of a teacher over the same images: adds the distances to it [the run's own]" };
        var (domain, device) = (ModelOptions.Domain(), ModelOptions.Device());
        var figures = new Option<string>("--figures")
        {
            Description = "Heatmaps to draw: spectrum (its own figures), all (those of report too: ranks, kappa, outliers, nulls, …), or names by commas",
            DefaultValueFactory = _ => "spectrum",
            HelpName = "FIGURES",
        };
        figures.CompletionSources.Add(["spectrum", "all", .. SpectralReport.Figures]);
        var classes = new Option<int?>("--classes") { Description = "Classes of the checkpoints' head [the model's own]" };
        var output = ModelOptions.Folder("Folder for dynamics.csv, dynamics.html and spectra/; the same command goes on after a stop");
        var command = new Command("dynamics", "Takes the spectra of every checkpoint of a training, or reads published logs: heatmaps of depth and time, a slider, distances to a teacher")
        {
            folder, model, images, count, teacher, domain, figures, classes, device, output,
        }.PrintsResults();
        command.SetAction(async (result, cancel) =>
        {
            var (console, place, target) = (result.InvocationConfiguration, result.GetRequiredValue(folder), result.GetRequiredValue(output));
            var other = result.GetValue(teacher) is { } file ? ModelSpectrum.Load(file) : null;
            var wanted = result.GetRequiredValue(figures).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var report = TrainingSpectra.NeedReport(wanted);
            TrainingSpectra training;
            if (result.GetValue(model) is null && !TrainingSpectra.HasSpectra(place) && RunLog.LoadFolders(place) is { Logs.Count: > 0 } published)
            {
                return await ShowLogsAsync(published.Logs, published.LeftOut, target, result);
            }

            if (result.GetValue(model) is { } name)
            {
                var load = new ModelLoadOptions { Classes = result.GetValue(classes), Device = Devices.Parse(result.GetValue(device) ?? "auto") };
                var source = ImageSources.Open(result.GetRequiredValue(images), result.GetValue(count));
                await ModelOptions.TellAsync(source.Notes, console.Error);
                training = await TrainingSpectra.AnalyseAsync(
                    name, place, source, load, new SpectralOptions { Domain = result.GetValue(domain) ?? SpectralDomain.Spatial },
                    Path.Combine(target, "spectra"), report, new CheckpointLine(console.Error), cancel);
            }
            else
            {
                training = TrainingSpectra.HasSpectra(place)
                    ? TrainingSpectra.Load(place)
                    : throw new SpectralKDException($"{place} holds no spectra and no logs, but maybe checkpoints: say what they are of with --model NAME");
                other ??= TrainingSpectra.TeacherIn(place);
            }

            await ModelOptions.TellAsync(training.Notes, console.Error);
            await ModelOptions.TellSkippedAsync(training.Spectra[0].Skipped, console.Error, "the files in spectra name each");
            var (csv, html) = (Path.Combine(target, "dynamics.csv"), Path.Combine(target, "dynamics.html"));
            training.ToDataFrame().SaveTable(csv);
            AtomicFile.WriteText(html, ChartHtml.Page($"{training.Spectra[^1].Model} over its training", TrainingCharts.All(training, other, wanted)));
            result.Print(
                () => string.Join(Environment.NewLine, $"{training.Spectra[^1].Model}: {training.Moments.Count} checkpoints, {training.Moments[0]} to {training.Moments[^1]}; last: {training.Spectra[^1].UShape.Words}", csv, html),
                () => new { training.Spectra[^1].Model, training.Moments, Verdict = training.Spectra[^1].UShape.Words, training.Notes, Files = new[] { csv, html }, Rows = Results.Rows(training.ToDataFrame()) });
            return 0;
        });
        return command;
    }

    // What the authors publish: log.txt of each run, and CSVs of entropies.
    private static async Task<int> ShowLogsAsync(IReadOnlyList<RunLog> runs, IReadOnlyList<string> leftOut, string target, ParseResult result)
    {
        await ModelOptions.TellAsync(leftOut, result.InvocationConfiguration.Error);
        var html = Path.Combine(target, "dynamics.html");
        AtomicFile.WriteText(html, ChartHtml.Page("Logs and entropies over training", TrainingCharts.All(runs)));
        result.Print(
            () => string.Join(Environment.NewLine, [.. runs.Select(Words), html]),
            () => new { Runs = runs.Select(run => new { run.Name, run.Kind, Rows = run.Table.Rows.Count }), Notes = leftOut, Files = new[] { html } });
        return 0;

        static string Words(RunLog run)
        {
            if (run.Kind == RunLogKind.Entropy)
            {
                return $"{run.Name}: entropies of {run.Table.Columns.Count - 2} layers at {run.Table.Rows.Count} checkpoints";
            }

            var top1 = run.Table.Columns.Any(column => column.Name == "test_acc1") ? run.Numbers("test_acc1").OfType<double>().ToList() : [];
            return $"{run.Name}: {run.Table.Rows.Count} epochs" + (top1.Count == 0 ? "" : FormattableString.Invariant($", top-1 {top1[^1]:0.00} % at the end, {top1.Max():0.00} % at best"));
        }
    }

    private sealed class CheckpointLine(TextWriter error) : IProgress<TrainingSpectraProgress>
    {
        private string? _last;

        public void Report(TrainingSpectraProgress value)
        {
            if (value.Done < value.Total && value.Checkpoint != _last)
            {
                error.WriteLine($"checkpoint {value.Done + 1} of {value.Total}: {_last = value.Checkpoint}");
            }
        }
    }
}
