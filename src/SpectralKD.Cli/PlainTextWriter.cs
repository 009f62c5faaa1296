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
