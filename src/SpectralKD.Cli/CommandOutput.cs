using System.Text;
using SpectralKD.Interactive;

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
internal sealed class ProgressLine(TextWriter error) : IProgress<AnalysisProgress>
{
    private readonly bool _terminal = !Console.IsErrorRedirected;
    private TimeSpan _last = TimeSpan.MinValue;

    public void Report(AnalysisProgress value)
    {
        var finished = value.Fraction >= 1;
        if (!finished && _last != TimeSpan.MinValue && value.Elapsed - _last < TimeSpan.FromSeconds(_terminal ? 0.2 : 10))
        {
            return;
        }

        _last = value.Elapsed;
        error.Write(_terminal ? $"\r{value,-60}{(finished ? "\n" : "")}" : $"{value}\n");
    }
}

/// <summary>Writes what an analysis leaves: <c>blocks.csv</c>, <c>spectrum.json</c>, <c>u-curve.html</c>.</summary>
internal static class SpectrumFiles
{
    public static void Write(ModelSpectrum spectrum, string folder, TextWriter output)
    {
        var (csv, json, html) = (Path.Combine(folder, "blocks.csv"), Path.Combine(folder, "spectrum.json"), Path.Combine(folder, "u-curve.html"));
        spectrum.ToDataFrame().SaveTable(csv);
        spectrum.Save(json);
        AtomicFile.WriteText(html, ChartHtml.Page($"U-curve of {spectrum.Title}", Charts.UCurve(spectrum)));
        output.WriteLine($"{spectrum.Title}: {spectrum.Blocks.Length} blocks, {spectrum.Images} images, {spectrum.UShape.Words}");
        foreach (var file in new[] { csv, json, html })
        {
            output.WriteLine(file);
        }
    }
}
