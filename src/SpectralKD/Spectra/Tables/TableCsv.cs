using System.Globalization;
using System.Text;
using Microsoft.Data.Analysis;

namespace SpectralKD.Spectra;

/// <summary>
/// DataFrames as comma-separated text (RFC 4180) in the invariant culture: numbers come back bit for bit, nulls as empty fields, text in
/// quotes where it needs them.
/// </summary>
public static class TableCsv
{
    /// <summary>A table as text with a header line; lines end in a line feed.</summary>
    public static string ToCsv(this DataFrame table)
    {
        var text = new StringBuilder();
        text.AppendJoin(',', table.Columns.Select(column => Quote(column.Name))).Append('\n');
        for (long row = 0; row < table.Rows.Count; row++)
        {
            text.AppendJoin(',', table.Columns.Select(column => Field(column[row]))).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Writes <see cref="ToCsv"/> to a file.</summary>
    public static void SaveTable(this DataFrame table, string path)
        => AtomicFile.WriteText(path, table.ToCsv());

    /// <summary>Reads a table: columns of whole numbers, of numbers, of true and false, else of text, judged by all rows.</summary>
    /// <exception cref="SpectralKDException">No such file, no header, or a row with another number of fields.</exception>
    public static DataFrame Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new SpectralKDException($"there is no file {path}: give the path of a CSV file");
        }

        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>Reads a table from text, as <see cref="Load"/> does.</summary>
    /// <param name="text">Comma-separated lines, the first with the columns' names.</param>
    /// <param name="where">What the text is, for messages.</param>
    /// <exception cref="SpectralKDException">No header, two columns of one name, or a row with another number of fields.</exception>
    public static DataFrame Parse(string text, string where = "the text")
    {
        var rows = CsvReader.Rows(text);
        if (rows.Count == 0)
        {
            throw new SpectralKDException($"{where} is empty: a CSV table begins with a line of column names");
        }

        var odd = rows.FindIndex(row => row.Count != rows[0].Count);
        if (odd > 0)
        {
            throw new SpectralKDException($"{where}: row {odd + 1} has {rows[odd].Count} fields, the header has {rows[0].Count}");
        }

        if (rows[0].GroupBy(name => name ?? "", StringComparer.Ordinal).FirstOrDefault(names => names.Count() > 1) is { } repeated)
        {
            throw new SpectralKDException($"{where}: the header names {repeated.Count()} columns \"{repeated.Key}\"; give each a name of its own");
        }

        return new DataFrame(rows[0].Select((name, column) => CsvColumn.Of(name, [.. rows.Skip(1).Select(row => row[column])])));
    }

    internal static string Field(object? value) => value switch
    {
        null => "",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        float number => number.ToString("R", CultureInfo.InvariantCulture),
        bool truth => truth ? "true" : "false",
        _ => Quote(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""),
    };

    private static string Quote(string text)
        => text.Length == 0 || text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}

/// <summary>Chooses a column's type from all of its fields.</summary>
internal static class CsvColumn
{
    internal static DataFrameColumn Of(string? name, string?[] fields)
    {
        name ??= "";
        if (All(fields, field => long.TryParse(field, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)))
        {
            return new Int64DataFrameColumn(name, fields.Select(field => field is null ? (long?)null : long.Parse(field, CultureInfo.InvariantCulture)));
        }

        if (All(fields, field => double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out _)))
        {
            return new DoubleDataFrameColumn(name, fields.Select(field => field is null ? (double?)null : double.Parse(field, CultureInfo.InvariantCulture)));
        }

        return All(fields, field => bool.TryParse(field, out _))
            ? new BooleanDataFrameColumn(name, fields.Select(field => field is null ? (bool?)null : bool.Parse(field)))
            : new StringDataFrameColumn(name, fields);
    }

    /// <summary>Whether every field that holds something fits; columns without anything count as numbers.</summary>
    private static bool All(string?[] fields, Func<string, bool> fits)
        => fields.All(field => field is null || fits(field));
}

/// <summary>Splits comma-separated text into fields (RFC 4180). A field is null where nothing stands, not even quotes.</summary>
/// <remarks>
/// Not by DataFrame.LoadCsvFromString (Microsoft.Data.Analysis 0.23.1, tried): it takes numbers for float (123456789.123 becomes 123456790, 1e-300 zero), guesses
/// types in the thread's culture whatever culture it is given, takes a byte order mark into the first name, drops a short row without a word, and cannot tell
/// an empty text from none.
/// </remarks>
internal static class CsvReader
{
    internal static List<List<string?>> Rows(string text)
    {
        var rows = new List<List<string?>>();
        var position = text.StartsWith('\uFEFF') ? 1 : 0;
        while (position < text.Length)
        {
            var row = new List<string?>();
            bool more;
            do
            {
                row.Add(Field(text, ref position));
                more = position < text.Length && text[position] == ',';
                position += more ? 1 : 0;
            }
            while (more);
            SkipLineEnd(text, ref position);
            if (row.Count > 1 || row[0] is not null)
            {
                rows.Add(row);
            }
        }

        return rows;
    }

    private static string? Field(string text, ref int position)
    {
        if (position < text.Length && text[position] == '"')
        {
            return Quoted(text, ref position);
        }

        var length = text.AsSpan(position).IndexOfAny(",\r\n");
        var end = length < 0 ? text.Length : position + length;
        var field = text[position..end];
        position = end;
        return field.Length == 0 ? null : field;
    }

    private static string Quoted(string text, ref int position)
    {
        var field = new StringBuilder();
        position++;
        while (position < text.Length && (text[position] != '"' || (position + 1 < text.Length && text[position + 1] == '"')))
        {
            position += text[position] == '"' ? 1 : 0;
            field.Append(text[position++]);
        }

        position = Math.Min(position + 1, text.Length);
        while (position < text.Length && text[position] is not (',' or '\r' or '\n'))
        {
            field.Append(text[position++]);
        }

        return field.ToString();
    }

    private static void SkipLineEnd(string text, ref int position)
    {
        position += position < text.Length && text[position] == '\r' ? 1 : 0;
        position += position < text.Length && text[position] == '\n' ? 1 : 0;
    }
}
