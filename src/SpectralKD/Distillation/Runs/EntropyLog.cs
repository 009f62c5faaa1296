using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Data.Analysis;
using SpectralKD.Spectra;

namespace SpectralKD.Distillation;

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
