using System.Globalization;
using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>How far a running command is: a bar, the rate and the time left.</summary>
/// <param name="What">What is being done, for example <c>analysing model on textures</c>.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all; 0 where unknown.</param>
/// <param name="Unit">The unit in the plural, for example <c>images</c>.</param>
/// <param name="Elapsed">Time since the start.</param>
public sealed record ProgressView(string What, long Done, long Total, string Unit, TimeSpan Elapsed) : INotebookView
{
    private double Fraction => Total > 0 ? Math.Clamp((double)Done / Total, 0, 1) : 0;

    private double Rate => Elapsed.TotalSeconds > 0 ? Done / Elapsed.TotalSeconds : 0;

    private string Figures => string.Create(CultureInfo.InvariantCulture, $"{Done:N0}{(Total > 0 ? $"/{Total:N0}" : "")} {Unit}, {RateText}, {Left}");

    private string RateText => Rate >= 10 || Rate == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Rate:N0} {Unit}/s")
        : string.Create(CultureInfo.InvariantCulture, $"{Rate:0.0#} {Unit}/s");

    private string Left => Fraction >= 1 ? $"took {Duration(Elapsed)}"
        : Fraction > 0 && Rate > 0 ? $"{Duration(TimeSpan.FromSeconds((Total - Done) / Rate))} left"
        : $"{Duration(Elapsed)} so far";

    /// <inheritdoc/>
    public string ToHtml() => string.Create(CultureInfo.InvariantCulture, $"""
        <div style="font-size:90%">{WebUtility.HtmlEncode(What)} <progress value="{Fraction:0.####}" max="1" style="width:16em;vertical-align:middle"></progress> {WebUtility.HtmlEncode(Figures)}</div>
        """);

    /// <inheritdoc/>
    public string ToPlainText()
    {
        var filled = (int)(Fraction * 20);
        return $"{What} [{new string('#', filled)}{new string('.', 20 - filled)}] {Figures}";
    }

    private static string Duration(TimeSpan time) => time.TotalSeconds < 60
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s")
        : time.TotalHours < 1 ? $"{time.Minutes} min {time.Seconds:00} s" : $"{(int)time.TotalHours} h {time.Minutes:00} min";
}
