using System.Globalization;
using System.Net;

namespace SpectralKD.Interactive.Views;

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
