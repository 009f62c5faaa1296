using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>Reads and writes <c>log.txt</c>: one JSON object an epoch with the reference's keys.</summary>
public static class EpochLog
{
    // Key in the file, getter, and setter on a record: one place for names.
    private static readonly (string Key, Func<EpochMetrics, double?> Get, Func<EpochMetrics, double?, EpochMetrics> Set)[] Columns =
    [
        ("train_lr", m => m.LearningRate, (m, v) => m with { LearningRate = v ?? double.NaN }),
        ("train_loss", m => m.Loss, (m, v) => m with { Loss = v ?? double.NaN }),
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
    /// <param name="path">The file. A last line that was cut off by a crash is left out.</param>
    /// <exception cref="SpectralKDException">No such file, or a line is no JSON object with an epoch.</exception>
    public static IReadOnlyList<EpochMetrics> Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), Path.GetFileName(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"the log '{path}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Reads a log's text.</summary>
    /// <param name="text">JSON lines.</param>
    /// <param name="name">Its name for messages.</param>
    /// <exception cref="SpectralKDException">A line is no JSON object with an epoch.</exception>
    public static IReadOnlyList<EpochMetrics> Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        var lines = text.Split('\n');
        var epochs = new List<EpochMetrics>();
        for (var line = 0; line < lines.Length; line++)
        {
            if (string.IsNullOrWhiteSpace(lines[line]))
            {
                continue;
            }

            if (ParseLine(lines[line]) is { } metrics)
            {
                epochs.Add(metrics);
            }
            else if (line < lines.Length - 1)
            {
                throw new SpectralKDException(FormattableString.Invariant(
                    $"{name} is no training log: line {line + 1} is no JSON object with train_loss and epoch"));
            }
        }

        return epochs;
    }

    /// <summary>The epochs as a table: <c>epoch</c> and the columns of the log under the reference's names; missing numbers are null.</summary>
    public static DataFrame ToDataFrame(IReadOnlyList<EpochMetrics> epochs)
    {
        ArgumentNullException.ThrowIfNull(epochs);
        var columns = new List<DataFrameColumn> { new Int32DataFrameColumn("epoch", epochs.Select(metrics => metrics.Epoch)) };
        columns.AddRange(Columns.Select(column => new DoubleDataFrameColumn(column.Key, epochs.Select(column.Get))));
        return new DataFrame(columns);
    }

    internal static void Write(string path, IEnumerable<EpochMetrics> epochs) =>
        AtomicFile.WriteText(path, string.Concat(epochs.Select(metrics => Line(metrics) + "\n")));

    internal static string Line(EpochMetrics metrics)
    {
        var line = new JsonObject();
        foreach (var (key, value) in Columns.Select(column => (column.Key, Value: column.Get(metrics))).Where(column => column.Value is not null))
        {
            line[key] = value;
        }

        line["epoch"] = metrics.Epoch;
        line["n_parameters"] = metrics.Parameters;
        return line.ToJsonString();
    }

    private static EpochMetrics? ParseLine(string line)
    {
        try
        {
            // Python writes NaN and Infinity bare.
            using var json = JsonDocument.Parse(line.Replace(": NaN", ": null", StringComparison.Ordinal));
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object || Number(root, "epoch") is not { } epoch || !root.TryGetProperty("train_loss", out _))
            {
                return null;
            }

            var metrics = new EpochMetrics { Epoch = (int)epoch, LearningRate = 0, Loss = 0, Parameters = (long?)Number(root, "n_parameters") };
            return Columns.Aggregate(metrics, (so, column) => column.Set(so, Number(root, column.Key)));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static double? Number(JsonElement root, string key) => root.TryGetProperty(key, out var value)
        ? value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble(),
            JsonValueKind.String when double.TryParse(value.GetString(), CultureInfo.InvariantCulture, out var number) => number,
            _ => null,
        }
        : null;
}
