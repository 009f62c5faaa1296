using SpectralKD.Spectra;

namespace SpectralKD.Cli;

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
