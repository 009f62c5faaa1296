namespace SpectralKD.Distillation;

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
