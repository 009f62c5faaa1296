using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>
/// Writes JSON exactly as Jupyter does (<c>json.dumps(indent=1, ensure_ascii=False, separators=(",", ": "))</c>), so that running a
/// notebook changes only what changed. Numbers keep the spelling they were read with. <see cref="PythonJsonReader"/> reads it.
/// </summary>
/// <remarks>
/// Not by Utf8JsonWriter, whose indentation can be Jupyter's (IndentSize 1): with its freest encoder it still escapes emoji, U+007F, U+2028 and U+FEFF, spells
/// the escape character of coloured text \u001B, where Python has \u001b, and makes half a surrogate pair U+FFFD.
/// </remarks>
internal static class PythonJson
{
    public static string Write(JsonNode? node)
    {
        var text = new StringBuilder();
        WriteValue(text, node, 0);
        return text.Append('\n').ToString();
    }

    private static void WriteValue(StringBuilder text, JsonNode? node, int depth)
    {
        switch (node)
        {
            case null:
                text.Append("null");
                break;
            case JsonObject members:
                WriteObject(text, members, depth);
                break;
            case JsonArray items:
                WriteArray(text, items, depth);
                break;
            default:
                WriteScalar(text, node);
                break;
        }
    }

    private static void WriteObject(StringBuilder text, JsonObject members, int depth)
    {
        if (members.Count == 0)
        {
            text.Append("{}");
            return;
        }
        var separator = "{";
        foreach (var (name, value) in members)
        {
            NewLine(text.Append(separator), depth + 1);
            WriteString(text, name);
            WriteValue(text.Append(": "), value, depth + 1);
            separator = ",";
        }
        NewLine(text, depth).Append('}');
    }

    private static void WriteArray(StringBuilder text, JsonArray items, int depth)
    {
        if (items.Count == 0)
        {
            text.Append("[]");
            return;
        }
        var separator = "[";
        foreach (var item in items)
        {
            NewLine(text.Append(separator), depth + 1);
            WriteValue(text, item, depth + 1);
            separator = ",";
        }
        NewLine(text, depth).Append(']');
    }

    private static StringBuilder NewLine(StringBuilder text, int depth) => text.Append('\n').Append(' ', depth);

    private static void WriteScalar(StringBuilder text, JsonNode node)
    {
        if (node.GetValueKind() != JsonValueKind.String)
        {
            text.Append(Number(node));
            return;
        }
        WriteString(text, node.GetValue<string>());
    }

    private static string Number(JsonNode node)
    {
        if (node.AsValue().TryGetValue<JsonElement>(out var asRead))
        {
            return asRead.GetRawText();
        }
        return node.AsValue().TryGetValue<double>(out var value) && !double.IsFinite(value)
            ? double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
            : node.ToJsonString();
    }

    private static void WriteString(StringBuilder text, string value)
    {
        text.Append('"');
        for (var index = 0; index < value.Length; index++)
        {
            if (index + 1 < value.Length && char.IsSurrogatePair(value[index], value[index + 1]))
            {
                text.Append(value, index++, 2);
                continue;
            }
            WriteCharacter(text, value[index]);
        }
        text.Append('"');
    }

    private static void WriteCharacter(StringBuilder text, char character) => _ = character switch
    {
        '"' => text.Append("\\\""),
        '\\' => text.Append("\\\\"),
        '\n' => text.Append("\\n"),
        '\r' => text.Append("\\r"),
        '\t' => text.Append("\\t"),
        '\b' => text.Append("\\b"),
        '\f' => text.Append("\\f"),
        // Half a surrogate pair has no UTF-8: it stays escaped.
        < ' ' or (>= '\uD800' and <= '\uDFFF') => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
        _ => text.Append(character),
    };
}

/// <summary>Sets members of JSON objects where Jupyter, which sorts them by name, would write them.</summary>
internal static class SortedMembers
{
    /// <summary>Replaces a member in its place, or adds it before the first whose name comes later.</summary>
    public static void SetSorted(this JsonObject json, string name, JsonNode? value)
    {
        if (json.ContainsKey(name))
        {
            json[name] = value;
            return;
        }
        var index = 0;
        while (index < json.Count && string.CompareOrdinal(json.GetAt(index).Key, name) < 0)
        {
            index++;
        }
        json.Insert(index, name, value);
    }
}
