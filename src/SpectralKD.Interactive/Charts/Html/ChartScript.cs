using System.IO.Compression;
using System.Text.RegularExpressions;
using Plotly.NET;

namespace SpectralKD.Interactive;

/// <summary>
/// Which of a notebook's charts carry plotly.js, 1.4 MB: the first one shown, and again where that one's output goes away (see <see cref="CarriedScript"/>). The
/// others find it in their page, whatever the order, and show a picture until then.
/// </summary>
internal static partial class ChartScript
{
    /// <summary>Environment variable; <c>every</c> has the effect of <see cref="InEveryChart"/>.</summary>
    public const string Variable = "SPECTRALKD_CHART_SCRIPT";

    private const string Opening = "<script type=\"text/plain\" class=\"spectralkd-plotly\" ";

    [ThreadStatic]
    private static int _shared;

    /// <summary>True: every chart's output carries plotly.js, for front ends that give each output a page of its own. False at the start unless the environment says so.</summary>
    public static bool InEveryChart { get; set; } = string.Equals(Environment.GetEnvironmentVariable(Variable), "every", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Asked for a chart that is formatted outside of <see cref="Share"/>: whether it is to carry plotly.js. Null, as in a program without a notebook: always.
    /// </summary>
    public static Func<bool>? IsDue { get; set; }

    /// <summary>
    /// Until disposed, charts that this thread formats leave a place for the script, to be filled by <see cref="With"/> or left empty: for hosts that
    /// know which output is shown in the end.
    /// </summary>
    public static IDisposable Share() => new Sharing();

    /// <summary>Whether HTML has a place for the script.</summary>
    public static bool HasPlace(string html) => Place().IsMatch(html);

    /// <summary>Whether HTML carries the script.</summary>
    public static bool IsIn(string html) => html.Contains(Opening, StringComparison.Ordinal);

    /// <summary>The HTML with the script in the first place for it.</summary>
    public static string With(string html) => Place().Replace(html, place => Element(place.Groups[1].Value), 1);

    /// <summary>What goes into the HTML of a chart of a notebook.</summary>
    internal static string For(string id) => _shared > 0 && !InEveryChart ? $"<!--plotly.js for {id}-->" : InEveryChart || IsDue?.Invoke() != false ? Element(id) : "";

    /// <summary>The script, compressed, in an element that does not run by itself.</summary>
    internal static string Element(string id) => $"""{Opening}id="{id}-library">{PlotlyScript.CompressedBase64}</script>""";

    [GeneratedRegex("<!--plotly.js for ([a-z0-9-]+)-->")]
    private static partial Regex Place();

    private sealed class Sharing : IDisposable
    {
        private bool _ended;

        public Sharing() => _shared++;

        public void Dispose()
        {
            _shared -= _ended ? 0 : 1;
            _ended = true;
        }
    }
}

/// <summary>
/// Remembers which output of a notebook carries plotly.js, and decides when the next one is to: there is none yet; its cell runs again, was deleted or
/// cleared its output; what carries it is replaced; a cell that showed a chart without it is run again as it is, as one does where a chart stays a picture.
/// One for each session of a kernel; any thread.
/// </summary>
internal sealed class CarriedScript
{
    private readonly object _gate = new();
    private readonly HashSet<(string? Cell, string Code)> _without = [];
    private Carrier? _carrier;

    /// <summary>Whether an output carries it.</summary>
    public bool IsCarried
    {
        get
        {
            lock (_gate)
            {
                return _carrier is not null;
            }
        }
    }

    /// <summary>A cell begins to run, which removes its earlier outputs.</summary>
    /// <param name="cell">The cell's name in the front end; null where that names none: then equal code is the same cell.</param>
    /// <param name="code">The cell's code.</param>
    /// <param name="deleted">Names of cells that were deleted lately.</param>
    public void Begin(string? cell, string code, params IReadOnlyCollection<string> deleted)
    {
        ArgumentNullException.ThrowIfNull(code);
        ArgumentNullException.ThrowIfNull(deleted);
        lock (_gate)
        {
            var gone = _carrier is { } carrier && (IsSame(carrier, cell, code) || (carrier.Cell is not null && deleted.Contains(carrier.Cell)));
            _carrier = gone || _without.Contains((cell, code)) ? null : _carrier;
        }
    }

    /// <summary>Something is shown.</summary>
    /// <param name="run">The run of a cell that shows it, by identity.</param>
    /// <param name="cell">As in <see cref="Begin"/>.</param>
    /// <param name="code">The cell's code.</param>
    /// <param name="display">The output's name, under which it may be replaced; null where it has none.</param>
    /// <param name="isChart">Whether it needs the script.</param>
    /// <returns>True where it is to carry the script.</returns>
    public bool Show(object run, string? cell, string code, string? display, bool isChart)
    {
        lock (_gate)
        {
            if (display is not null && _carrier?.Display == display)
            {
                _carrier = null;
            }

            if (!isChart)
            {
                return false;
            }

            if (_carrier is not null)
            {
                _without.Add((cell, code));
                return false;
            }

            _carrier = new Carrier(run, cell, code, display);
            _without.Clear();
            return true;
        }
    }

    /// <summary>A run's outputs are cleared.</summary>
    public void Clear(object run)
    {
        lock (_gate)
        {
            _carrier = _carrier?.Run == run ? null : _carrier;
        }
    }

    private static bool IsSame(Carrier carrier, string? cell, string code) => cell is not null && carrier.Cell is not null ? cell == carrier.Cell : carrier.Code == code;

    private sealed record Carrier(object Run, string? Cell, string Code, string? Display);
}

/// <summary>plotly.js itself (MIT licence), from the copy that Plotly.NET carries: charts need no network.</summary>
internal static class PlotlyScript
{
    private const string Prefix = "Plotly.NET.plotly-";
    private const string Suffix = ".min.js";

    private static readonly Lazy<string> LazySource = new(ReadSource);
    private static readonly Lazy<string> LazyCompressed = new(Compress);

    /// <summary>The library's text, about 3.6 MB, safe inside a <c>script</c> element; sets <c>window.Plotly</c>.</summary>
    public static string Source => LazySource.Value;

    /// <summary><see cref="Source"/>, compressed with gzip and written in base64, about 1.4 MB.</summary>
    public static string CompressedBase64 => LazyCompressed.Value;

    /// <summary>Version of plotly.js, for example <c>2.28.0</c>.</summary>
    public static string Version { get; } = ResourceName()[Prefix.Length..^Suffix.Length];

    private static string ResourceName()
        => typeof(GenericChart).Assembly.GetManifestResourceNames().First(
            name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal));

    private static string ReadSource()
    {
        using var stream = typeof(GenericChart).Assembly.GetManifestResourceStream(ResourceName())!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Replace("</script", "<\\/script", StringComparison.OrdinalIgnoreCase);
    }

    private static string Compress()
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.SmallestSize, leaveOpen: true))
        using (var writer = new StreamWriter(gzip))
        {
            writer.Write(Source);
        }

        return Convert.ToBase64String(target.GetBuffer(), 0, (int)target.Length);
    }
}
