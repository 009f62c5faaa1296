using System.Text;

namespace SpectralKD.Spectra;

/// <summary>Splits comma-separated text into fields (RFC 4180). A field is null where nothing stands, not even quotes.</summary>
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
