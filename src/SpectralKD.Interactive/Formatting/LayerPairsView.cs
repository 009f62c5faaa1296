using System.Net;

namespace SpectralKD.Interactive.Formatting;

/// <summary>Layer pairs as a table.</summary>
/// <param name="Pairs">The pairs.</param>
public sealed record LayerPairsView(LayerPairs Pairs) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div>{WebUtility.HtmlEncode(About())}</div>{Table().ToHtml()}";

    /// <inheritdoc/>
    public string ToPlainText() => About() + Environment.NewLine + Table().ToPlainText();

    private string About() => FormattableString.Invariant(
        $"{Pairs.Student} from {Pairs.Teacher}: {Pairs.Pairs.Length} layer pairs ({Pairs.Strategy.ToString().ToLowerInvariant()}: {Pairs.Reason})");

    private TextTable Table() => Pairs.Pairs.Aggregate(
        new TextTable("pair", "student", "student map (C×H×W)", "teacher", "teacher map (C×H×W)"),
        (table, pair) => table.Add(
            FormattableString.Invariant($"{Pairs.Pairs.IndexOf(pair) + 1}"), pair.Student.Name, Map(pair.Student), pair.Teacher.Name, Map(pair.Teacher)));

    private static string Map(Models.BlockInfo block) => $"{block.Channels}×{block.Height}×{block.Width}";
}
