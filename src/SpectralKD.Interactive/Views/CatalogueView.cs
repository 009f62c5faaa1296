using System.Globalization;

namespace SpectralKD.Interactive.Views;

/// <summary>The catalogue of models, or the part of it that a filter leaves.</summary>
/// <param name="Entries">The models shown.</param>
public sealed record CatalogueView(IReadOnlyList<ModelCatalogEntry> Entries) : INotebookView
{
    /// <summary>The models whose name, family or tag contains every word of a filter.</summary>
    /// <exception cref="SpectralKDException">There are none.</exception>
    public static CatalogueView Of(string? filter)
    {
        var entries = ModelCatalog.Search(filter);
        return entries.Count > 0 ? new CatalogueView(entries) : throw new SpectralKDException(
            $"no model of the catalogue matches \"{filter}\"{NearestName.Suggestion(filter ?? "", ModelCatalog.All.Select(m => m.Name))}; "
            + $"it has {ModelCatalog.All.Count} models: leave the filter out to see them");
    }

    /// <inheritdoc/>
    public string ToHtml() => Table().ToHtml();

    /// <inheritdoc/>
    public string ToPlainText() => Table().ToPlainText();

    private TextTable Table() => Entries.Aggregate(
        new TextTable("name", "family", "parameters", "blocks", "channels", "input", "classes", "pretrained weights", "licence"),
        (table, m) => table.Add(
            m.Name,
            m.Family,
            m.Parameters.ToString("N0", CultureInfo.InvariantCulture),
            m.Blocks.Count.ToString(CultureInfo.InvariantCulture),
            string.Join(" ", m.Dims),
            $"{m.Spec.ImageSize}",
            $"{m.Spec.Classes}",
            m.Weights is not { } weights ? "(none: seeded)" : weights.Repository ?? $"embedded: {string.Join(", ", m.Published.Select(p => p.Tag))}",
            m.Weights?.License ?? ""));
}
