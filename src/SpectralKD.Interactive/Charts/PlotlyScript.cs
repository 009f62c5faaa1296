using System.IO.Compression;
using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

/// <summary>plotly.js itself (MIT licence), from the copy that Plotly.NET carries: charts need no network.</summary>
public static class PlotlyScript
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
