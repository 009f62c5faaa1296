using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Data.Analysis;

namespace SpectralKD.Cli;

/// <summary>How every verb prints what it has found: as text, or by <c>--json</c> as one JSON document; <c>--quiet</c> leaves progress and notes out.</summary>
internal static class Results
{
    public static readonly Option<bool> Json = new("--json") { Description = "Print the results as one JSON document" };
    public static readonly Option<bool> Quiet = new("--quiet", "-q") { Description = "No progress and no notes; results, warnings and errors remain" };

    private static readonly JsonSerializerOptions Spelling = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Gives a verb both options.</summary>
    public static Command PrintsResults(this Command command)
    {
        command.Add(Json);
        command.Add(Quiet);
        return command;
    }

    /// <summary>Prints a result on stdout.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="text">The result as text; not asked for with <c>--json</c>.</param>
    /// <param name="json">The same as an object of plain values; its names become snake_case.</param>
    public static void Print(this ParseResult result, Func<string> text, Func<object> json) => result.InvocationConfiguration.Output.WriteLine(
        result.GetValue(Json) ? JsonSerializer.Serialize(json(), Spelling) : text());

    /// <summary>A number as JSON has it: null for NaN and infinity.</summary>
    public static double? Finite(double? number) => number is { } value && double.IsFinite(value) ? value : null;

    /// <summary>A table's rows, one object each, under the columns' names.</summary>
    public static JsonArray Rows(DataFrame table) => new([.. Enumerable.Range(0, (int)table.Rows.Count).Select(row => (JsonNode)new JsonObject(
        table.Columns.Select(column => KeyValuePair.Create(column.Name, Cell(column[row])))))]);

    private static JsonNode? Cell(object? value) => value switch
    {
        null => null,
        double or float => Finite(Convert.ToDouble(value, null)) is { } number ? JsonValue.Create(number) : null,
        _ => JsonSerializer.SerializeToNode(value),
    };
}

/// <summary>Lets through what <c>--quiet</c> leaves: lines that begin with <c>spectralkd:</c> or <c>warning:</c>.</summary>
internal sealed class QuietWriter(TextWriter error) : TextWriter(error.FormatProvider)
{
    private readonly StringBuilder _line = new();

    public override Encoding Encoding => error.Encoding;

    public override void Write(char value)
    {
        if (value is not ('\n' or '\r'))
        {
            _line.Append(value);
            return;
        }

        var line = _line.ToString();
        _line.Clear();
        if (line.StartsWith("spectralkd: ", StringComparison.Ordinal) || line.StartsWith("warning: ", StringComparison.Ordinal))
        {
            error.WriteLine(line);
        }
    }

    public override void Flush() => error.Flush();
}

/// <summary>What stderr is.</summary>
internal static class ErrorTerminal
{
    // No terminal: time between two lines of progress.
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(10);

    /// <summary>True where a line can be rewritten in place; elsewhere progress is lines, one every ten seconds. Colours are never written, so NO_COLOR has nothing to switch off.</summary>
    public static bool Rewrites { get; } = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Time between two reports of progress.</summary>
    public static TimeSpan Interval => Rewrites ? TimeSpan.FromSeconds(0.3) : Pace;

    /// <summary>A report of progress as it is written: in place on a terminal, as a line elsewhere.</summary>
    public static string Progress(string text) => Rewrites ? $"\r{text,-78}" : $"{text}\n";
}

/// <summary>
/// A terminal's output without control characters but line breaks, tabs and carriage returns: names from files and archives cannot recolour it,
/// move its cursor or set its title; they are shown with escapes (<see cref="PlainText.Escape"/>).
/// </summary>
internal sealed class PlainTextWriter(TextWriter terminal) : TextWriter(terminal.FormatProvider)
{
    private const string Layout = "\r\n\t";

    public override Encoding Encoding => terminal.Encoding;

    // Half of a character that comes alone is passed on: the other half follows.
    public override void Write(char value)
    {
        if (char.IsSurrogate(value))
        {
            terminal.Write(value);
        }
        else
        {
            terminal.Write(PlainText.Escape(value.ToString(), Layout));
        }
    }

    public override void Write(string? value) => terminal.Write(value is null ? null : PlainText.Escape(value, Layout));

    public override Task WriteLineAsync(string? value)
    {
        WriteLine(value);
        return Task.CompletedTask;
    }

    public override void Flush() => terminal.Flush();
}

/// <summary>Progress of an analysis: one line rewritten in place on a terminal, a line every ten seconds elsewhere.</summary>
internal sealed class ProgressLine(TextWriter error, string what = "") : IProgress<AnalysisProgress>
{
    private TimeSpan _last = TimeSpan.MinValue;

    public void Report(AnalysisProgress value)
    {
        var finished = value.Fraction >= 1;
        if (!finished && _last != TimeSpan.MinValue && value.Elapsed - _last < ErrorTerminal.Interval)
        {
            return;
        }

        _last = value.Elapsed;
        error.Write(ErrorTerminal.Progress($"{what}{value}") + (ErrorTerminal.Rewrites && finished ? "\n" : ""));
    }
}
