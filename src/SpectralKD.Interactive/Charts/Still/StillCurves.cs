using System.Text.Json;

namespace SpectralKD.Interactive;

/// <summary>Curves, markers, texts and bars of a <see cref="StillPicture"/>, and the legend that names them.</summary>
internal sealed partial class StillPicture
{
    private void DrawTrace(JsonElement trace, int number)
    {
        switch (trace.Text("type"))
        {
            case "heatmap":
                DrawHeatmap(trace);
                break;
            case "bar":
                DrawBars(number);
                break;
            default:
                DrawCurve(trace, number);
                break;
        }
    }

    private void DrawCurve(JsonElement trace, int number)
    {
        var points = Points(trace);
        var (mode, colour) = (Mode(trace), Colour(trace, number));
        var runs = Runs(points, trace.Text("line", "shape"));
        if (trace.Text("fill") is "toself" or "tozeroy" or "tonexty" or "tozerox")
        {
            var y = _axes[AxisName(trace, "y")];
            var zero = Math.Clamp(y.IsLog ? y.Start : y.Pixel(0), Math.Min(y.Start, y.End), Math.Max(y.Start, y.End));
            var ends = trace.Text("fill") == "tozeroy" && runs is [[var first, .., var last], ..] ? Invariant($"L{last.X:0.#} {zero:0.#}L{first.X:0.#} {zero:0.#}") : "";
            Path(string.Concat(runs.Select(Course)) + ends + "Z", $"fill=\"{Encode(trace.Text("fillcolor") ?? colour)}\"" + (trace.Text("fillcolor") is null ? " fill-opacity=\".4\"" : ""));
        }

        if (mode.Contains("lines", StringComparison.Ordinal) && (trace.Number("line", "width") ?? 2) > 0)
        {
            Path(string.Concat(runs.Select(Course)), "fill=\"none\" " + Stroke(trace.Get("line") ?? default, colour));
        }

        for (var i = 0; i < points.Count; i++)
        {
            if (points[i] is not { } point)
            {
                continue;
            }

            var size = At(trace, "size", i) is { } own ? StillAxis.Number(own) ?? 6 : 6;
            if (mode.Contains("markers", StringComparison.Ordinal) && trace.Number("marker", "opacity") is not 0)
            {
                Marker(point, size, At(trace, "symbol", i)?.ToString() ?? "circle", At(trace, "color", i)?.ToString() ?? colour, trace.Get("marker", "line"));
            }

            if (mode.Contains("text", StringComparison.Ordinal) && trace.List("text") is var texts && i < texts.Count)
            {
                var place = trace.Text("textposition") ?? "middle center";
                var up = place.StartsWith("top", StringComparison.Ordinal) ? -(size / 2) - 2 : place.StartsWith("bottom", StringComparison.Ordinal) ? (size / 2) + 11 : 4;
                Write(point.X, point.Y + up, Plain(texts[i].ToString()), trace.Number("textfont", "size") ?? 12, "", place.EndsWith("left", StringComparison.Ordinal) ? "end" : place.EndsWith("right", StringComparison.Ordinal) ? "start" : "middle");
            }
        }
    }

    private static string Mode(JsonElement trace) => trace.Text("mode") ?? (trace.List("y").Count < 20 ? "lines+markers" : "lines");

    private static JsonElement? At(JsonElement trace, string name, int index) => trace.Get("marker", name) switch
    {
        { ValueKind: JsonValueKind.Array } list => index < list.GetArrayLength() ? list[index] : null,
        var one => one,
    };

    private List<(double X, double Y)?> Points(JsonElement trace)
    {
        var (x, y) = (_axes[AxisName(trace, "x")], _axes[AxisName(trace, "y")]);
        return [.. ValuesOf(trace, "x").Zip(ValuesOf(trace, "y"), (one, other)
            => x.Value(one) is { } across && y.Value(other) is { } up ? (x.Pixel(across), y.Pixel(up)) : ((double X, double Y)?)null)];
    }

    /// <summary>The points between gaps, with the corners of steps.</summary>
    private static List<List<(double X, double Y)>> Runs(List<(double X, double Y)?> points, string? shape)
    {
        List<List<(double X, double Y)>> runs = [[]];
        foreach (var point in points)
        {
            if (point is not { } here)
            {
                runs.Add([]);
                continue;
            }

            if (shape is "hv" or "vh" && runs[^1] is [.., var last])
            {
                runs[^1].Add(shape == "hv" ? (here.X, last.Y) : (last.X, here.Y));
            }

            if (runs[^1] is not [.., var before] || Math.Abs(before.X - here.X) + Math.Abs(before.Y - here.Y) > 0.3)
            {
                runs[^1].Add(here);
            }
        }

        return [.. runs.Where(run => run.Count > 0)];
    }

    private static string Course(List<(double X, double Y)> run) => "M" + string.Join('L', run.Select(point => Invariant($"{point.X:0.#} {point.Y:0.#}")));

    private static string Stroke(JsonElement line, string colour)
    {
        var width = line.Number("width") ?? 2;
        double[] dash = line.Text("dash") switch { "dash" => [9, 6], "dot" => [2, 4], "dashdot" => [8, 5, 2, 5], "longdash" => [14, 7], "longdashdot" => [14, 6, 2, 6], _ => [] };
        return Invariant($"stroke=\"{Encode(line.Text("color") ?? colour)}\" stroke-width=\"{width}\"") + (dash.Length > 0 ? $" stroke-dasharray=\"{string.Join(' ', dash)}\"" : "");
    }

    private void Marker((double X, double Y) at, double size, string symbol, string colour, JsonElement? outline)
    {
        var (shape, r) = (symbol.Replace("-open", "", StringComparison.Ordinal), size / 2);
        var look = symbol.EndsWith("-open", StringComparison.Ordinal)
            ? $"fill=\"none\" stroke=\"{Encode(colour)}\" stroke-width=\"1.5\""
            : $"fill=\"{Encode(colour)}\"" + (outline is { } line && line.Number("width") > 0 && line.Text("color") is not null ? " " + Stroke(line, colour) : "");
        var corners = shape switch
        {
            "square" => Corners(at, r * 1.27, 4, 45),
            "diamond" => Corners(at, r * 1.3, 4, 0),
            "triangle-up" => Corners(at, r * 1.2, 3, 0),
            "triangle-down" => Corners(at, r * 1.2, 3, 180),
            "hexagon" => Corners(at, r * 1.1, 6, 0),
            "star" => string.Join(' ', Enumerable.Range(0, 10).Select(i => Corner(at, i % 2 == 0 ? r * 1.4 : r * 0.6, i * 36))),
            _ => null,
        };
        _svg.Append(shape is "x" or "cross"
            ? $"<path d=\"M{Corner(at, r * 1.2, shape == "x" ? 45 : 0)}L{Corner(at, r * 1.2, shape == "x" ? 225 : 180)}M{Corner(at, r * 1.2, shape == "x" ? 135 : 90)}L{Corner(at, r * 1.2, shape == "x" ? 315 : 270)}\" stroke=\"{Encode(colour)}\" stroke-width=\"3\"/>"
            : corners is null ? Invariant($"<circle cx=\"{at.X:0.#}\" cy=\"{at.Y:0.#}\" r=\"{r:0.#}\" {look}/>") : $"<polygon points=\"{corners}\" {look}/>");
    }

    private static string Corners((double X, double Y) at, double radius, int count, double first) => string.Join(' ', Enumerable.Range(0, count).Select(i => Corner(at, radius, first + (360.0 * i / count))));

    private static string Corner((double X, double Y) at, double radius, double degrees)
        => Invariant($"{at.X + (radius * Math.Sin(degrees * Math.PI / 180)):0.#} {at.Y - (radius * Math.Cos(degrees * Math.PI / 180)):0.#}");

    /// <summary>All bars in the order of drawing: the axis of their sizes, their place, and their size.</summary>
    private IEnumerable<(int Trace, string Axis, double At, double Size, int Index)> Bars()
    {
        for (var number = 0; number < _traces.Count; number++)
        {
            var trace = _traces[number];
            if (trace.Text("type") != "bar")
            {
                continue;
            }

            var (along, across) = IsBar(trace, upright: true) ? ("x", "y") : ("y", "x");
            var (places, sizes) = (ValuesOf(trace, along), ValuesOf(trace, across));
            for (var i = 0; i < Math.Min(places.Count, sizes.Count); i++)
            {
                if (_axes[AxisName(trace, along)].Value(places[i]) is { } at && _axes[AxisName(trace, across)].Value(sizes[i]) is { } size)
                {
                    yield return (number, AxisName(trace, across), at, size, i);
                }
            }
        }
    }

    private void DrawBars(int number)
    {
        var trace = _traces[number];
        var upright = IsBar(trace, upright: true);
        var (along, across) = upright ? (_axes[AxisName(trace, "x")], _axes[AxisName(trace, "y")]) : (_axes[AxisName(trace, "y")], _axes[AxisName(trace, "x")]);
        var bars = Bars().ToList();
        var sharing = bars.Select(bar => bar.Trace).Distinct().ToList();
        var mode = _layout.Text("barmode") ?? "group";
        var (count, place) = mode == "group" ? (sharing.Count, sharing.IndexOf(number)) : (1, 0);
        var wide = Pitch(trace, upright ? "x" : "y") * 0.8;
        foreach (var bar in bars.Where(bar => bar.Trace == number))
        {
            var below = mode is "stack" or "relative" ? bars.Where(other => other.Trace < number && other.At == bar.At && Math.Sign(other.Size) == Math.Sign(bar.Size)).Sum(other => other.Size) : 0;
            var (a, b) = (along.Pixel(bar.At - (wide / 2) + (wide * place / count)), along.Pixel(bar.At - (wide / 2) + (wide * (place + 1) / count)));
            var (c, d) = (across.Pixel(below), across.Pixel(below + bar.Size));
            Box(upright ? (a, c, b, d) : (c, a, d, b), $"fill=\"{Encode(At(trace, "color", bar.Index)?.ToString() ?? Colour(trace, number))}\"");
        }
    }

    /// <summary>The legend's rows, each of a trace's number, its name, and where it begins.</summary>
    private List<List<(int Trace, string Name, double Left)>> LegendRows()
    {
        var named = _traces.Select((trace, i) => (Trace: i, Name: Plain(trace.Text("name") ?? $"trace {i}"), Shown: trace.Get("showlegend") is not { ValueKind: JsonValueKind.False } && trace.Text("type") != "heatmap"))
            .Where(entry => entry.Shown).ToList();
        if (_layout.Get("showlegend") is { ValueKind: JsonValueKind.False } || (named.Count < 2 && _layout.Get("showlegend") is not { ValueKind: JsonValueKind.True }))
        {
            return [];
        }

        List<List<(int, string, double)>> rows = [[]];
        var left = 14.0;
        foreach (var (trace, name, _) in named)
        {
            var wide = 56 + (6.9 * name.Length);
            if (left + wide > Width && rows[^1].Count > 0)
            {
                rows.Add([]);
                left = 14;
            }

            rows[^1].Add((trace, name, left));
            left += wide;
        }

        return rows;
    }

    private void DrawLegend(List<List<(int Trace, string Name, double Left)>> rows)
    {
        for (var row = 0; row < rows.Count; row++)
        {
            var y = _bottom + 62 + (22 * row);
            foreach (var (number, name, left) in rows[row])
            {
                var (trace, colour) = (_traces[number], Colour(_traces[number], number));
                if (trace.Text("type") == "bar" || trace.Text("fill") is "toself")
                {
                    Box((left, y - 6, left + 28, y + 5), $"fill=\"{Encode(trace.Text("fillcolor") ?? colour)}\"");
                }
                else
                {
                    if (Mode(trace).Contains("lines", StringComparison.Ordinal))
                    {
                        Line((left, y, left + 30, y), Stroke(trace.Get("line") ?? default, colour));
                    }

                    if (Mode(trace).Contains("markers", StringComparison.Ordinal))
                    {
                        Marker((left + 15, y), 8, At(trace, "symbol", 0)?.ToString() ?? "circle", At(trace, "color", 0)?.ToString() ?? colour, null);
                    }
                }

                Write(left + 36, y + 4.5, name, 13);
            }
        }
    }

    private string Colour(JsonElement trace, int number)
        => trace.Text("line", "color") ?? trace.Text("marker", "color") ?? (_layout.List("colorway") is { Count: > 0 } way ? way[number % way.Count].ToString() : ChartLook.Colour(number));
}
