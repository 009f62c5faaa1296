using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>The epochs of <c>log.txt</c> as <see cref="EpochMetrics"/>, under the reference's keys.</summary>
public static class EpochLog
{
    private const string LossKey = "train_loss";
    private const string TermPrefix = "train_term_";
    private const string ParametersKey = "n_parameters";

    // Key in the file, getter, and setter on a record: one place for names.
    private static readonly (string Key, Func<EpochMetrics, double?> Get, Func<EpochMetrics, double?, EpochMetrics> Set)[] Columns =
    [
        ("train_lr", m => m.LearningRate, (m, v) => m with { LearningRate = v ?? double.NaN }),
        (LossKey, m => m.Loss, (m, v) => m with { Loss = v ?? double.NaN }),
        ("train_loss_base", m => m.LabelLoss, (m, v) => m with { LabelLoss = v }),
        ("train_loss_fft", m => m.AlignmentLoss, (m, v) => m with { AlignmentLoss = v }),
        ("train_loss_dist", m => m.LogitLoss, (m, v) => m with { LogitLoss = v }),
        ("test_loss", m => m.ValidationLoss, (m, v) => m with { ValidationLoss = v }),
        ("test_acc1", m => m.Top1, (m, v) => m with { Top1 = v }),
        ("test_acc5", m => m.Top5, (m, v) => m with { Top5 = v }),
        ("test_loss_ema", m => m.AverageValidationLoss, (m, v) => m with { AverageValidationLoss = v }),
        ("test_acc1_ema", m => m.AverageTop1, (m, v) => m with { AverageTop1 = v }),
        ("test_acc5_ema", m => m.AverageTop5, (m, v) => m with { AverageTop5 = v }),
        ("train_seconds", m => m.Seconds, (m, v) => m with { Seconds = v }),
        ("train_images_per_second", m => m.ImagesPerSecond, (m, v) => m with { ImagesPerSecond = v }),
    ];

    /// <summary>Reads a log of this program or of the reference. Keys that neither writes are passed over.</summary>
    /// <param name="path">The file. A last line that was cut off by a crash is left out; of a repeated epoch the last line counts.</param>
    /// <exception cref="SpectralKDException">No such file, or a line is no JSON object with an epoch and a loss.</exception>
    public static IReadOnlyList<EpochMetrics> Read(string path) => Parse(TrainingLog.ReadText(path), Path.GetFileName(path));

    /// <summary>Reads a log's text.</summary>
    /// <param name="text">JSON lines.</param>
    /// <param name="name">Its name for messages.</param>
    /// <exception cref="SpectralKDException">A line is no JSON object with an epoch and a loss.</exception>
    public static IReadOnlyList<EpochMetrics> Parse(string text, string name)
    {
        var (epochs, _, _) = TrainingLog.Parse(text, name);
        var wrong = epochs.FirstOrDefault(line => !line.Numbers.ContainsKey(TrainingLog.EpochKey) || !line.Numbers.ContainsKey(LossKey));
        return wrong is null ? [.. epochs.Select(MetricsOf)] : throw new SpectralKDException(FormattableString.Invariant(
            $"{name} is no training log: its epoch {wrong.Epoch} has no number {TrainingLog.EpochKey} or {LossKey}"));
    }

    /// <summary>The epochs as a table: <c>epoch</c> and the columns of the log under the reference's names; missing numbers are null.</summary>
    public static DataFrame ToDataFrame(IReadOnlyList<EpochMetrics> epochs)
    {
        ArgumentNullException.ThrowIfNull(epochs);
        var columns = new List<DataFrameColumn> { new Int32DataFrameColumn(TrainingLog.EpochKey, epochs.Select(metrics => metrics.Epoch)) };
        columns.AddRange(Columns.Select(column => new DoubleDataFrameColumn(column.Key, epochs.Select(column.Get))));
        columns.AddRange(epochs.SelectMany(metrics => metrics.OtherLosses?.Keys ?? []).Distinct()
            .Select(loss => new DoubleDataFrameColumn(TermPrefix + loss, epochs.Select(metrics => metrics.OtherLosses?.TryGetValue(loss, out var value) == true ? value : (double?)null))));
        return new DataFrame(columns);
    }

    internal static void Write(string path, IEnumerable<EpochMetrics> epochs) =>
        AtomicFile.WriteText(path, string.Concat(epochs.Select(metrics => Line(metrics) + "\n")));

    internal static string Line(EpochMetrics metrics) => TrainingLog.Line(
    [
        .. Columns.Select(column => (column.Key, Value: column.Get(metrics))).Where(column => column.Value is not null),
        .. (metrics.OtherLosses ?? new Dictionary<string, double>()).Select(loss => (TermPrefix + loss.Key, (double?)loss.Value)),
        (TrainingLog.EpochKey, metrics.Epoch),
        (ParametersKey, metrics.Parameters),
    ]);

    private static EpochMetrics MetricsOf(TrainingLogLine line)
    {
        var metrics = new EpochMetrics { Epoch = line.Epoch, LearningRate = 0, Loss = 0, Parameters = Whole(line.Numbers.GetValueOrDefault(ParametersKey)) };
        var others = line.Numbers.Where(number => number.Value is not null && number.Key.StartsWith(TermPrefix, StringComparison.Ordinal) && Columns.All(column => column.Key != number.Key))
            .ToDictionary(number => number.Key[TermPrefix.Length..], number => number.Value!.Value);
        return Columns.Aggregate(metrics with { OtherLosses = others.Count == 0 ? null : others }, (so, column) => column.Set(so, line.Numbers.GetValueOrDefault(column.Key)));
    }

    private static long? Whole(double? value) => value is { } number && Math.Abs(number) < 1e15 ? (long)number : null;
}

/// <summary>
/// What one epoch came to. The reference's <c>log.txt</c> holds the same numbers under its own names (given in brackets), so both read alike.
/// </summary>
public sealed record EpochMetrics
{
    /// <summary>0-based epoch (<c>epoch</c>).</summary>
    public required int Epoch { get; init; }

    /// <summary>Learning rate of the epoch (<c>train_lr</c>).</summary>
    public required double LearningRate { get; init; }

    /// <summary>Mean loss of the training steps (<c>train_loss</c>).</summary>
    public required double Loss { get; init; }

    /// <summary>Mean weighed label term (<c>train_loss_base</c>); null where the log has none.</summary>
    public double? LabelLoss { get; init; }

    /// <summary>Mean weighed alignment term (<c>train_loss_fft</c>); null where nothing is aligned.</summary>
    public double? AlignmentLoss { get; init; }

    /// <summary>Mean weighed KD term (<c>train_loss_dist</c>); null where the method has none.</summary>
    public double? LogitLoss { get; init; }

    /// <summary>Mean weighed other terms by name (<c>train_term_dkd</c>, <c>train_term_mse</c>, …); null where there are none.</summary>
    public IReadOnlyDictionary<string, double>? OtherLosses { get; init; }

    /// <summary>Mean cross entropy of the validation images (<c>test_loss</c>); null without validation.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Validation top-1 in percent (<c>test_acc1</c>).</summary>
    public double? Top1 { get; init; }

    /// <summary>Validation top-5 in percent (<c>test_acc5</c>).</summary>
    public double? Top5 { get; init; }

    /// <summary>The same cross entropy with the averaged weights (<c>test_loss_ema</c>, not in the reference's logs).</summary>
    public double? AverageValidationLoss { get; init; }

    /// <summary>Validation top-1 in percent with the averaged weights (<c>test_acc1_ema</c>, not in the reference's logs).</summary>
    public double? AverageTop1 { get; init; }

    /// <summary>Validation top-5 in percent with the averaged weights (<c>test_acc5_ema</c>, not in the reference's logs).</summary>
    public double? AverageTop5 { get; init; }

    /// <summary>Trainable parameters of the student (<c>n_parameters</c>).</summary>
    public long? Parameters { get; init; }

    /// <summary>Seconds of training in this epoch, validation not counted (<c>train_seconds</c>, not in the reference's logs).</summary>
    public double? Seconds { get; init; }

    /// <summary>Training images a second (<c>train_images_per_second</c>, not in the reference's logs).</summary>
    public double? ImagesPerSecond { get; init; }
}

/// <summary>Sums of an epoch's losses over its steps so far.</summary>
internal sealed record LossSums
{
    public int Steps { get; init; }

    public double Labels { get; init; }

    public double? Alignment { get; init; }

    public double? Logits { get; init; }

    public IReadOnlyDictionary<string, double>? Others { get; init; }

    public double Seconds { get; init; }

    public LossSums Plus(LossValues values, double seconds) => new()
    {
        Steps = Steps + 1,
        Labels = Labels + values.Labels,
        Alignment = values.Alignment is { } alignment ? (Alignment ?? 0) + alignment : null,
        Logits = values.Logits is { } logits ? (Logits ?? 0) + logits : null,
        Others = values.Others.Count == 0 ? null : values.Others.ToDictionary(loss => loss.Key, loss => (Others?.GetValueOrDefault(loss.Key) ?? 0) + loss.Value),
        Seconds = Seconds + seconds,
    };

    public LossValues Means() => Others is null ? new(Labels / Steps, Alignment / Steps, Logits / Steps)
        : new(Labels / Steps, Alignment / Steps, Logits / Steps) { Others = Others.ToDictionary(loss => loss.Key, loss => loss.Value / Steps) };
}

/// <summary>
/// The epochs of a run in the forms of other tools, beside <c>log.txt</c>: <c>metrics.csv</c>, the table of <see cref="DistillationRun.ToDataFrame"/> (pandas, Excel), and event files in
/// <c>tensorboard/</c>, one scalar for each of its columns (<c>train_loss</c> is <c>train/loss</c>) with the epoch as step, by TorchSharp's writer.
/// </summary>
internal sealed class RunMetrics(string folder)
{
    private const string Mark = "spectralkd";
    private TorchSharp.Modules.SummaryWriter? _writer;

    /// <summary>The table.</summary>
    public static string TableOf(string folder) => Path.Combine(folder, "metrics.csv");

    /// <summary>The folder of the event files.</summary>
    public static string EventsOf(string folder) => Path.Combine(folder, "tensorboard");

    /// <summary>Writes the epochs; event files of an earlier process, which may have gone on beyond its last checkpoint, are replaced.</summary>
    public void Write(IReadOnlyList<EpochMetrics> epochs)
    {
        var table = EpochLog.ToDataFrame(epochs);
        table.SaveTable(TableOf(folder));
        try
        {
            WriteEvents(table, _writer is null ? 0 : epochs.Count - 1);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"the event files in '{EventsOf(folder)}' cannot be written: {error.Message}", error);
        }
    }

    private void WriteEvents(Microsoft.Data.Analysis.DataFrame table, int from)
    {
        var events = EventsOf(folder);
        if (_writer is null)
        {
            Directory.CreateDirectory(events);
            Directory.EnumerateFiles(events, $"events.out.tfevents.*{Mark}").ToList().ForEach(File.Delete);
        }

        // Each writer begins a file; the first of this process is gone on with.
        _writer ??= utils.tensorboard.SummaryWriter(events, "." + Mark);
        for (var row = from; row < table.Rows.Count; row++)
        {
            var epoch = Convert.ToInt32(table["epoch"][row], null);
            foreach (var column in table.Columns.Where(column => column.Name != "epoch" && column[row] is double))
            {
                _writer.add_scalar(Tag(column.Name), (float)(double)column[row], epoch);
            }
        }
    }

    private static string Tag(string column) => column.IndexOf('_', StringComparison.Ordinal) is > 0 and var end ? $"{column[..end]}/{column[(end + 1)..]}" : column;
}
