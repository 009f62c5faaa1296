namespace SpectralKD.Interactive;

/// <summary>How a curve looks: colour and marker say whose it is, the line's style which state of it.</summary>
/// <param name="Colour">For example <c>#0072B2</c>.</param>
/// <param name="Dash">plotly's name of a line style.</param>
/// <param name="Symbol">plotly's name of a marker.</param>
internal sealed record SeriesLook(string Colour, string Dash, string Symbol)
{
    private static readonly string[] Trained = ["solid", "dash", "longdash", "dashdot"];
    private static readonly string[] Untrained = ["dot", "longdashdot"];

    /// <summary>The look of a place in the order of colours, each with its own dash and marker.</summary>
    internal static SeriesLook Of(int place) => new(ChartLook.Colour(place), ChartLook.Dash(place), ChartLook.Symbol(place));

    /// <summary>One colour for each of several names, the same on the whole page, with a solid line.</summary>
    internal static IReadOnlyList<SeriesLook> OfNames(IReadOnlyList<string> names) => [.. PageColours.Of(names).Select(place => Of(place) with { Dash = Trained[0] })];

    /// <summary>
    /// Models: a colour for each, solid where it is trained, dotted with hollow markers where it is not, dashed for the second spectrum of a model. The branches of a model's
    /// blocks are curves of other things, with colours and dashes of their own.
    /// </summary>
    internal static IReadOnlyList<SeriesLook> OfModels(IReadOnlyList<ModelSpectrum> spectra)
    {
        var colours = OfNames([.. spectra.Select(NameOf)]);
        return [.. spectra.Select((spectrum, i) =>
        {
            var earlier = spectra.Take(i).Count(other => NameOf(other) == NameOf(spectrum) && IsUntrained(other) == IsUntrained(spectrum));
            return IsUntrained(spectrum) ? colours[i].Hollow(Untrained[earlier % Untrained.Length]) : colours[i] with { Dash = Trained[((int)spectrum.At + earlier) % Trained.Length] };
        })];
    }

    /// <summary>A model before and after a training: the colour is one, what was before is dashed (dotted where it was untrained) and hollow.</summary>
    internal static (SeriesLook Before, SeriesLook After) OfTraining(ModelSpectrum before, ModelSpectrum after)
    {
        var look = OfNames([after.Model])[0];
        return (look.Hollow(IsUntrained(before) ? Untrained[0] : Trained[1]), look);
    }

    private static string NameOf(ModelSpectrum spectrum) => spectrum.At == MapPoint.Resid ? spectrum.Model : $"{spectrum.Model} at {spectrum.At}";

    private static bool IsUntrained(ModelSpectrum spectrum) => spectrum.Weights is { IsUntrained: true };

    private SeriesLook Hollow(string dash) => this with { Dash = dash, Symbol = Symbol + "-open" };
}

/// <summary>
/// Which colour a model, a run or a method has: places in the order in which a notebook's charts first showed the names, so that one keeps its colour from chart to chart.
/// One list for each process, which is a notebook's kernel; any thread.
/// </summary>
internal static class PageColours
{
    private static readonly Dictionary<string, int> Places = [];

    /// <summary>A place for each name, different within one chart as far as there are colours.</summary>
    internal static int[] Of(IReadOnlyList<string> names)
    {
        lock (Places)
        {
            var taken = new Dictionary<string, int>();
            foreach (var name in names.Distinct())
            {
                Places.TryAdd(name, Places.Count % ChartLook.ColourCount);
                var place = Places[name];
                for (var tried = 1; taken.ContainsValue(place) && tried < ChartLook.ColourCount; tried++)
                {
                    place = (place + 1) % ChartLook.ColourCount;
                }

                taken[name] = place;
            }

            return [.. names.Select(name => taken[name])];
        }
    }
}

/// <summary>Colours of what has an order, such as epochs or depth: from violet to orange, dark enough for white paper and light enough for a dark page.</summary>
internal static class Sequence
{
    private static readonly byte[][] Stops = [[0x5f, 0x5f, 0xd3], [0xc2, 0x4d, 0x9a], [0xe0, 0x7b, 0x39]];

    /// <summary>The colour of one of several, in order.</summary>
    internal static string Colour(int number, int count) => At(count < 2 ? 0 : (double)number / (count - 1));

    /// <summary>The scale for a colour bar.</summary>
    internal static object[][] Scale { get; } = [[0, At(0)], [0.5, At(0.5)], [1, At(1)]];

    private static string At(double part)
    {
        var (below, rest) = part >= 1 ? (1, 1.0) : ((int)(part * 2), (part * 2) - (int)(part * 2));
        return "#" + string.Concat(Stops[below].Zip(Stops[below + 1], (one, other) => FormattableString.Invariant($"{(int)Math.Round(one + (rest * (other - one))):x2}")));
    }
}
