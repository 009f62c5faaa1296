using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using TorchSharp;

namespace SpectralKD.Interactive.Views;

/// <summary>A model at one glance: facts, and a table of its blocks.</summary>
/// <param name="Card">The model's facts.</param>
internal sealed record ModelCardView(ModelCard Card) : INotebookView
{
    /// <summary>Looks a model over.</summary>
    public static ModelCardView Of(VisionModel model) => new(ModelCard.Of(model));

    /// <inheritdoc/>
    public string ToHtml() => $"<div><b>{WebUtility.HtmlEncode(Card.Name)}</b> ({Card.Family}){Loud}</div>{Facts().ToHtml()}"
        + $"<details><summary>{PlainText.Count(Card.Figures.Blocks.Count, "block")}</summary>{Blocks().ToHtml()}</details>";

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
            .Add("forward pass", Card.Figures.MultiplyAdds == 0
                ? "not counted (a module of your own)"
                : $"{Scaled(2.0 * Card.Figures.MultiplyAdds)}FLOPs an image ({Scaled(Card.Figures.MultiplyAdds)}MACs)")
            .Add("memory", $"weights {Bytes(Card.WeightBytes)}, feature maps {Bytes(Card.MapBytes)} an image")
            .Add("device", $"{Card.Device}, {Card.NumberType}");
        table.Add("origin", Card.Origin.Words + License);
        table = Card.CatalogEntry?.Elsewhere is { } elsewhere ? table.Add("weights", elsewhere) : table;
        return Card.Origin.Notes.Aggregate(table, (rows, note) => rows.Add("note", note));
    }

    private string Loud => Card.Origin.IsUntrained ? " <b style=\"color:var(--vscode-editorWarning-foreground,var(--jp-warn-color0,#d9730d))\">UNTRAINED</b>" : "";

    // The licence of the published weights, where they are what was loaded.
    private string License => Card.CatalogEntry?.Published.FirstOrDefault(published => Card.Origin.Kind switch
    {
        WeightsKind.Hub => published.Repository == Card.Origin.Name,
        WeightsKind.Embedded => published.Repository is null && Card.Origin.Name.EndsWith("." + published.Tag, StringComparison.Ordinal),
        _ => false,
    }) is { } loaded ? $" ({loaded.LicenseWords})" : "";

    private TextTable Blocks() => Card.Figures.Blocks.Aggregate(
        new TextTable("block", "name", "feature map [C, H, W]", "parameters", "MACs"),
        (table, b) => table.Add(
            Invariant($"{b.Block.Index}"),
            b.Block.Name,
            $"[{b.Block.Channels}, {b.Block.Height}, {b.Block.Width}]",
            Invariant($"{b.Parameters:N0}"),
            b.MultiplyAdds == 0 ? "not counted" : Scaled(b.MultiplyAdds).TrimEnd()));

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

/// <summary>The catalogue of models, or the part of it that a filter leaves.</summary>
/// <param name="Entries">The models shown.</param>
internal sealed record CatalogueView(IReadOnlyList<ModelCatalogEntry> Entries) : INotebookView
{
    /// <summary>The models that every word of a filter fits, see <see cref="ModelCatalog.Search"/>.</summary>
    /// <exception cref="SpectralKDException">There are none.</exception>
    public static CatalogueView Of(string? filter, bool pretrained = false)
    {
        var entries = ModelCatalog.Search(filter, pretrained);
        return entries.Count > 0 ? new CatalogueView(entries) : throw new SpectralKDException(
            $"no model of the catalogue matches \"{filter}\"{Suggestion(filter ?? "")}; "
            + $"it has {ModelCatalog.All.Count} models: leave the filter out to see them");
    }

    /// <inheritdoc/>
    public string ToHtml() => Table().ToHtml();

    /// <inheritdoc/>
    public string ToPlainText() => Table().ToPlainText();

    private TextTable Table() => Entries.Aggregate(
        new TextTable("name", "family", "parameters", "blocks", "channels", "input", "classes", "pretrained weights", "licence"),
        (table, m) => table.Add(
            NameOf(m),
            m.Family,
            m.Parameters.ToString("N0", CultureInfo.InvariantCulture),
            m.Blocks.Count.ToString(CultureInfo.InvariantCulture),
            string.Join(" ", m.Dims),
            $"{m.Spec.ImageSize}",
            $"{m.Spec.Classes}",
            m.Weights is not { } weights ? m.Elsewhere ?? "(none: seeded)" : weights.Repository ?? $"embedded: {string.Join(", ", m.Published.Select(p => p.Tag))}",
            m.Weights?.LicenseWords ?? ""));

    // A whole name, or, for a mistyped part or pattern, the nearest part of a name or tag: *dinno* of dino.
    private static string Suggestion(string filter)
    {
        char[] breaks = ['_', '.', ' ', '*', '?'];
        var parts = ModelCatalog.All.SelectMany(model => model.Published.Select(weights => weights.Tag).Prepend(model.Name)).SelectMany(name => name.Split(breaks)).Distinct();
        return NearestName.Suggestion(filter, ModelCatalog.All.Select(model => model.Name)) is { Length: > 0 } whole
            ? whole
            : filter.Split(breaks, StringSplitOptions.RemoveEmptyEntries).Where(part => part.Length > 2).Select(part => parts.Contains(part, StringComparer.OrdinalIgnoreCase) ? "" : NearestName.Suggestion(part, parts)).FirstOrDefault(said => said.Length > 0) ?? "";
    }

    /// <summary>With its tag where that is not the one that the name alone stands for.</summary>
    internal static string NameOf(ModelCatalogEntry entry) =>
        entry.Weights is { } weights && weights.Tag != entry.Published[0].Tag ? $"{entry.Name}.{weights.Tag}" : entry.Name;
}

/// <summary>The torch and the devices of this process.</summary>
/// <param name="Facts">What and its value, in the order of display.</param>
internal sealed record DeviceView(IReadOnlyList<(string What, string Value)> Facts) : INotebookView
{
    /// <summary>Looks at the machine.</summary>
    /// <exception cref="SpectralKDException">libtorch is missing; the message says which package to add.</exception>
    public static DeviceView Take()
    {
        var device = Devices.Default;
        var cuda = Devices.HasCuda;
        return new DeviceView(
        [
            ("default device", device.ToString()),
            ("TorchSharp", $"{LibTorchLocator.TorchSharpVersion} (libtorch {torch.__version__})"),
            ("libtorch", LibTorch.Folder ?? "loaded by TorchSharp"),
            ("CPU", $"{Environment.ProcessorCount} cores, {torch.get_num_threads()} torch threads, {RuntimeInformation.ProcessArchitecture}"),
            ("CUDA", cuda ? $"{PlainText.Count(torch.cuda.device_count(), "device")}" : $"not there. {LibTorchLocator.CudaRemedy}"),
        ]);
    }

    /// <inheritdoc/>
    public string ToHtml() => Table().ToHtml();

    /// <inheritdoc/>
    public string ToPlainText() => Table().ToPlainText();

    private TextTable Table() => Facts.Aggregate(new TextTable("what", "found"), (table, f) => table.Add(f.What, f.Value));
}
