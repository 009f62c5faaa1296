namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <summary>TeX outside of the understood subset; the page then shows its source.</summary>
internal sealed class TexException(string message) : Exception(message);
