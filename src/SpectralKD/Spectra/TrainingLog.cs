using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Analysis;

namespace SpectralKD.Spectra;

/// <summary>JSON lines as the reference writes them: one object of numbers for each epoch.</summary>
internal static partial class TrainingLog
{
    internal static RunLog Parse(string text, string name, string where)
    {
        var lines = text.Split('\n');
        var epochs = new SortedDictionary<long, Dictionary<string, double?>>();
        var columns = new List<string>();
        var unfinished = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line.Length == 0)
            {
                continue;
            }

            // Only a last line without its line end can be one that is still being written.
            if (Read(line, columns, out var error) is { } row)
            {
                // A resumed run repeats epochs: what was written last counts.
                epochs[(long)(row.GetValueOrDefault(RunLog.EpochColumn) ?? epochs.Count)] = row;
            }
            else if (!(unfinished = i == lines.Length - 1))
            {
                throw new SpectralKDException($"{where}, line {i + 1}: {error}; a training log is one JSON object of numbers a line");
            }
        }

        return epochs.Count > 0
            ? new RunLog { Name = name, Kind = RunLogKind.Training, Table = Table(epochs, columns), Unfinished = unfinished }
            : throw new SpectralKDException($"{where} holds no finished epoch");
    }

    private static Dictionary<string, double?>? Read(string line, List<string> columns, out string error)
    {
        error = "not a JSON object";
        try
        {
            using var document = JsonDocument.Parse(NotNumbers().Replace(line, ": \"$1\""));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            var row = new Dictionary<string, double?>();
            foreach (var property in document.RootElement.EnumerateObject().Where(property => IsNumber(property.Value)))
            {
                row[property.Name] = Number(property.Value);
                if (!columns.Contains(property.Name))
                {
                    columns.Add(property.Name);
                }
            }

            return row;
        }
        catch (JsonException exception)
        {
            error = exception.Message.Split(". ")[0];
            return null;
        }
    }

    private static bool IsNumber(JsonElement value)
        => value.ValueKind is JsonValueKind.Number or JsonValueKind.Null || (value.ValueKind == JsonValueKind.String && Number(value) is not null);

    private static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    private static DataFrame Table(SortedDictionary<long, Dictionary<string, double?>> epochs, List<string> columns)
    {
        columns.Remove(RunLog.EpochColumn);
        var frame = new List<DataFrameColumn> { new Int64DataFrameColumn(RunLog.EpochColumn, epochs.Keys) };
        foreach (var column in columns)
        {
            var values = epochs.Values.Select(row => row.GetValueOrDefault(column)).ToList();
            frame.Add(column == "n_parameters" && values.All(value => value is null || double.IsInteger(value.Value))
                ? new Int64DataFrameColumn(column, values.Select(value => (long?)value))
                : new DoubleDataFrameColumn(column, values));
        }

        return new DataFrame(frame);
    }

    /// <summary>Python writes NaN and infinities bare, which JSON does not know.</summary>
    [GeneratedRegex(@":\s*(NaN|-?Infinity)(?=\s*[,}])")]
    private static partial Regex NotNumbers();
}
