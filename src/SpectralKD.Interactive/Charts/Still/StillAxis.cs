using System.Globalization;
using System.Text.Json;

namespace SpectralKD.Interactive;

/// <summary>One axis of a <see cref="StillPicture"/>: takes the figure's values to pixels, and knows its ticks.</summary>
internal sealed class StillAxis
{
    private readonly List<string> _categories = [];
    private readonly JsonElement _layout;
    private double _low = double.PositiveInfinity;
    private double _high = double.NegativeInfinity;
    private double _start;
    private double _end;

    /// <summary>Reads the axis; <see cref="Include"/> and <see cref="Place"/> follow.</summary>
    /// <param name="layout">The axis in the figure's layout; undefined where there is none.</param>
    /// <param name="values">Every value drawn on it: strings that are no numbers make it one of categories.</param>
    internal StillAxis(JsonElement layout, IReadOnlyCollection<JsonElement> values)
    {
        _layout = layout;
        var type = layout.Text("type");
        IsLog = type == "log";
        IsCategory = type is "category" or "date" || (type is null or "-" && values.Any(value => value.ValueKind == JsonValueKind.String && Number(value) is null));
        if (IsCategory)
        {
            _categories = [.. values.Where(value => value.ValueKind is JsonValueKind.String or JsonValueKind.Number).Select(value => value.ToString()).Distinct()];
        }
    }

    internal bool IsLog { get; }

    internal bool IsCategory { get; }

    internal string Title => _layout.Text("title", "text") ?? _layout.Text("title") ?? "";

    internal bool HasGrid => _layout.Get("showgrid") is not { ValueKind: JsonValueKind.False };

    internal bool IsHidden => _layout.Get("visible") is { ValueKind: JsonValueKind.False };

    internal bool IsOpposite => _layout.Text("side") is "right" or "top";

    /// <summary>The axis that this one's scale is tied to, for example <c>x</c>.</summary>
    internal string? Anchor => _layout.Text("scaleanchor");

    /// <summary>Its share of the plot, from 0 to 1.</summary>
    internal (double From, double To) Domain => _layout.Numbers("domain") is [var from, var to] ? (from, to) : (0, 1);

    internal double Length => Math.Abs(_end - _start);

    internal double Span => Math.Abs(_high - _low);

    internal double Start => _start;

    internal double End => _end;

    /// <summary>The value on the axis' own scale: its logarithm, its category's number; null where it has no place.</summary>
    internal double? Value(JsonElement value)
    {
        if (IsCategory)
        {
            var place = value.ValueKind is JsonValueKind.String or JsonValueKind.Number ? _categories.IndexOf(value.ToString()) : -1;
            return place >= 0 ? place : null;
        }

        return Number(value) is { } number ? (IsLog ? (number > 0 ? Math.Log10(number) : null) : number) : null;
    }

    /// <summary>Makes room for a value of the axis' own scale.</summary>
    internal void Include(double value) => (_low, _high) = (Math.Min(_low, value), Math.Max(_high, value));

    /// <summary>Decides the range, with room of a share of the values' span at both ends, and lays it between two pixels.</summary>
    internal void Place(double start, double end, double room)
    {
        (_start, _end) = (start, end);
        if (_layout.Numbers("range") is [var from, var to])
        {
            (_low, _high) = (from, to);
            return;
        }

        if (_low > _high)
        {
            (_low, _high) = (0, 1);
        }

        var toZero = _layout.Text("rangemode") == "tozero" && !IsLog;
        var padding = _high > _low ? room * (_high - _low) : 0.5;
        (_low, _high) = (_low - padding, _high + padding);
        if (toZero)
        {
            (_low, _high) = _low + padding >= 0 ? (0, _high) : (_low, Math.Max(0, _high));
        }

        if (_layout.Text("autorange") == "reversed")
        {
            (_low, _high) = (_high, _low);
        }
    }

    /// <summary>Makes it shorter around its middle.</summary>
    internal void Shrink(double length)
    {
        var (middle, half) = ((_start + _end) / 2, length / 2 * Math.Sign(_end - _start));
        (_start, _end) = (middle - half, middle + half);
    }

    /// <summary>The pixel of a value of the axis' own scale.</summary>
    internal double Pixel(double value) => _start + ((value - _low) / (_high - _low) * (_end - _start));

    /// <summary>Where there are ticks, in pixels, and their words.</summary>
    internal IReadOnlyList<(double Pixel, string Text)> Ticks()
    {
        if (_layout.Get("showticklabels") is { ValueKind: JsonValueKind.False })
        {
            return [];
        }

        var (low, high) = (Math.Min(_low, _high), Math.Max(_low, _high));
        var tolerance = 1e-6 * (high - low);
        return [.. Candidates(low, high).Where(tick => tick.At >= low - tolerance && tick.At <= high + tolerance).Select(tick => (Pixel(tick.At), tick.Text))];
    }

    internal static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    private IEnumerable<(double At, string Text)> Candidates(double low, double high)
    {
        if (_layout.Get("tickvals") is { ValueKind: JsonValueKind.Array } values)
        {
            var texts = _layout.Get("ticktext") is { ValueKind: JsonValueKind.Array } named ? named.EnumerateArray().Select(text => text.ToString()).ToList() : [];
            return values.EnumerateArray().Select((value, i) => (Value(value) ?? double.NaN, i < texts.Count ? texts[i] : value.ToString()));
        }

        if (IsCategory)
        {
            var every = Math.Max(1, (int)Math.Ceiling(_categories.Count * 26.0 / Math.Max(1, Length)));
            return Enumerable.Range(0, _categories.Count).Where(i => i % every == 0).Select(i => ((double)i, _categories[i]));
        }

        if (IsLog)
        {
            int[] digits = high - low > 2 ? [1] : [1, 2, 5];
            return Enumerable.Range((int)Math.Floor(low), (int)Math.Ceiling(high) - (int)Math.Floor(low) + 1)
                .SelectMany(decade => digits.Select(digit => (Math.Log10(digit) + decade, Words(digit * Math.Pow(10, decade)))));
        }

        var step = StillAxis.Number(_layout.Get("dtick") ?? default) is { } given and > 0 && Span / given < 60 ? given : Step((high - low) / Math.Clamp(Length / 55, 2, 10));
        var first = Math.Ceiling((low / step) - 1e-9);
        return Enumerable.Range(0, (int)Math.Min(100, Math.Floor((high / step) - first + 1e-9) + 1)).Select(i => ((first + i) * step, Words((first + i) * step)));
    }

    /// <summary>1, 2 or 5 times a power of ten, at least as large.</summary>
    private static double Step(double least)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return power * (new[] { 1, 2, 5 }.Cast<int?>().FirstOrDefault(digit => digit * power >= least * 0.999) ?? 10);
    }

    private static string Words(double value) => Math.Abs(value) < 1e-12 ? "0" : value.ToString("G6", CultureInfo.InvariantCulture).Replace("E+0", "e", StringComparison.Ordinal);
}

/// <summary>Reading a figure's JSON by names, where any part may be missing.</summary>
internal static class FigureJsonReading
{
    internal static JsonElement? Get(this JsonElement node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (node.ValueKind != JsonValueKind.Object || !node.TryGetProperty(name, out node))
            {
                return null;
            }
        }

        return node;
    }

    internal static string? Text(this JsonElement node, params ReadOnlySpan<string> path)
        => node.Get(path) is { ValueKind: JsonValueKind.String } found ? found.GetString() : null;

    internal static double? Number(this JsonElement node, params ReadOnlySpan<string> path) => node.Get(path) is { } found ? StillAxis.Number(found) : null;

    internal static double[] Numbers(this JsonElement node, string name) => node.Get(name) is { ValueKind: JsonValueKind.Array } list
        ? [.. list.EnumerateArray().Select(value => StillAxis.Number(value) ?? double.NaN)] : [];

    internal static IReadOnlyList<JsonElement> List(this JsonElement node, params ReadOnlySpan<string> path)
        => node.Get(path) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];
}
