namespace SpectralKD.Interactive.Views;

/// <summary>Something made to be looked at: it renders itself as HTML and as plain text.</summary>
public interface INotebookView
{
    /// <summary>A fragment of HTML that stands by itself: no scripts, no outside resources, legible on light and dark pages.</summary>
    string ToHtml();

    /// <summary>The same as text, for consoles and for front ends without HTML.</summary>
    string ToPlainText();
}
