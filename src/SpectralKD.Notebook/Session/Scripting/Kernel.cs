using Microsoft.AspNetCore.Html;
using Microsoft.DotNet.Interactive.Formatting;
using SpectralKD.Notebook.Session.Scripting;

#pragma warning disable IDE0130 // .NET Interactive's namespace: its notebooks, which spell it out, run here unchanged.
#pragma warning disable IDE1006 // display is lower case there.

namespace Microsoft.DotNet.Interactive;

/// <summary>What every cell can call, without a prefix or as <c>Kernel.display(…)</c>, spelled as in .NET Interactive.</summary>
public static class Kernel
{
    private static readonly string[] Delimiters = ["$", "\\(", "\\[", "\\begin"];

    /// <summary>Shows a value below the cell.</summary>
    /// <param name="value">Anything; null shows as <c>&lt;null&gt;</c>.</param>
    /// <param name="mimeTypes">MIME types to format it into; none: the preferred ones of its type.</param>
    /// <returns>A handle that replaces what is shown.</returns>
    public static DisplayedValue display(object? value, params string[] mimeTypes) => value.Display(mimeTypes);

    /// <summary>Markup that is shown as it is: <c>display(HTML("&lt;b&gt;bold&lt;/b&gt;"))</c>.</summary>
    /// <param name="content">HTML.</param>
    public static IHtmlContent HTML(string content) => new HtmlString(content);

    /// <summary>A formula or other TeX, shown as such: <c>LaTeX(@"\frac{1}{2}")</c>. (.NET Interactive has <see cref="LaTeXString"/> only.)</summary>
    /// <param name="content">TeX; without <c>$</c>, <c>\(</c>, <c>\[</c> or <c>\begin</c> it is a displayed formula.</param>
    public static LaTeXString LaTeX(string content)
    {
        ArgumentNullException.ThrowIfNull(content);
        return Delimiters.Any(mark => content.Contains(mark, StringComparison.Ordinal)) ? new LaTeXString(content) : new MathString(content);
    }

    /// <summary>Text in Markdown, shown as such: <c>Markdown("**bold**")</c>. (.NET Interactive has nothing like it.)</summary>
    /// <param name="content">Markdown.</param>
    public static MarkdownString Markdown(string content) => new(content);

    /// <summary>Adds a style sheet to the page that shows the notebook.</summary>
    /// <param name="content">CSS rules.</param>
    public static void CSS(string content) => $"<style>{content}</style>".DisplayAs("text/html");

    /// <summary>Runs a script in the page that shows the notebook.</summary>
    /// <param name="scriptContent">JavaScript.</param>
    public static void Javascript(string scriptContent) => $"<script type=\"text/javascript\">{scriptContent}</script>".DisplayAs("text/html");

    /// <summary>Removes what the cell has shown so far. (Jupyter's; .NET Interactive has nothing like it.)</summary>
    /// <param name="wait">True: only when the next output arrives, so that nothing flickers.</param>
    public static void ClearOutput(bool wait = false) => CellExecution.Current?.Output.ClearOutput(wait);

    /// <summary>Asks the reader of the notebook.</summary>
    /// <param name="prompt">The question.</param>
    /// <param name="typeHint">What kind of text is asked for: <c>password</c> hides what is typed; all else is asked for as text.</param>
    /// <exception cref="SpectralKD.SpectralKDException">Nobody can answer here.</exception>
    public static Task<string> GetInputAsync(string prompt = "", string typeHint = "text")
        => Task.FromResult(CellConsole.Ask(prompt, password: typeHint == "password") ?? "");

    /// <summary>Asks the reader of the notebook for something that is not shown while it is typed.</summary>
    /// <param name="prompt">The question.</param>
    /// <exception cref="SpectralKD.SpectralKDException">Nobody can answer here.</exception>
    public static Task<PasswordString> GetPasswordAsync(string prompt = "")
        => Task.FromResult(new PasswordString(CellConsole.Ask(prompt, password: true) ?? ""));
}

/// <summary>
/// The running cell: where formatters of .NET Interactive notebooks show things and find the token of an interrupt. Commands and events of
/// its kernels are not here.
/// </summary>
public sealed class KernelInvocationContext
{
    private static readonly KernelInvocationContext Running = new();

    private KernelInvocationContext()
    {
    }

    /// <summary>The running cell's; null outside of cells.</summary>
    public static KernelInvocationContext? Current => CellExecution.Current is null ? null : Running;

#pragma warning disable CA1822 // Members of an object, as in .NET Interactive.
    /// <summary>Fires when the cell is interrupted.</summary>
    public CancellationToken CancellationToken => CellExecution.Current?.Token ?? CancellationToken.None;

    /// <summary>Shows a value below the cell.</summary>
    /// <param name="value">Anything; null shows as <c>&lt;null&gt;</c>.</param>
    /// <param name="mimeTypes">MIME types to format it into; none: the preferred ones of its type.</param>
    /// <returns>A handle that replaces what is shown.</returns>
    public DisplayedValue Display(object? value, params string[] mimeTypes) => value.Display(mimeTypes);

    /// <summary>Shows text that is already in a MIME type.</summary>
    /// <param name="value">The content.</param>
    /// <param name="mimeType">Its MIME type, for example <c>text/markdown</c>.</param>
    /// <returns>A handle that replaces what is shown.</returns>
    public DisplayedValue DisplayAs(string value, string mimeType) => value.DisplayAs(mimeType);
#pragma warning restore CA1822
}

/// <summary>A text that no output shows, spelled as in .NET Interactive.</summary>
/// <param name="clearTextPassword">What was typed.</param>
[TypeFormatterSource(typeof(PasswordFormatterSource))]
public sealed class PasswordString(string clearTextPassword)
{
    /// <summary>What was typed.</summary>
    public string GetClearTextPassword() => clearTextPassword;

    /// <summary>Stars, as many for every password.</summary>
    public override string ToString() => HiddenTexts.Stars;
}

/// <summary>Shows a password as stars, also as HTML and within other values.</summary>
internal sealed class PasswordFormatterSource : ITypeFormatterSource
{
    /// <inheritdoc />
    public IEnumerable<ITypeFormatter> CreateTypeFormatters() => [.. SourceFormatter<PasswordString>.For("text/plain"), new SourceFormatter<PasswordString>("text/html")];
}
