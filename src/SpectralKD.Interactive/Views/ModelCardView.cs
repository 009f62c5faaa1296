using System.Globalization;
using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>A model at one glance: facts, and a table of its blocks.</summary>
/// <param name="Card">The model's facts.</param>
public sealed record ModelCardView(ModelCard Card) : INotebookView
{
    /// <summary>Looks a model over.</summary>
    public static ModelCardView Of(VisionModel model) => new(ModelCard.Of(model));

    /// <inheritdoc/>
    public string ToHtml() => $"<div><b>{WebUtility.HtmlEncode(Card.Name)}</b> ({Card.Family}){Loud}</div>{Facts().ToHtml()}"
        + $"<details><summary>{Card.Figures.Blocks.Count} blocks</summary>{Blocks().ToHtml()}</details>";

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(
        Environment.NewLine, $"{Card.Name} ({Card.Family}){(Card.Origin.IsUntrained ? " UNTRAINED" : "")}", Facts().ToPlainText(), "", Blocks().ToPlainText());

    private TextTable Facts()
    {
        var preprocessing = Card.Spec.Preprocessing;
        var table = new TextTable("what", "value")
            .Add("input", $"{Card.Input.Channels} x {Card.Input.Height} x {Card.Input.Width}, "
                + Invariant($"crop {preprocessing.CropFraction:0.###}, mean {Triple(preprocessing.Mean)}, std {Triple(preprocessing.Std)}"))
            .Add("classes", Invariant($"{Card.Classes:N0}"))
            .Add("parameters", Invariant($"{Card.Figures.Parameters:N0}") + (Card.TrainableParameters == 0 ? " (frozen)" : ""))
            .Add("forward pass", $"{Scaled(2.0 * Card.Figures.MultiplyAdds)}FLOPs an image ({Scaled(Card.Figures.MultiplyAdds)}multiply-adds)")
            .Add("memory", $"weights {Bytes(Card.WeightBytes)}, feature maps {Bytes(Card.MapBytes)} an image")
            .Add("device", $"{Card.Device}, {Card.NumberType}");
        table.Add("origin", Card.Origin.Words + License);
        return Card.Origin.Notes.Aggregate(table, (rows, note) => rows.Add("note", note));
    }

    private string Loud => Card.Origin.IsUntrained ? " <b style=\"color:var(--vscode-editorWarning-foreground,var(--jp-warn-color0,#d9730d))\">UNTRAINED</b>" : "";

    // The licence of the published weights, where they are what was loaded.
    private string License => Card.CatalogEntry?.Published.FirstOrDefault(published => Card.Origin.Kind switch
    {
        WeightsKind.Hub => published.Repository == Card.Origin.Name,
        WeightsKind.Embedded => published.Repository is null && Card.Origin.Name.EndsWith("." + published.Tag, StringComparison.Ordinal),
        _ => false,
    }) is { } loaded ? $" ({loaded.License})" : "";

    private TextTable Blocks() => Card.Figures.Blocks.Aggregate(
        new TextTable("block", "name", "feature map [C, H, W]", "parameters", "multiply-adds"),
        (table, b) => table.Add(
            Invariant($"{b.Block.Index}"),
            b.Block.Name,
            $"[{b.Block.Channels}, {b.Block.Height}, {b.Block.Width}]",
            Invariant($"{b.Parameters:N0}"),
            Scaled(b.MultiplyAdds).TrimEnd()));

    private static string Triple(IReadOnlyList<float> values) => string.Join(" ", values.Select(v => v.ToString("0.###", CultureInfo.InvariantCulture)));

    private static string Scaled(double value) => value switch
    {
        >= 1e9 => Invariant($"{value / 1e9:0.00} G"),
        >= 1e6 => Invariant($"{value / 1e6:0.00} M"),
        _ => Invariant($"{value:N0} "),
    };

    private static string Bytes(long bytes) => bytes >= 1 << 20 ? Invariant($"{bytes / (double)(1 << 20):0.0} MiB") : Invariant($"{bytes / 1024.0:0.0} KiB");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
