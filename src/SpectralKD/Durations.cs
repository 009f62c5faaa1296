using System.Globalization;

namespace SpectralKD;

/// <summary>The one spelling of how long something took or will take.</summary>
internal static class Durations
{
    /// <summary>As of its seconds.</summary>
    public static string Text(TimeSpan time) => Text(time.TotalSeconds);

    /// <summary><c>2.3 s</c>, <c>1 min 05 s</c>, <c>2 h 05 min</c>.</summary>
    /// <param name="seconds">Any number of at least 0; logs may hold absurd ones.</param>
    public static string Text(double seconds)
    {
        var whole = Math.Round(seconds);
        return (Math.Round(seconds, 1), whole) switch
        {
            ( < 60, _) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
            (_, < 3600) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(whole / 60)} min {whole % 60:00} s"),
            (_, < 3.6e9) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(whole / 3600)} h {Math.Floor(whole % 3600 / 60):00} min"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0e+0} h"),
        };
    }
}
