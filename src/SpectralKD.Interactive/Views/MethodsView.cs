using System.Globalization;
using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>The methods to learn from a teacher as a table, or one of them with what its arguments mean.</summary>
/// <param name="Kinds">The methods shown.</param>
internal sealed record MethodsView(IReadOnlyList<LossKind> Kinds) : INotebookView
{
    private const string Weight = "weight";

    /// <summary>All methods, or the one of a name.</summary>
    /// <exception cref="SpectralKDException">There is none of that name.</exception>
    public static MethodsView Of(string? name) => new(name is null ? LossCatalog.All : [LossCatalog.Find(name)]);

    /// <inheritdoc/>
    public string ToHtml() => Kinds is [var one]
        ? $"<div><b>{WebUtility.HtmlEncode(one.Name)}</b> {WebUtility.HtmlEncode(Words(one))}</div>{Facts(one).ToHtml()}{Arguments(one).ToHtml()}"
        : Table().ToHtml();

    /// <inheritdoc/>
    public string ToPlainText() => Kinds is [var one]
        ? string.Join(Environment.NewLine, $"{one.Name} {Words(one)}", Facts(one).ToPlainText(), "", Arguments(one).ToPlainText())
        : Table().ToPlainText();

    private static string Words(LossKind kind) => $"compares {kind.Compares}";

    private TextTable Table() => Kinds.Aggregate(
        new TextTable("name", "compares", Weight, "labels' weight", "arguments", "layers", "learns"),
        (table, kind) => table.Add(
            kind.Name, kind.Compares, Number(kind.Weight), Number(kind.LabelWeight), string.Join(", ", kind.Arguments.Select(argument => $"{argument.Name}={argument.Default}")), kind.Layers, kind.Parameters == "none" ? "" : "yes"));

    private static TextTable Facts(LossKind kind)
    {
        var table = new TextTable("what", "value")
            .Add(Weight, $"{Number(kind.Weight)}{(kind.WeighsByFamily ? " (0.05 for Swin students)" : "")}, beside labels of weight {Number(kind.LabelWeight)}")
            .Add("learns", kind.Parameters);
        table = kind.Layers.Length == 0 ? table : table.Add("layers", kind.Layers);
        return table.Add("source", kind.Source);
    }

    private static TextTable Arguments(LossKind kind)
    {
        var table = kind.Arguments.Aggregate(
            new TextTable("argument", "default", "values", "meaning"),
            (rows, argument) => rows.Add(argument.Name, argument.Default, argument.Choices.Count == 0 ? "number" : string.Join(", ", argument.Choices), argument.Description));
        table = table.Add(Weight, Number(kind.Weight), "number", "factor of the term");
        return kind.Layers.Length == 0 ? table : table.Add("studentLayers", "", "blocks", "0+11: the student's blocks to compare").Add("teacherLayers", "", "blocks", "as many of the teacher's");
    }

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}
