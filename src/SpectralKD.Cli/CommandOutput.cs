using System.Text;

namespace SpectralKD.Cli;

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
