using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SpectralKD.Distillation;

/// <summary>One epoch of a training log.</summary>
/// <param name="Epoch">0-based.</param>
/// <param name="Numbers">The line's numbers by key, <c>epoch</c> included; null where the line says null.</param>
internal sealed record TrainingLogLine(int Epoch, IReadOnlyDictionary<string, double?> Numbers);

/// <summary>
/// The text of <c>log.txt</c>, ours and the reference's: one JSON object an epoch, as Python's <c>json.dumps</c> writes it, which spells NaN, Infinity and
/// -Infinity bare. This is the only reader and writer of the format; <see cref="EpochLog"/> and <see cref="RunLog"/> are two views of what it reads.
/// </summary>
internal static partial class TrainingLog
{
    /// <summary>The key that numbers the lines.</summary>
    public const string EpochKey = "epoch";

    /// <summary>Reads a log's lines.</summary>
    /// <param name="text">JSON lines. Of several lines of one epoch, as a resumed run may leave, the last counts. Lines without an epoch are numbered in order.</param>
    /// <param name="where">The file for messages.</param>
    /// <returns>
    /// The epochs in ascending order, the keys in the order of the file, and whether a last line without its line end was left out because it is still
    /// being written or was cut off by a crash.
    /// </returns>
    /// <exception cref="SpectralKDException">A line is no JSON object of numbers; the message names the line.</exception>
    public static (IReadOnlyList<TrainingLogLine> Epochs, IReadOnlyList<string> Keys, bool Unfinished) Parse(string text, string where)
    {
        ArgumentNullException.ThrowIfNull(text);
        var lines = text.Split('\n');
        var epochs = new SortedDictionary<int, TrainingLogLine>();
        var keys = new List<string>();
        var unfinished = false;
        for (var i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i]))
            {
                continue;
            }

            if (ParseLine(lines[i], epochs.Count, out var error) is { } line)
            {
                epochs[line.Epoch] = line;
                keys.AddRange(line.Numbers.Keys.Except(keys).ToList());
            }
            else if (!(unfinished = i == lines.Length - 1))
            {
                throw new SpectralKDException(FormattableString.Invariant(
                    $"{where} is no training log: line {i + 1} is {error}; a log has one JSON object of numbers a line"));
            }
        }

        return ([.. epochs.Values], keys, unfinished);
    }

    /// <summary>Reads a file's text, also while its run is writing it.</summary>
    /// <exception cref="SpectralKDException">It cannot be read.</exception>
    public static string ReadText(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"the log '{path}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>One line without its line end.</summary>
    public static string Line(IEnumerable<(string Key, double? Value)> numbers)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var (key, value) in numbers)
            {
                json.WritePropertyName(key);
                json.WriteRawValue(Spelled(value), skipInputValidation: true);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    // As Python spells them.
    private static string Spelled(double? value) => value switch
    {
        null => "null",
        double.PositiveInfinity => "Infinity",
        double.NegativeInfinity => "-Infinity",
        { } number => number.ToString(CultureInfo.InvariantCulture), // NaN is NaN
    };

    private static TrainingLogLine? ParseLine(string line, int next, out string error)
    {
        error = "no JSON object";
        try
        {
            using var document = JsonDocument.Parse(Bare().Replace(line, match => match.Value[0] == '"' ? match.Value : $"\"{match.Value}\""));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            var numbers = new Dictionary<string, double?>();
            foreach (var property in document.RootElement.EnumerateObject().Where(property => IsNumber(property.Value)))
            {
                numbers[property.Name] = Number(property.Value);
            }

            if (!numbers.TryGetValue(EpochKey, out var epoch))
            {
                return new TrainingLogLine(next, numbers);
            }

            error = FormattableString.Invariant($"of epoch {epoch?.ToString(CultureInfo.InvariantCulture) ?? "null"}, which is no whole number from 0");
            return epoch is >= 0 and <= int.MaxValue && double.IsInteger(epoch.Value) ? new TrainingLogLine((int)epoch, numbers) : null;
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            error = "a JSON object with a name or text that is no valid Unicode";
            return null;
        }
    }

    private static bool IsNumber(JsonElement value) =>
        value.ValueKind is JsonValueKind.Number or JsonValueKind.Null || (value.ValueKind == JsonValueKind.String && Number(value) is not null);

    private static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    /// <summary>What JSON does not know of Python's numbers; texts are matched first, so that nothing inside them is.</summary>
    [GeneratedRegex("""
        "(?>[^"\\]+|\\.)*"|-?(?:NaN|Infinity)
        """)]
    private static partial Regex Bare();
}
