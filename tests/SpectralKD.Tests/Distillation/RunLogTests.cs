namespace SpectralKD.Tests.Distillation;

public sealed class RunLogTests : IDisposable
{
    private const string Line = """{"train_lr": 1e-06, "train_loss": 6.17, "test_acc1": 0.25, "epoch": 0, "n_parameters": 5717416}""";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_log_of_json_lines_becomes_a_table_with_a_row_an_epoch()
    {
        var log = Load(Line + "\n" + Line.Replace("\"epoch\": 0", "\"epoch\": 1", StringComparison.Ordinal) + "\n");

        Assert.Equal((RunLogKind.Training, 2L, false), (log.Kind, log.Table.Rows.Count, log.Unfinished));
        Assert.Equal(["epoch", "train_lr", "train_loss", "test_acc1", "n_parameters"], log.Table.Columns.Select(column => column.Name));
        Assert.Equal([0.25, 0.25], log.Numbers("test_acc1"));
        Assert.Equal(5717416L, log.Table["n_parameters"][0]);
    }

    [Fact]
    public void A_resumed_runs_repeated_epoch_counts_as_written_last()
        => Assert.Equal([0.5], Load(Line + "\n" + Line.Replace("0.25", "0.5", StringComparison.Ordinal)).Numbers("test_acc1"));

    [Fact]
    public void A_line_that_is_still_being_written_is_left_out()
    {
        var log = Load(Line + "\n" + Line[..40]);

        Assert.True(log.Unfinished);
        Assert.Equal(1, log.Table.Rows.Count);
    }

    [Fact]
    public void Keys_that_some_epochs_lack_are_null_there_and_pythons_nan_is_read()
    {
        var log = Load("""
            {"epoch": 0, "train_loss": NaN}
            {"epoch": 1, "train_loss": -Infinity, "test_acc1": 3}

            """);

        Assert.Equal([null, 3.0], log.Numbers("test_acc1"));
        Assert.Equal([double.NaN, double.NegativeInfinity], log.Numbers("train_loss").Select(value => value!.Value));
    }

    [Fact]
    public void A_folder_is_read_by_its_log_and_named_after_it()
    {
        var run = _folder.CreateSubdirectory("my-run");
        File.WriteAllText(Path.Combine(run.FullName, "log.txt"), Line);

        Assert.Equal("my-run", RunLog.Load(run.FullName).Name);
    }

    [Fact]
    public void An_entropy_csv_becomes_a_table_with_a_row_a_checkpoint()
    {
        var log = Load("Model/Epoch,Layer_1,Layer_2\r\ncheckpoint_epoch_30,2.5,3\r\nmodel_best,1.5,\r\n");

        Assert.Equal(RunLogKind.Entropy, log.Kind);
        Assert.Equal(["checkpoint", "epoch", "layer_0", "layer_1"], log.Table.Columns.Select(column => column.Name));
        Assert.Equal([30.0, null], log.Numbers("epoch"));
        Assert.Equal([3.0, null], log.Numbers("layer_1"));
    }

    [Theory]
    [InlineData("{\"epoch\": 0}\nnonsense\n{\"epoch\": 1}\n", "line 2")]
    [InlineData("{broken", "no finished epoch")]
    [InlineData("a,b\n1,2\n", "no run log")]
    [InlineData("Model,Layer_1\nx,high\n", "no run log")]
    [InlineData("", "is empty")]
    public void What_is_no_log_is_an_error_in_words(string text, string words)
        => Assert.Contains(words, Assert.Throws<SpectralKDException>(() => Load(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_and_a_missing_column_are_named()
    {
        Assert.Contains("no run at", Assert.Throws<SpectralKDException>(() => RunLog.Load("nowhere")).Message, StringComparison.Ordinal);
        Assert.Contains("epoch, train_lr", Assert.Throws<SpectralKDException>(() => Load(Line).Numbers("speed")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_authors_logs_and_entropies_are_read_whole()
    {
        var logs = Directory.GetFiles(SharedData.OrSkip("data", "reference-logs")).Select(RunLog.Load).ToList();
        var entropies = Directory.GetFiles(SharedData.OrSkip("data", "reference-entropy")).Select(RunLog.Load).ToList();

        Assert.Equal(11, logs.Count);
        Assert.All(logs, log => Assert.True(log.Table.Rows.Count is 300 or 500 && !log.Unfinished));
        Assert.Equal(77.078, logs.Single(log => log.Name == "SpectralKD_First_1_Last_1").Numbers("test_acc1").Max()!.Value, 0.0005);
        Assert.All(entropies, log => Assert.Equal((RunLogKind.Entropy, 11L, 14), (log.Kind, log.Table.Rows.Count, log.Table.Columns.Count)));
    }

    private RunLog Load(string text)
    {
        var path = Path.Combine(_folder.FullName, "run.txt");
        File.WriteAllText(path, text);
        return RunLog.Load(path);
    }
}
