using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// One value in several representations, by MIME type. Text types hold a JSON string, JSON types
/// (<c>application/json</c>, <c>application/vnd.plotly.v1+json</c>) the JSON value itself. <c>text/plain</c> is always there.
/// </summary>
/// <param name="Data">MIME type to content.</param>
public sealed record MimeBundle(IReadOnlyDictionary<string, JsonNode> Data);
