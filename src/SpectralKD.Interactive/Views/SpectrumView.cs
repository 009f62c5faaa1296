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
