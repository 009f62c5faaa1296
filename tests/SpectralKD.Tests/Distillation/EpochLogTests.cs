using System.Text.Json;
using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

public sealed class EpochLogTests
{
    [Fact]
    public void Logs_of_the_reference_are_read()
    {
        foreach (var file in Directory.GetFiles(SharedData.OrSkip("data", "reference-logs"), "*.txt"))
        {
            var run = DistillationRun.Load(file);
            Assert.Equal(File.ReadLines(file).Count(line => line.Length > 0), run.Epochs.Count);
            Assert.Equal(Enumerable.Range(0, run.Epochs.Count), run.Epochs.Select(metrics => metrics.Epoch));
            Assert.All(run.Epochs, metrics => Assert.Equal(metrics.Loss, metrics.LabelLoss!.Value + (metrics.AlignmentLoss ?? 0) + metrics.LogitLoss!.Value, 1e-3));
            Assert.InRange(run.Best!.Top1!.Value, 60, 80);
            Assert.Equal(5717416, run.Epochs[0].Parameters);
        }
    }

    [Fact]
    public void Our_lines_have_the_references_keys_and_read_back()
    {
        var metrics = new EpochMetrics
        {
            Epoch = 3,
            LearningRate = 1e-6,
            Loss = 6.6,
            LabelLoss = 0.69,
            AlignmentLoss = 0.86,
            LogitLoss = 5.05,
            ValidationLoss = 6.88,
            Top1 = 0.28,
            Top5 = 1.02,
            AverageTop1 = 0.3,
            Parameters = 5717416,
            Seconds = 3,
        };
        var line = EpochLog.Line(metrics);
        using var json = JsonDocument.Parse(line);
        var keys = json.RootElement.EnumerateObject().Select(property => property.Name).ToList();
        Assert.Equal(
            ["train_lr", "train_loss", "train_loss_base", "train_loss_fft", "train_loss_dist", "test_loss", "test_acc1", "test_acc5"], keys[..8]);
        Assert.Equal(["epoch", "n_parameters"], keys[^2..]);
        Assert.Equal(metrics, EpochLog.Parse(line + "\n", "log.txt").Single());
    }

    [Fact]
    public void A_line_cut_off_by_a_crash_is_left_out_and_any_other_is_an_error()
    {
        var line = """{"train_lr": 1e-06, "train_loss": 6.1, "test_loss": NaN, "epoch": 0, "n_parameters": 5}""";
        Assert.Single(EpochLog.Parse(line + "\n{\"train_lr\": 1e", "log.txt"));
        Assert.Equal(double.NaN, EpochLog.Parse(line, "log.txt").Single().ValidationLoss);
        var error = Assert.Throws<SpectralKDException>(() => EpochLog.Parse("hello\n" + line, "log.txt"));
        Assert.Contains("line 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_has_a_row_an_epoch_and_nulls_where_the_log_is_silent()
    {
        var table = EpochLog.ToDataFrame(EpochLog.Parse("""{"train_lr": 1e-06, "train_loss": 6.1, "epoch": 0}""", "log.txt"));
        Assert.Equal(1, table.Rows.Count);
        Assert.Equal(6.1, table["train_loss"][0]);
        Assert.Null(table["test_acc1"][0]);
    }

    [Theory]
    [InlineData(double.NaN, "\"test_loss\":NaN,")]
    [InlineData(double.PositiveInfinity, "\"test_loss\":Infinity,")]
    [InlineData(double.NegativeInfinity, "\"test_loss\":-Infinity,")]
    public void A_loss_that_is_no_number_is_written_as_Python_writes_it_and_reads_back(double loss, string written)
    {
        var metrics = new EpochMetrics { Epoch = 0, LearningRate = 1e-6, Loss = 6.6, ValidationLoss = loss };
        Assert.Contains(written, EpochLog.Line(metrics), StringComparison.Ordinal);
        Assert.Equal(metrics, EpochLog.Parse(EpochLog.Line(metrics), "log.txt").Single());
    }

    [Fact]
    public void Words_like_NaN_inside_a_text_are_left_alone() =>
        Assert.Equal(2, EpochLog.Parse("""{"note": "was: NaN, \": Infinity}", "epoch": 0, "train_loss": 2, "train_lr": 1}""", "log.txt").Single().Loss);

    [Fact]
    public void Both_readers_of_a_log_give_the_same_numbers()
    {
        const string Text = """
            {"epoch": 0, "train_lr": 1e-06, "train_loss": 7, "test_loss": 8, "test_acc1": 1}
            {"epoch": 1, "train_lr": 1e-06, "train_loss": 6, "test_loss": Infinity, "test_acc1": 2}
            {"epoch": 0, "train_lr": 2e-06, "train_loss": 5, "test_loss": NaN, "test_acc1": 3}

            """;
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("log.txt"), Text);
        var (run, log) = (DistillationRun.Load(folder.File("log.txt")), RunLog.Load(folder.File("log.txt")));
        Assert.Equal([0, 1], run.Epochs.Select(metrics => metrics.Epoch));
        Assert.Equal([double.NaN, double.PositiveInfinity], run.Epochs.Select(metrics => metrics.ValidationLoss!.Value));
        var table = run.ToDataFrame();
        foreach (var column in new[] { "train_lr", "train_loss", "test_loss", "test_acc1" })
        {
            Assert.Equal(log.Numbers(column).Select(value => (object?)value), Enumerable.Range(0, 2).Select(row => table[column][row]));
        }
    }

    [Theory]
    [InlineData("""{"train_lr": 1, "train_los\ud800s": 2, "epoch": 1}""", "no valid Unicode")]
    [InlineData("""{"train_lr": "\udc00", "train_loss": 2, "epoch": 1}""", "no valid Unicode")]
    [InlineData("""{"train_loss": 2, "epoch": 1e300}""", "epoch 1E+300, which is no whole number")]
    [InlineData("""{"train_loss": 2, "epoch": -1}""", "epoch -1")]
    [InlineData("""{"train_loss": 2, "epoch": 0.5}""", "epoch 0.5")]
    [InlineData("""{"train_loss": 2, "epoch": NaN}""", "epoch NaN")]
    [InlineData("""{"train_loss": 2, "epoch": null}""", "epoch null")]
    [InlineData("""[1, 2]""", "no JSON object")]
    public void A_damaged_line_is_named_in_one_line(string damaged, string words)
    {
        var text = "{\"train_lr\": 1, \"train_loss\": 1, \"epoch\": 0}\n" + damaged + "\n";
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("log.txt"), text);
        foreach (var error in new[]
        {
            Assert.Throws<SpectralKDException>(() => EpochLog.Parse(text, "log.txt")),
            Assert.Throws<SpectralKDException>(() => DistillationRun.Load(folder.Root)),
            Assert.Throws<SpectralKDException>(() => RunLog.Load(folder.Root)),
        })
        {
            Assert.Contains("line 2", error.Message, StringComparison.Ordinal);
            Assert.Contains(words, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_folder_without_a_run_is_explained() =>
        Assert.Contains("holds no run", Assert.Throws<SpectralKDException>(() => DistillationRun.Load(Path.GetTempPath())).Message, StringComparison.Ordinal);
}
