using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>What a log holds.</summary>
public enum RunLogKind
{
    /// <summary>One row an epoch: losses, accuracies, learning rate (the reference's <c>log.txt</c>, and this library's).</summary>
    Training,

    /// <summary>One row a checkpoint: the activation entropy of every layer in bits (the reference's entropy CSV).</summary>
    Entropy,
}

/// <summary>The log of a training run, or the entropies of its checkpoints, as a table.</summary>
public sealed record RunLog
{
    /// <summary>The column of a training log that numbers its rows.</summary>
    public const string EpochColumn = TrainingLog.EpochKey;

    /// <summary>Name of the run: its file's name without ending, or its folder's where the file is <c>log.txt</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What the log holds.</summary>
    public required RunLogKind Kind { get; init; }

    /// <summary>
    /// Training: one row an epoch with a column for each key (<c>epoch</c> 0-based, <c>train_lr</c>, <c>train_loss</c>, <c>train_loss_base</c>,
    /// <c>train_loss_fft</c>, <c>train_loss_dist</c>, <c>test_loss</c>, <c>test_acc1</c> and <c>test_acc5</c> in percent, <c>n_parameters</c>, …);
    /// a value that an epoch lacks is null. Entropy: one row a checkpoint with the columns <c>checkpoint</c>, <c>epoch</c> (null where the
    /// name holds none) and <c>layer_0</c>, <c>layer_1</c>, … (bits).
    /// </summary>
    public required DataFrame Table { get; init; }

    /// <summary>True where the file ended in the middle of a line, as that of a run which is still being written may; that line was left out.</summary>
    public bool Unfinished { get; init; }

    /// <summary>Reads a log: JSON lines, an entropy CSV, or a run's folder with a <c>log.txt</c> in it.</summary>
    /// <exception cref="SpectralKDException">No such file, or its content is neither; the message names the line.</exception>
    public static RunLog Load(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, "log.txt") : path;
        if (!File.Exists(file))
        {
            throw new SpectralKDException($"there is no run at {path}: give a log.txt, an entropy CSV, or a folder with a log.txt in it");
        }

        var text = TrainingLog.ReadText(file);
        var name = Path.GetFileNameWithoutExtension(file);
        name = name == "log" ? Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(file))) ?? name : name;
        return text.AsSpan().TrimStart().StartsWith("{") ? OfEpochs(text, name, file) : EntropyLog.Parse(text, name, file);
    }

    /// <summary>The numbers of a column, null where a row has none.</summary>
    /// <exception cref="SpectralKDException">There is no such column; the message lists those there are.</exception>
    public IReadOnlyList<double?> Numbers(string column)
    {
        if (Table.Columns.All(other => other.Name != column))
        {
            throw new SpectralKDException($"{Name} has no column {column}: it has {string.Join(", ", Table.Columns.Select(other => other.Name))}");
        }

        return [.. Enumerable.Range(0, (int)Table.Rows.Count).Select(row => Table[column][row] is { } value ? Convert.ToDouble(value, null) : (double?)null)];
    }

    private static RunLog OfEpochs(string text, string name, string where)
    {
        var (epochs, keys, unfinished) = TrainingLog.Parse(text, where);
        return epochs.Count > 0
            ? new RunLog { Name = name, Kind = RunLogKind.Training, Table = TableOf(epochs, keys), Unfinished = unfinished }
            : throw new SpectralKDException($"{where} holds no finished epoch");
    }

    private static DataFrame TableOf(IReadOnlyList<TrainingLogLine> epochs, IReadOnlyList<string> keys)
    {
        var columns = keys.Where(key => key != EpochColumn).Select(key => Column(key, [.. epochs.Select(line => line.Numbers.GetValueOrDefault(key))]));
        return new DataFrame([new Int64DataFrameColumn(EpochColumn, epochs.Select(line => (long)line.Epoch)), .. columns]);
    }

    private static DataFrameColumn Column(string key, List<double?> values) =>
        key == "n_parameters" && values.All(value => value is null || (double.IsInteger(value.Value) && Math.Abs(value.Value) < 1e15))
            ? new Int64DataFrameColumn(key, values.Select(value => (long?)value))
            : new DoubleDataFrameColumn(key, values);
}
