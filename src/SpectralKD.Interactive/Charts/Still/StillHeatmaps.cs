using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SpectralKD.Interactive;

/// <summary>Heatmaps of a <see cref="StillPicture"/>, their scales of colours and the bars that explain them.</summary>
internal sealed partial class StillPicture
{
    private static readonly string[] Viridis = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];

    // In units of cells, one path for each of 64 shades, neighbours of one shade as one box.
    private void DrawHeatmap(JsonElement trace)
    {
        var (x, y) = (_axes[AxisName(trace, "x")], _axes[AxisName(trace, "y")]);
        var (columns, rows, z) = (ValuesOf(trace, "x"), ValuesOf(trace, "y"), trace.List("z"));
        var (low, high) = ColourRange(trace);
        var shades = new SortedDictionary<int, StringBuilder>();
        for (var row = 0; row < Math.Min(rows.Count, z.Count); row++)
        {
            var cells = z[row].EnumerateArray().Select(cell => StillAxis.Number(cell) is { } value ? (int)Math.Round(63 * Math.Clamp((value - low) / (high - low), 0, 1)) : -1).ToList();
            for (var (from, to) = (0, 0); from < cells.Count; from = to)
            {
                for (to = from + 1; to < cells.Count && cells[to] == cells[from]; to++)
                {
                }

                if (cells[from] >= 0)
                {
                    shades.TryAdd(cells[from], new StringBuilder());
                    shades[cells[from]].Append(CultureInfo.InvariantCulture, $"M{from} {row}h{to - from}v1h{from - to}z");
                }
            }
        }

        var (left, top) = (x.Value(columns[0])!.Value, y.Value(rows[0])!.Value);
        var (wide, tall) = (StepOf(x, columns), StepOf(y, rows));
        var (x0, y0) = (x.Pixel(left - (wide / 2)), y.Pixel(top - (tall / 2)));
        var scale = ScaleOf(trace)!;
        _svg.Append(CultureInfo.InvariantCulture, $"<g shape-rendering=\"crispEdges\" transform=\"matrix({x.Pixel(left + (wide / 2)) - x0:0.####} 0 0 {y.Pixel(top + (tall / 2)) - y0:0.####} {x0:0.##} {y0:0.##})\">");
        foreach (var (shade, boxes) in shades)
        {
            Path(boxes.ToString(), $"fill=\"{Shade(scale, shade / 63.0)}\"");
        }

        _svg.Append("</g>");
    }

    private static double StepOf(StillAxis axis, List<JsonElement> places) => places.Count < 2 ? 1 : axis.Value(places[1])!.Value - axis.Value(places[0])!.Value;

    /// <summary>What colours a heatmap: the shared axis that it names, or itself.</summary>
    private JsonElement ColoursOf(JsonElement trace) => trace.Text("coloraxis") is { } shared ? _layout.Get(shared) ?? default : trace;

    private (double Low, double High) ColourRange(JsonElement trace)
    {
        var colours = ColoursOf(trace);
        var shared = trace.Text("coloraxis");
        var values = _traces.Where(other => other.Text("type") == "heatmap" && (shared is null ? other.Equals(trace) : other.Text("coloraxis") == shared))
            .SelectMany(other => other.List("z")).SelectMany(row => row.EnumerateArray()).Select(StillAxis.Number).OfType<double>().DefaultIfEmpty(0).ToList();
        var (low, high) = (colours.Number("cmin") ?? colours.Number("zmin") ?? values.Min(), colours.Number("cmax") ?? colours.Number("zmax") ?? values.Max());
        return (low, high > low ? high : low + 1);
    }

    /// <summary>The steps of the colour scale; null for one that is not known here.</summary>
    private (double At, string Colour)[]? ScaleOf(JsonElement trace) => ColoursOf(trace).Get("colorscale") switch
    {
        { ValueKind: JsonValueKind.String } named when named.GetString() == ChartLook.Scale => [.. Viridis.Select((colour, i) => (i / (Viridis.Length - 1.0), colour))],
        { ValueKind: JsonValueKind.Array } steps when steps.EnumerateArray().All(step => step.ValueKind == JsonValueKind.Array && step.GetArrayLength() == 2 && Rgb(step[1].ToString()) is not null)
            => [.. steps.EnumerateArray().Select(step => (step[0].GetDouble(), step[1].ToString()))],
        _ => null,
    };

    private static string Shade((double At, string Colour)[] scale, double at)
    {
        var above = Math.Max(1, Array.FindIndex(scale, step => step.At >= at - 1e-9));
        var (one, other) = (scale[above - 1], scale[Math.Min(above, scale.Length - 1)]);
        var part = other.At > one.At ? (at - one.At) / (other.At - one.At) : 0;
        var mixed = Rgb(one.Colour)!.Zip(Rgb(other.Colour)!, (from, to) => (int)Math.Round(from + (part * (to - from))));
        return $"#{string.Concat(mixed.Select(value => value.ToString("x2", CultureInfo.InvariantCulture)))}";
    }

    private static double[]? Rgb(string colour)
    {
        if (Hex().IsMatch(colour))
        {
            return [.. Convert.FromHexString(colour.AsSpan(1)).Select(value => (double)value)];
        }

        return Function().Match(colour) is { Success: true } match ? [.. Enumerable.Range(1, 3).Select(i => double.Parse(match.Groups[i].Value, CultureInfo.InvariantCulture))] : null;
    }

    private IEnumerable<JsonElement> ColourBars() => HeatmapsWithBars().Select(trace => ColoursOf(trace).Get("colorbar") ?? default);

    private IEnumerable<JsonElement> HeatmapsWithBars() => _traces.Where(trace => trace.Text("type") == "heatmap" && ColoursOf(trace).Get("showscale") is not { ValueKind: JsonValueKind.False })
        .DistinctBy(trace => trace.Text("coloraxis") ?? trace.GetHashCode().ToString(CultureInfo.InvariantCulture));

    private void DrawColourBars()
    {
        foreach (var trace in HeatmapsWithBars())
        {
            var bar = ColoursOf(trace).Get("colorbar") ?? default;
            var (low, high) = ColourRange(trace);
            var tall = (bar.Number("len") ?? 1) * (_bottom - _top) * 0.94;
            var left = _left + ((bar.Number("x") ?? 1.02) * (_right - _left)) + (bar.Get("x") is null ? 4 : 12);
            var middle = _bottom - ((bar.Number("y") ?? 0.5) * (_bottom - _top));
            var scale = ScaleOf(trace)!;
            var axis = new StillAxis(bar, []);
            axis.Include(low);
            axis.Include(high);
            axis.Place(middle + (tall / 2), middle - (tall / 2), 0);
            for (var i = 0; i < 32; i++)
            {
                Box((left, axis.Pixel(low + ((high - low) * i / 32)), left + 14, axis.Pixel(low + ((high - low) * (i + 1) / 32)) - (i < 31 ? 0.5 : 0)), $"fill=\"{Shade(scale, (i + 0.5) / 32)}\"");
            }

            var ticks = axis.Ticks();
            foreach (var (pixel, text) in ticks)
            {
                Write(left + 18, pixel + 4, text, 12);
            }

            var title = Plain(bar.Text("title", "text") ?? bar.Text("title") ?? "");
            Write(left + 32 + (7 * ticks.Select(tick => tick.Text.Length).DefaultIfEmpty(0).Max()), middle, title, 13, "", "middle", turn: -90);
        }
    }
}
