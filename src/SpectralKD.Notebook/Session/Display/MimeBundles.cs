using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.DotNet.Interactive.Formatting;
using Microsoft.DotNet.Interactive.Formatting.TabularData;

namespace SpectralKD.Notebook.Session;

/// <summary>Formats values by the formatters that are registered, into the preferred MIME types and always into text/plain.</summary>
internal static class MimeBundles
{
    private const string PlainText = "text/plain";

    private static readonly Type[] PlainTypes =
    [
        typeof(bool), typeof(byte), typeof(sbyte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong),
        typeof(float), typeof(double), typeof(decimal), typeof(Half), typeof(char), typeof(Guid), typeof(DateTime), typeof(DateTimeOffset),
        typeof(DateOnly), typeof(TimeOnly), typeof(TimeSpan), typeof(Delegate),
    ];

    private static readonly Type[] MatrixElements =
    [
        typeof(double), typeof(float), typeof(int), typeof(long), typeof(byte), typeof(bool), typeof(char), typeof(string), typeof(decimal),
        typeof(System.Numerics.Complex),
    ];

    // Those that would come as the list of their properties; of classes also what is derived from them.
    private static readonly Type[] ListedTypes =
    [
        typeof(Version), typeof(Uri), typeof(Int128), typeof(System.Numerics.BigInteger), typeof(JsonNode), typeof(Newtonsoft.Json.Linq.JToken),
        typeof(System.Xml.Linq.XObject), typeof(FileSystemInfo), typeof(System.Net.IPAddress), typeof(System.Text.StringBuilder),
    ];

    /// <summary>
    /// Numbers, dates and the like say it best as text, and a table is one in text too. Called once; the user's own preferences, set later, win.
    /// </summary>
    public static void RegisterText()
    {
        Formatter.Register<TabularDataResource>((table, writer) => writer.Write(TextOf(table)), PlainText);
        Formatter.Register<DateOnly>((value, writer) => writer.Write(value.ToString("O", CultureInfo.InvariantCulture)), PlainText);
        Formatter.Register<TimeOnly>((value, writer) => writer.Write(value.ToString("O", CultureInfo.InvariantCulture)), PlainText);
        Formatter.Register<Delegate>((value, writer) => writer.Write(TypeNames.Short(value.GetType())), PlainText);
        Formatter.Register<decimal>((value, writer) => writer.Write(value.ToString(CultureInfo.InvariantCulture)), PlainText);
        Formatter.Register<Half>((value, writer) => writer.Write(value.ToString(CultureInfo.InvariantCulture)), PlainText);
        foreach (var type in PlainTypes.Concat(ListedTypes))
        {
            Formatter.SetPreferredMimeTypesFor(type, PlainText);
        }

        // Lists of them are in HTML as they are in text, not as the culture writes them. A list of characters is a string, too.
        foreach (var type in PlainTypes.Where(type => type.IsValueType && type != typeof(char)))
        {
            foreach (var element in (Type[])[type, typeof(Nullable<>).MakeGenericType(type)])
            {
                Formatter.Register(
                    typeof(IEnumerable<>).MakeGenericType(element),
                    (list, writer) => writer.Write($"<div class=\"dni-plaintext\"><pre>{WebUtility.HtmlEncode(list.ToDisplayString(PlainText))}</pre></div>"),
                    "text/html");
            }
        }

        foreach (var type in ListedTypes)
        {
            Formatter.Register(type, (value, writer) => writer.Write(value), PlainText);
        }

        foreach (var matrix in MatrixElements.SelectMany(type => (Type[])[type.MakeArrayType(2), type.MakeArrayType(3), type.MakeArrayType(4)]))
        {
            foreach (var mimeType in (string[])[PlainText, "text/html"])
            {
                Formatter.Register(matrix, (value, writer) => writer.Write(Sequences.Rows((Array)value).ToDisplayString(mimeType)), mimeType);
            }
        }
    }

    /// <summary>The value in its preferred MIME types, or in the named ones. What fails in one of them says so there.</summary>
    /// <exception cref="Exception">What the value's own code threw, where it cannot be shown in any way.</exception>
    public static MimeBundle From(object? value, params IReadOnlyList<string> mimeTypes)
    {
        if (value is MimeBundle ready)
        {
            return ready;
        }

        if (value?.GetType().FullName == "TorchSharp.torch+Tensor" && IsEmptyTensor(value))
        {
            return Text(value.ToString()!);
        }

        value = Sequences.Plain(value);
        var data = new Dictionary<string, JsonNode>();
        var failures = new List<Exception>();
        // As text first: that shows whether it has an end.
        var text = Format(value, PlainText, failures);
        if (failures is [NestedTooDeep])
        {
            return Text($"{TypeNames.Short(value!.GetType())}, nested too deep to be shown (does it hold itself?)");
        }

        foreach (var mimeType in (mimeTypes.Count > 0 ? mimeTypes : Preferred(value)).Append(PlainText).Distinct())
        {
            data[mimeType] = mimeType == PlainText ? text : Format(value, mimeType, failures);
        }

        if (failures.Count == data.Count)
        {
            ExceptionDispatchInfo.Throw(failures[0]);
        }

        return new MimeBundle(data);
    }

    /// <summary>Content that is already in its MIME type, with its source as text/plain unless it is markup.</summary>
    public static MimeBundle Raw(string content, string mimeType)
    {
        var data = new Dictionary<string, JsonNode> { [mimeType] = ToNode(content, mimeType) };
        data.TryAdd(PlainText, JsonValue.Create(content));
        return new MimeBundle(data);
    }

    /// <summary>One line or more of plain text.</summary>
    public static MimeBundle Text(string text) => Raw(text, PlainText);

    // TorchSharp writes no table for it. Apart, so that it is loaded only where there is a tensor.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsEmptyTensor(object value) => value is TorchSharp.torch.Tensor { IsInvalid: false } tensor && tensor.numel() == 0;

    private static IReadOnlyCollection<string> Preferred(object? value)
        => value is null ? [PlainText] : Formatter.GetPreferredMimeTypesFor(value.GetType());

    private static string TextOf(TabularDataResource resource)
    {
        string[] columns = [.. resource.Schema.Fields.Select(field => field.Name)];
        var table = new TextTable(columns);
        foreach (var row in resource.Data.Select(row => row.ToDictionary(cell => cell.Key, cell => cell.Value)))
        {
            table.Add([.. columns.Select(column => Convert.ToString(row.GetValueOrDefault(column), CultureInfo.InvariantCulture) ?? "")]);
        }

        return table.ToPlainText();
    }

    private static JsonNode Format(object? value, string mimeType, List<Exception> failures)
    {
        try
        {
            using var writer = new ShallowWriter();
            using var sharing = ChartScript.Share();
            value.FormatTo(new FormatContext(writer), mimeType);
            return ToNode(TypeNames.WithoutSubmission(writer.ToString()), mimeType);
        }
        catch (Exception error) when (CellErrors.Unwrap(error) is not OperationCanceledException && CellExecution.Current is not { IsInterrupted: true })
        {
            failures.Add(CellErrors.Unwrap(error));
            return JsonValue.Create($"The value could not be shown as {mimeType}: {string.Join('\n', CellErrors.Lines(failures[^1]))}");
        }
    }

    private static JsonNode ToNode(string content, string mimeType)
    {
        if (!IsJson(mimeType))
        {
            return JsonValue.Create(content);
        }

        try
        {
            return JsonNode.Parse(content) ?? JsonValue.Create(content);
        }
        catch (JsonException)
        {
            return JsonValue.Create(content);
        }
    }

    private static bool IsJson(string mimeType)
        => mimeType == "application/json" || mimeType.EndsWith("+json", StringComparison.Ordinal);
}

/// <summary>
/// Takes what the formatters write, as long as they do not call each other too deep: of a list that holds itself there is no end, and a full
/// stack would end the process.
/// </summary>
internal sealed unsafe class ShallowWriter : StringWriter
{
    // Some 60 lists in each other. Leaving takes much more of the stack than going in: each level throws anew.
    private const long Deepest = 96 * 1024;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly long _start;

    /// <summary>Begins at the caller's depth.</summary>
    public ShallowWriter()
        : base(CultureInfo.InvariantCulture)
    {
        byte here;
        _start = (long)&here;
    }

    /// <inheritdoc />
    /// <exception cref="NestedTooDeep">The value's parts are nested too deep.</exception>
    public override void Write(char value)
    {
        ThrowIfTooDeep();
        base.Write(value);
    }

    /// <inheritdoc />
    /// <exception cref="NestedTooDeep">The value's parts are nested too deep.</exception>
    public override void Write(string? value)
    {
        ThrowIfTooDeep();
        base.Write(value);
    }

    private void ThrowIfTooDeep()
    {
        byte here;
        if (_start - (long)&here > Deepest && Environment.CurrentManagedThreadId == _thread)
        {
            throw new NestedTooDeep();
        }
    }
}

/// <summary>A value whose parts are nested too deep to be shown.</summary>
internal sealed class NestedTooDeep() : Exception("The value is nested too deep to be shown; does it hold itself?");
