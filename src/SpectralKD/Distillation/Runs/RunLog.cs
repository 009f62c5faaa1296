using System.Globalization;
using System.Text.RegularExpressions;
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

    /// <summary>Reads what a path names: one log, as <see cref="Load"/> does, or a folder of logs (files, and folders with a <c>log.txt</c>) as the authors publish theirs.</summary>
    /// <returns>The logs in the order of their names, and why other files of the folder were left out.</returns>
    /// <exception cref="SpectralKDException">There is no log.</exception>
    internal static (IReadOnlyList<RunLog> Logs, IReadOnlyList<string> LeftOut) LoadAll(string path)
    {
        if (!Directory.Exists(path) || File.Exists(Path.Combine(path, "log.txt")))
        {
            return ([Load(path)], []);
        }

        var (logs, leftOut) = (new List<RunLog>(), new List<string>());
        var places = Directory.EnumerateFiles(path).Where(file => Path.GetExtension(file).ToLowerInvariant() is ".txt" or ".csv" or ".json" or ".jsonl" or ".log")
            .Concat(Directory.EnumerateDirectories(path).Where(folder => File.Exists(Path.Combine(folder, "log.txt")))).Order(StringComparer.Ordinal);
        foreach (var place in places)
        {
            try
            {
                logs.Add(Load(place));
            }
            catch (SpectralKDException error)
            {
                leftOut.Add(error.Message);
            }
        }

        return logs.Count > 0 ? (logs, leftOut) : throw new SpectralKDException(
            $"there is no run in {path}: give a log.txt, an entropy CSV, or a folder of them{(leftOut.Count > 0 ? $" ({leftOut[0]})" : "")}");
    }

    /// <summary>As <see cref="LoadAll"/>, of a folder and of those in it, whose files may be anything: no log at all is an empty list.</summary>
    internal static (IReadOnlyList<RunLog> Logs, IReadOnlyList<string> LeftOut) LoadFolders(string path)
    {
        if (!Directory.Exists(path))
        {
            return ([], []);
        }

        var (logs, leftOut) = (new List<RunLog>(), new List<string>());
        foreach (var folder in Directory.EnumerateDirectories(path).Where(folder => !File.Exists(Path.Combine(folder, "log.txt"))).Order(StringComparer.Ordinal).Prepend(path))
        {
            try
            {
                var found = LoadAll(folder);
                logs.AddRange(found.Logs);
                leftOut.AddRange(found.LeftOut);
            }
            catch (SpectralKDException)
            {
                // no log in this one
            }
        }

        return (logs, leftOut);
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

/// <summary>The reference's entropy CSV: a line for each checkpoint, a column <c>Layer_1</c>, <c>Layer_2</c>, … for each block.</summary>
internal static partial class EntropyLog
{
    internal static RunLog Parse(string text, string name, string where)
    {
        var file = TableCsv.Parse(text, where);
        var layers = file.Columns.Where(column => LayerName().IsMatch(column.Name)).ToList();
        if (layers.Count == 0 || layers.Count != file.Columns.Count - 1 || layers.Any(column => column is StringDataFrameColumn))
        {
            throw new SpectralKDException(
                $"{where} is no run log: it is neither JSON lines nor a CSV of a checkpoint and numbers Layer_1, Layer_2, … (its columns: "
                + $"{string.Join(", ", file.Columns.Take(5).Select(column => column.Name))}{(file.Columns.Count > 5 ? ", …" : "")})");
        }

        var checkpoints = Enumerable.Range(0, (int)file.Rows.Count)
            .Select(row => Convert.ToString(file.Columns[0][row], CultureInfo.InvariantCulture) ?? "").ToList();
        var frame = new List<DataFrameColumn>
        {
            new StringDataFrameColumn("checkpoint", checkpoints),
            new Int64DataFrameColumn(RunLog.EpochColumn, checkpoints.Select(Epoch)),
        };
        frame.AddRange(layers.Select((column, index) => new DoubleDataFrameColumn(
            FormattableString.Invariant($"layer_{index}"),
            Enumerable.Range(0, checkpoints.Count).Select(row => column[row] is { } value ? Convert.ToDouble(value, CultureInfo.InvariantCulture) : (double?)null))));
        return new RunLog { Name = name, Kind = RunLogKind.Entropy, Table = new DataFrame(frame) };
    }

    private static long? Epoch(string checkpoint)
        => LastNumber().Match(checkpoint) is { Success: true } match ? long.Parse(match.Value, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"^Layer_\d+$", RegexOptions.IgnoreCase)]
    private static partial Regex LayerName();

    [GeneratedRegex(@"\d{1,9}$")]
    private static partial Regex LastNumber();
}

/// <summary>Reads runs back, without taking their folder: a run that is still going on can be looked at.</summary>
internal static class RunReader
{
    public static DistillationRun Load(string path)
    {
        if (File.Exists(path))
        {
            return new DistillationRun { Name = Path.GetFileNameWithoutExtension(path), Folder = path, Epochs = EpochLog.Read(path), Finished = true };
        }

        if (!Directory.Exists(path))
        {
            throw new SpectralKDException($"there is no run at '{path}': name a run's folder or a log.txt");
        }

        var recipe = File.Exists(RunFolder.RecipeOf(path)) ? DistillationRecipe.Load(RunFolder.RecipeOf(path)) : null;
        var checkpoint = new Checkpoint(Path.Combine(path, "checkpoint"));
        if (!checkpoint.Exists && !File.Exists(RunFolder.LogOf(path)))
        {
            throw new SpectralKDException($"'{path}' holds no run: neither a checkpoint nor a log.txt is in it");
        }

        var state = checkpoint.Exists ? checkpoint.Read() : new RunState { Epochs = EpochLog.Read(RunFolder.LogOf(path)), Finished = true };
        return Of(path, recipe, state);
    }

    private static DistillationRun Of(string path, DistillationRecipe? recipe, RunState state) => new()
    {
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))),
        Folder = path,
        Recipe = recipe,
        Epochs = state.Epochs,
        Finished = state.Finished,
        Steps = state.TotalSteps,
        Warnings = state.Warnings,
        StudentOrigin = state.StudentOrigin,
        TeacherOrigin = state.TeacherOrigin,
        StudentSpectra = [.. state.Epochs.Select(metrics => RunFolder.SpectrumOf(metrics.Epoch)).Prepend("before")
            .Select(name => Spectrum(path, name)).OfType<ModelSpectrum>()],
        TeacherSpectrum = Spectrum(path, "teacher"),
    };

    private static ModelSpectrum? Spectrum(string folder, string name)
    {
        var file = Path.Combine(RunFolder.SpectraOf(folder), name + ".json");
        return File.Exists(file) ? ModelSpectrum.Load(file) : null;
    }
}
