namespace SpectralKD.Interactive.Charting;

/// <summary>
/// A node of a plotly.js figure by plotly's own attribute names, for example <c>new() { ["color"] = "#0072B2", ["width"] = 2 }</c>.
/// </summary>
internal sealed class Attributes : Dictionary<string, object?>;
