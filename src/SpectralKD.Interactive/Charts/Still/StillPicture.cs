using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SpectralKD.Interactive;

/// <summary>
/// Draws a Plotly figure as an SVG of our own, for where plotly.js is not: curves, markers, texts, bars, heatmaps, axes, legend, colour bars. Words take
/// the page's colour (<c>currentColor</c>; grey where the picture is no part of the page); the ground is the page's unless the figure has another than white.
/// </summary>
internal sealed partial class StillPicture
{
    private const double Width = 720;
    private const int LargestFile = 75_000;
    private const string Grey = "#888";
    private static readonly string[] Traces = ["scatter", "scattergl", "bar", "heatmap"];
    private static readonly string[] NotDrawn = ["error_x", "error_y", "stackgroup", "transforms", "base"];

    private readonly JsonElement _layout;
    private readonly IReadOnlyList<JsonElement> _traces;
    private readonly Dictionary<string, StillAxis> _axes = [];
    private readonly StringBuilder _svg = new();
    private double _left = 64;
    private double _right = Width - 22;
    private double _top;
    private double _bottom;

    private StillPicture(JsonElement figure)
    {
        _layout = figure.Get("layout") ?? default;
        _traces = [.. figure.List("data").Where(trace => trace.Get("visible") is not { ValueKind: JsonValueKind.False or JsonValueKind.String })];
    }

    /// <summary>The picture; null for a figure with something that is not drawn here, or with more than some ten thousand points.</summary>
    /// <param name="figureJson">The figure's JSON (<c>application/vnd.plotly.v1+json</c>).</param>
    internal static string? TryDraw(string figureJson)
    {
        using var figure = JsonDocument.Parse(figureJson);
        var picture = new StillPicture(figure.RootElement);
        if (!picture.IsKnown())
        {
            return null;
        }

        var svg = picture.Draw();
        return svg.Length <= LargestFile ? svg : null;
    }

    private bool IsKnown() => _traces.All(trace => Traces.Contains(trace.Text("type") ?? "scatter") && NotDrawn.All(name => trace.Get(name) is null)
            && (trace.Text("type") != "heatmap" || (IsEven(trace, "x") && IsEven(trace, "y") && ScaleOf(trace) is not null))
            && trace.List("marker", "color").All(colour => colour.ValueKind == JsonValueKind.String))
        && _layout.Get("grid") is null
        && _layout.List("shapes").All(shape => shape.Text("type") is "line" or "rect");

    private static bool IsEven(JsonElement trace, string name)
    {
        var values = trace.List(name).Select(StillAxis.Number).ToList();
        return values.Count < 3 || values.Contains(null)
            || values.Zip(values.Skip(1), (one, next) => next - one).All(step => Math.Abs(step!.Value - (values[1] - values[0])!.Value) < 1e-6 * Math.Abs((values[^1] - values[0])!.Value));
    }

    private string Draw()
    {
        var title = Lines(_layout.Text("title", "text") ?? _layout.Text("title") ?? "", 88);
        _top = title.Count == 0 ? 24 : 30 + (20 * title.Count);
        var legend = LegendRows();
        var height = (_layout.Number("height") ?? 450) + Math.Max(0, legend.Count - 1) * 20;
        _bottom = height - 52 - (legend.Count * 22) - (17 * _traces.Select(trace => Lines(_layout.Text(LayoutName(AxisName(trace, "x")), "title", "text") ?? "", 200).Count - 1).DefaultIfEmpty(0).Max());
        _right -= ColourBars().Any(bar => (bar.Get("x") is { } x ? StillAxis.Number(x) : null) is null or >= 1) ? 82 : 0;
        _right -= Math.Max(0, (_layout.Number("margin", "r") ?? 0) - 60); // for names at the curves' ends
        MakeAxes();
        foreach (var (name, axis) in _axes)
        {
            DrawAxis(name, axis);
        }

        _layout.List("shapes").Where(shape => shape.Text("layer") == "below").ToList().ForEach(DrawShape);
        for (var i = 0; i < _traces.Count; i++)
        {
            DrawTrace(_traces[i], i);
        }

        _layout.List("shapes").Where(shape => shape.Text("layer") != "below").ToList().ForEach(DrawShape);
        _layout.List("annotations").ToList().ForEach(DrawAnnotation);
        DrawColourBars();
        DrawLegend(legend);
        for (var i = 0; i < title.Count; i++)
        {
            Write(14, 28 + (20 * i), title[i], i == 0 ? 17 : 13, i == 0 ? "font-weight=\"bold\"" : "opacity=\".75\"");
        }

        return Invariant($"<svg color=\"#7d8590\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" font-family=\"Segoe UI,DejaVu Sans,Arial,sans-serif\" fill=\"currentColor\">")
            + Ground(height) + _svg + "</svg>";
    }

    private string Ground(double height) => _layout.Text("paper_bgcolor") is { } ground && !White().IsMatch(ground)
        ? Invariant($"<rect width=\"{Width}\" height=\"{height}\" fill=\"{Encode(ground)}\"/>") : "";

    private void MakeAxes()
    {
        foreach (var (name, values) in _traces.SelectMany(trace => new[] { ("x", trace), ("y", trace) }).GroupBy(
            pair => AxisName(pair.trace, pair.Item1), pair => ValuesOf(pair.trace, pair.Item1)).Select(group => (group.Key, group.SelectMany(values => values).ToList())).ToList())
        {
            _axes[name] = new StillAxis(_layout.Get(LayoutName(name)) ?? default, values);
        }

        foreach (var trace in _traces)
        {
            var (x, y) = (_axes[AxisName(trace, "x")], _axes[AxisName(trace, "y")]);
            ValuesOf(trace, "x").ForEach(value => Include(x, value, trace.Text("type") is "heatmap" || IsBar(trace, upright: true) ? 0.5 * Pitch(trace, "x") : 0));
            ValuesOf(trace, "y").ForEach(value => Include(y, value, trace.Text("type") is "heatmap" || IsBar(trace, upright: false) ? 0.5 * Pitch(trace, "y") : 0));
            (IsBar(trace, upright: true) ? y : IsBar(trace, upright: false) ? x : null)?.Include(0);
        }

        if (_layout.Text("barmode") is "stack" or "relative")
        {
            foreach (var total in Bars().GroupBy(bar => (bar.Axis, bar.At)).Select(group => (group.Key.Axis, Sum: group.Sum(bar => bar.Size))))
            {
                _axes[total.Axis].Include(total.Sum);
            }
        }

        _left += 17 * (_axes.Where(pair => pair.Key[0] == 'y').Select(pair => Lines(pair.Value.Title, 60).Count).DefaultIfEmpty(1).Max() - 1);
        _left = Math.Max(_left, 40 + _axes.Where(pair => pair.Key[0] == 'y' && pair.Value.IsCategory).SelectMany(pair => ValuesOfAxis(pair.Key)).Select(text => 7 * text.Length).DefaultIfEmpty(0).Max());
        foreach (var (name, axis) in _axes)
        {
            var (from, to) = axis.Domain;
            var filled = _traces.Any(trace => trace.Text("type") is "heatmap" && (AxisName(trace, "x") == name || AxisName(trace, "y") == name));
            var room = filled ? 0 : 0.05;
            if (name[0] == 'x')
            {
                axis.Place(_left + (from * (_right - _left)), _left + (to * (_right - _left)), room);
            }
            else
            {
                axis.Place(_bottom - (from * (_bottom - _top)), _bottom - (to * (_bottom - _top)), room);
            }
        }

        foreach (var axis in _axes.Values.Where(axis => axis.Anchor is { } anchor && _axes.ContainsKey(anchor)))
        {
            var other = _axes[axis.Anchor!];
            var scale = Math.Min(axis.Length / axis.Span, other.Length / other.Span);
            axis.Shrink(scale * axis.Span);
            other.Shrink(scale * other.Span);
        }
    }

    private static void Include(StillAxis axis, JsonElement value, double half)
    {
        if (axis.Value(value) is { } at)
        {
            axis.Include(at - half);
            axis.Include(at + half);
        }
    }

    private static bool IsBar(JsonElement trace, bool upright) => trace.Text("type") == "bar" && (trace.Text("orientation") != "h") == upright;

    private static double Pitch(JsonElement trace, string name) => trace.List(name) is [var first, var second, ..]
        && StillAxis.Number(first) is { } one && StillAxis.Number(second) is { } other ? Math.Abs(other - one) : 1;

    private static string AxisName(JsonElement trace, string letter) => trace.Text(letter + "axis") ?? letter;

    private static string LayoutName(string axis) => axis[..1] + "axis" + axis[1..];

    private IEnumerable<string> ValuesOfAxis(string name)
        => _traces.Where(trace => AxisName(trace, name[..1]) == name).SelectMany(trace => ValuesOf(trace, name[..1])).Select(value => value.ToString()).Distinct();

    // Positions that a trace leaves out count from 0.
    private static List<JsonElement> ValuesOf(JsonElement trace, string letter)
    {
        if (trace.List(letter) is { Count: > 0 } given)
        {
            return [.. given];
        }

        var rows = trace.List("z");
        var count = rows.Count == 0 ? trace.List(letter == "x" ? "y" : "x").Count : letter == "y" ? rows.Count : rows.Max(row => row.GetArrayLength());
        return [.. JsonDocument.Parse($"[{string.Join(',', Enumerable.Range(0, count))}]").RootElement.EnumerateArray()];
    }

    private void DrawAxis(string name, StillAxis axis)
    {
        if (axis.IsHidden)
        {
            return;
        }

        var isX = name[0] == 'x';
        var partner = Partner(name);
        var (near, far) = axis.IsOpposite ? (partner.End, partner.Start) : (partner.Start, partner.End);
        var outwards = (isX ? 1 : -1) * (axis.IsOpposite ? -1 : 1);
        var ticks = axis.Ticks();
        var widest = ticks.Select(tick => tick.Text.Length).DefaultIfEmpty(0).Max() * 7.2;
        var every = isX && ticks.Count > 1 && widest > 0 ? (int)Math.Ceiling((widest + 6) / Math.Abs(ticks[1].Pixel - ticks[0].Pixel)) : 1;
        foreach (var (pixel, text) in ticks.Where((_, i) => i % every == 0))
        {
            if (axis.HasGrid)
            {
                Line(isX ? (pixel, near, pixel, far) : (near, pixel, far, pixel), $"stroke=\"{Grey}\" stroke-opacity=\".25\"");
            }

            Line(isX ? (pixel, near, pixel, near + (5 * outwards)) : (near, pixel, near + (5 * outwards), pixel), $"stroke=\"{Grey}\"");
            Write(isX ? pixel : near + (8 * outwards), isX ? near + (outwards > 0 ? 19 : -9) : pixel + 4.5, text, 13, "", isX ? "middle" : outwards < 0 ? "end" : "start");
        }

        Line(isX ? (axis.Start, near, axis.End, near) : (near, axis.Start, near, axis.End), $"stroke=\"{Grey}\"");
        var middle = (axis.Start + axis.End) / 2;
        var lines = Lines(axis.Title, (int)(axis.Length / 7.2));
        for (var i = 0; i < lines.Count; i++)
        {
            var away = isX ? 38 + (17 * i) : Math.Max(34, widest + 18) + (17 * (lines.Count - 1 - i));
            Write(isX ? middle : near + (outwards * away), isX ? near + (outwards * away) : middle, lines[i], 14, "", "middle", turn: isX ? 0 : -90);
        }
    }

    /// <summary>The axis at which it stands: the named one, else that of its first trace.</summary>
    private StillAxis Partner(string name)
    {
        if (_layout.Text(LayoutName(name), "anchor") is { } anchor && _axes.TryGetValue(anchor, out var named))
        {
            return named;
        }

        var (own, other) = name[0] == 'x' ? ("x", "y") : ("y", "x");
        return _axes[AxisName(_traces.First(trace => AxisName(trace, own) == name), other)];
    }

    private (double X, double Y)? Place(JsonElement thing, string x, string y)
    {
        double? At(string letter, string name)
        {
            var reference = thing.Text(letter + "ref") ?? letter;
            var value = thing.Get(name) ?? default;
            var (start, end) = letter == "x" ? (_left, _right) : (_bottom, _top);
            if (reference == "paper" || reference.EndsWith(" domain", StringComparison.Ordinal))
            {
                var axis = reference == "paper" ? null : _axes.GetValueOrDefault(reference.Split(' ')[0]);
                (start, end) = axis is null ? (start, end) : (axis.Start, axis.End);
                return StillAxis.Number(value) is { } part ? start + (part * (end - start)) : null;
            }

            return _axes.TryGetValue(reference, out var own) && (own.IsLog ? StillAxis.Number(value) : own.Value(value)) is { } at ? own.Pixel(at) : null;
        }

        return At("x", x) is { } across && At("y", y) is { } up ? (across, up) : null;
    }

    private void DrawShape(JsonElement shape)
    {
        if (Place(shape, "x0", "y0") is not { } from || Place(shape, "x1", "y1") is not { } to)
        {
            return;
        }

        if (shape.Text("type") == "line")
        {
            Line((from.X, from.Y, to.X, to.Y), Stroke(shape.Get("line") ?? default, "#444"));
        }
        else
        {
            Box((from.X, from.Y, to.X, to.Y), $"fill=\"{Encode(shape.Text("fillcolor") ?? "none")}\" " + Invariant($"fill-opacity=\"{shape.Number("opacity") ?? 1}\" ") + Stroke(shape.Get("line") ?? default, "#444"));
        }

        if (shape.Text("label", "text") is { } label)
        {
            Write(to.X + 5, Math.Min(from.Y, to.Y) + 13, Plain(label), shape.Number("label", "font", "size") ?? 12, "opacity=\".75\"");
        }
    }

    private void DrawAnnotation(JsonElement note)
    {
        if (Place(note, "x", "y") is not { } at)
        {
            return;
        }

        at.Y -= note.Number("yshift") ?? 0;
        var arrow = note.Get("showarrow") is not { ValueKind: JsonValueKind.False };
        var (ax, ay) = arrow ? (note.Number("ax") ?? -10, note.Number("ay") ?? -30) : (0, 0);
        if (arrow)
        {
            Line((at.X, at.Y, at.X + ax, at.Y + ay), $"stroke=\"{Grey}\"");
        }

        var lines = Lines(note.Text("text") ?? "", 100);
        var size = note.Number("font", "size") ?? 12;
        var anchor = note.Text("xanchor") switch { "left" => "start", "right" => "end", _ => "middle" };
        var rise = note.Text("yanchor") switch { "top" => size, "bottom" => -3 - (size * 1.25 * (lines.Count - 1)), _ => size * 0.35 };
        for (var i = 0; i < lines.Count; i++)
        {
            Write(at.X + ax, at.Y + ay + rise + (i * size * 1.25), lines[i], size, note.Text("font", "color") is { } colour && colour != ChartLook.Ink ? $"fill=\"{Encode(colour)}\"" : "", anchor);
        }
    }

    /// <summary>The lines of a text of plotly's, broken where longer than some letters.</summary>
    private static List<string> Lines(string text, int letters)
    {
        List<string> lines = [];
        foreach (var line in Break().Split(text).Select(Plain).Where(line => line.Length > 0))
        {
            var rest = line;
            while (rest.Length > letters && rest.LastIndexOf(' ', Math.Max(letters, 1)) is > 0 and var space)
            {
                lines.Add(rest[..space]);
                rest = rest[(space + 1)..];
            }

            lines.Add(rest);
        }

        return lines;
    }

    private static string Plain(string text) => WebUtility.HtmlDecode(Tag().Replace(text, ""));

    private void Write(double x, double y, string text, double size, string look = "", string anchor = "start", double turn = 0) => _svg.Append(
        Invariant($"<text x=\"{x:0.#}\" y=\"{y:0.#}\" font-size=\"{size}\"") + (anchor == "start" ? "" : $" text-anchor=\"{anchor}\"") + (look.Length == 0 ? "" : " " + look)
        + (turn == 0 ? "" : Invariant($" transform=\"rotate({turn} {x:0.#} {y:0.#})\"")) + $">{Encode(text)}</text>");

    private void Line((double X0, double Y0, double X1, double Y1) line, string look)
        => _svg.Append(Invariant($"<path d=\"M{line.X0:0.#} {line.Y0:0.#}L{line.X1:0.#} {line.Y1:0.#}\" {look}/>"));

    private void Box((double X0, double Y0, double X1, double Y1) box, string look) => _svg.Append(Invariant(
        $"<path d=\"M{box.X0:0.#} {box.Y0:0.#}H{box.X1:0.#}V{box.Y1:0.#}H{box.X0:0.#}Z\" {look}/>"));

    private void Path(string course, string look) => _svg.Append($"<path d=\"{course}\" {look}/>");

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex("<br ?/?>")]
    private static partial Regex Break();

    [GeneratedRegex("^#[0-9a-fA-F]{6}$")]
    private static partial Regex Hex();

    [GeneratedRegex(@"^rgba?\(\s*([\d.]+),\s*([\d.]+),\s*([\d.]+)")]
    private static partial Regex Function();

    [GeneratedRegex(@"^(white|#fff(fff)?|rgba?\(255, ?255, ?255.*\)|rgba\(0, ?0, ?0, ?0\))$", RegexOptions.IgnoreCase)]
    private static partial Regex White();
}
