using System.Globalization;
using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>A spectrum at one glance: model, images, verdict, and a table of its blocks.</summary>
/// <param name="Spectrum">The spectrum.</param>
internal sealed record SpectrumView(ModelSpectrum Spectrum) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div><b>{WebUtility.HtmlEncode(Spectrum.Title)}</b> {WebUtility.HtmlEncode(About())}</div>"
        + $"{new UShapeView(Spectrum.UShape).ToHtml()}<details open><summary>{PlainText.Count(Spectrum.Blocks.Length, "block")}</summary>{Blocks().ToHtml()}</details>";

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(
        Environment.NewLine, $"{Spectrum.Title} {About()}", new UShapeView(Spectrum.UShape).ToPlainText(), Blocks().ToPlainText());

    private string About()
    {
        var domain = Spectrum.Domain == SpectralDomain.Both ? "both domains" : $"{Spectrum.Domain.ToString().ToLowerInvariant()} domain";
        var skipped = Spectrum.Skipped.Length > 0 ? $", {Spectrum.Skipped.Length} unreadable left out" : "";
        return FormattableString.Invariant($"{PlainText.Count(Spectrum.Images, "image")} of {Spectrum.Source}{skipped}, {domain}") + (Spectrum.Weights is { } weights ? $", {weights.Words}" : "");
    }

    private TextTable Blocks()
    {
        var spatial = Spectrum.Domain.HasFlag(SpectralDomain.Spatial);
        var entropy = Spectrum.Blocks.Any(block => block.Entropy is not null);
        string?[] headers =
        [
            "block", "name", "map (C×H×W)", "intensity", "± over images",
            spatial ? "uniformity" : null, spatial ? "high-frequency ratio" : null, entropy ? "activation entropy (bits)" : null,
        ];
        return Spectrum.Blocks.Aggregate(new TextTable([.. headers.OfType<string>()]), (table, block) => table.Add(Row(block, spatial, entropy)));
    }

    private static string[] Row(BlockSpectrum block, bool spatial, bool entropy)
    {
        string?[] cells =
        [
            FormattableString.Invariant($"{block.Index}"),
            block.Name,
            $"{block.Channels}×{block.Height}×{block.Width}",
            FormattableString.Invariant($"{block.Intensity:G5}"),
            FormattableString.Invariant($"{block.IntensityDeviation:G2}"),
            spatial ? FormattableString.Invariant($"{block.Uniformity:0.0000}") : null,
            spatial ? FormattableString.Invariant($"{block.HighFrequencyRatio:0.0000}") : null,
            entropy ? FormattableString.Invariant($"{block.ActivationEntropy:0.000}") : null,
        ];
        return [.. cells.OfType<string>()];
    }
}

/// <summary>A U-curve's verdict in words, with its means and, where there is no U, the warning.</summary>
/// <param name="Shape">The verdict.</param>
internal sealed record UShapeView(UShape Shape) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div><b>{WebUtility.HtmlEncode(Shape.Words)}</b>{WebUtility.HtmlEncode(Means())}"
        + (Shape.Warning is { } warning ? $"<br>⚠ {WebUtility.HtmlEncode(warning)}" : "") + "</div>";

    /// <inheritdoc/>
    public string ToPlainText() => Shape.Words + Means() + (Shape.Warning is { } warning ? $"{Environment.NewLine}Warning: {warning}" : "");

    private string Means() => Shape.Verdict == UShapeVerdict.TooFewBlocks ? "" : FormattableString.Invariant(
        $": mean intensity {Shape.First:G4} in the first quarter, {Shape.Middle:G4} in the middle half, {Shape.Last:G4} in the last quarter");
}

/// <summary>Layer pairs as a table.</summary>
/// <param name="Pairs">The pairs.</param>
internal sealed record LayerPairsView(LayerPairs Pairs) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div>{WebUtility.HtmlEncode(About())}</div>{Table().ToHtml()}";

    /// <inheritdoc/>
    public string ToPlainText() => About() + Environment.NewLine + Table().ToPlainText();

    private string About() => FormattableString.Invariant(
        $"{Pairs.Student} from {Pairs.Teacher}: {PlainText.Count(Pairs.Pairs.Length, "layer pair")} ({Pairs.Strategy.ToString().ToLowerInvariant()}: {Pairs.Reason})");

    private TextTable Table() => Pairs.Pairs.Aggregate(
        new TextTable("pair", "student", "student map (C×H×W)", "teacher", "teacher map (C×H×W)"),
        (table, pair) => table.Add(
            FormattableString.Invariant($"{Pairs.Pairs.IndexOf(pair) + 1}"), pair.Student.Name, Map(pair.Student), pair.Teacher.Name, Map(pair.Teacher)));

    private static string Map(Models.BlockInfo block) => $"{block.Channels}×{block.Height}×{block.Width}";
}

/// <summary>A report at one glance: what makes the curve, and two tables of the blocks: sizes and spectra, dimensions.</summary>
/// <param name="Report">The report.</param>
internal sealed record ReportView(SpectralReport Report) : INotebookView
{
    private static readonly string[] Notes =
    [
        "intensity = RMS × kappa, exactly (Parseval). mean: share of the power in the maps' means. Flatness: geometric over arithmetic mean of the power spectrum.",
        "image d95, centred: components that hold 95 % of the energy in nearly all images (99th percentile), as published and without the mean token. rank: effective rank of all tokens, of C.",
        "SEP 50 %: channel frequencies that hold half of the energy, and what any order of the channels gives on average: where the two agree, it says nothing.",
        "folded: the same counting k and C - k as one, of C / 2 + 1. shared d95: components of the basis of all tokens that hold 95 % of the energy of nearly every image.",
        "outliers: tokens longer than 4 times their image's median. massive: activations above 100 and 1000 times the median, an image.",
    ];

    private const string Incomplete = "Activation entropy and shared d95 are missing: they take a second pass over the images, by the range and the basis of all parts (AddSecondPass, --whole).";

    /// <inheritdoc/>
    public string ToHtml() => $"<div style='margin-bottom:10px'>{WebUtility.HtmlEncode(Report.Words)}</div>{(Report.IsComplete ? "" : $"<div>{Incomplete}</div>")}{Sizes().ToHtml()}<br>{Dimensions().ToHtml()}"
        + $"<details style='margin:8px 0 16px'><summary>What the columns mean</summary><ul>{string.Concat(Notes.Select(note => $"<li>{WebUtility.HtmlEncode(note)}</li>"))}</ul></details>";

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(Environment.NewLine, [Report.Words, .. Report.IsComplete ? [] : new[] { Incomplete }, Sizes().ToPlainText(), "", Dimensions().ToPlainText(), .. Notes]);

    private TextTable Sizes() => Report.Blocks.Aggregate(
        new TextTable(
            "block", "intensity", "RMS", "kappa", "mean", "flatness", "SEP 50 %", "null", "folded", "Δ log amplitude", "outliers", "massive", "largest", "entropy"),
        (table, block) => table.Add(
            block.Name,
            Format(block.Spatial.Intensity, "0.0000"),
            Format(block.Spatial.Rms, "0.000"),
            Format(block.Spatial.Kappa, "0.000"),
            Format(block.Spatial.MeanShare, "0.00"),
            Format(block.Spatial.Flatness, "0.000"),
            Format(block.Sep.Dimensions[0], "0"),
            Format(block.Sep.NullDimensions[0], "0"),
            Format(block.Sep.FoldedDimensions[0], "0"),
            Format(block.LogAmplitude?[^1], "0.00"),
            Format(100 * block.Outliers.TokenShare, "0.0") + " %",
            Format(block.Outliers.MassiveActivations, "0.0"),
            Format(block.Outliers.LargestActivation, "0.0"),
            Format(block.ActivationEntropy, "0.00")));

    private TextTable Dimensions() => Report.Blocks.Aggregate(
        new TextTable("block", "C", "image d95", "centred", "rank", "RankMe", "participation", "d95", "shared d95", "alpha", "coding rate"),
        (table, block) => table.Add(
            block.Name,
            Format(block.Channels, "0"),
            Format(block.Ranks.Percentile99[2], "0.0"),
            Format(block.RanksCentred.Percentile99[2], "0.0"),
            Format(block.DataSet.EffectiveRank, "0.0"),
            Format(block.DataSet.RankMe, "0.0"),
            Format(block.DataSet.ParticipationRatio, "0.0"),
            Format(block.DataSet.Components[2], "0"),
            Format(block.DataSet.SharedBasis?.Percentile99[2], "0.0"),
            Format(block.DataSetCentred.Alpha, "0.00"),
            Format(block.DataSetCentred.CodingRate, "0.0")));

    private static string Format(double? value, string format) => value is { } number && !double.IsNaN(number) ? number.ToString(format, CultureInfo.InvariantCulture) : "";
}

/// <summary>A report as one page: what makes the curves, charts of it in both domains, the table.</summary>
internal static class ReportPage
{
    /// <summary>The page; it needs no network.</summary>
    public static string Html(SpectralReport report) => ChartHtml.Page(
        $"Report of {report.Spectrum.Title}",
        $"<div style=\"overflow-x:auto;font:14px sans-serif\"><h1 style=\"font-size:22px\">{WebUtility.HtmlEncode(report.Spectrum.Title)}</h1>{new ReportView(report).ToHtml()}</div>",
        [
            Charts.UCurve(report.Spectrum), Charts.Decomposition(report.Spectrum), Charts.Nulls(report),
            Charts.Decomposition(report.Spectrum, SpectralDomain.Channel), Charts.Nulls(report, SpectralDomain.Channel),
        ]);
}
