using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Formatting.TabularData;

namespace SpectralKD.Notebook.Session.Scripting;

/// <summary>What every cell sees as its own members.</summary>
public sealed class CellGlobals
{
    /// <summary>Fires when the running cell is interrupted: <c>await Something(CancellationToken)</c>.</summary>
#pragma warning disable CA1822 // A member, not a static: as a member of the cell it is found before the type of the same name.
    public CancellationToken CancellationToken => CellExecution.Current?.Token ?? CancellationToken.None;
#pragma warning restore CA1822
}

/// <summary><c>value.Display()</c> in a cell, spelled as in .NET Interactive.</summary>
public static class DisplayExtensions
{
    /// <summary>Shows a value below the cell.</summary>
    /// <param name="value">Anything; null shows as <c>&lt;null&gt;</c>.</param>
    /// <param name="mimeTypes">MIME types to format it into; none: the preferred ones of its type.</param>
    /// <returns>A handle that replaces what is shown.</returns>
    public static DisplayedValue Display(this object? value, params string[] mimeTypes)
        => Show(MimeBundles.From(value, mimeTypes), mimeTypes);

    /// <summary>Shows text that is already in a MIME type: <c>"&lt;b&gt;bold&lt;/b&gt;".DisplayAs("text/html")</c>.</summary>
    /// <param name="value">The content.</param>
    /// <param name="mimeType">Its MIME type, for example <c>text/markdown</c>.</param>
    /// <returns>A handle that replaces what is shown.</returns>
    public static DisplayedValue DisplayAs(this string value, string mimeType) => Show(MimeBundles.Raw(value, mimeType), mimeType);

    /// <summary>Shows a sequence as one table: a row for each item, a column for each of its properties.</summary>
    /// <param name="value">The items, all of one type.</param>
    /// <param name="mimeTypes">MIME types to format the table into; none: the preferred ones.</param>
    /// <returns>A handle that replaces what is shown.</returns>
    public static DisplayedValue DisplayTable<T>(this IEnumerable<T>? value, params string[] mimeTypes)
        => value is null ? Display(value, mimeTypes) : value.ToTabularDataResource().Display(mimeTypes);

    private static DisplayedValue Show(MimeBundle bundle, params string[] mimeTypes)
    {
        if (CellExecution.Current is not { } run)
        {
            Console.WriteLine(bundle.Data["text/plain"].GetValue<string>());
            return new DisplayedValue(null, "", mimeTypes);
        }

        run.ThrowIfInterrupted();
        return DisplayedValue.Show(run, bundle, mimeTypes);
    }
}
