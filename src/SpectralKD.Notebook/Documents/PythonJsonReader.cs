using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>
/// Reads JSON as Python's <c>json</c> does, by which Jupyter reads notebooks: <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c> are numbers,
/// of a name that stands twice in an object the last value counts, and half a surrogate pair (<c>\ud83d</c>) is a character.
/// <see cref="PythonJson"/> writes all of them again. Numbers keep their spelling.
/// </summary>
internal sealed class PythonJsonReader
{
    private const int NamesShown = 3;
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 512 };

    private readonly byte[] _json;
    private readonly Dictionary<int, double> _notFinite = [];
    private readonly List<string> _repeated = [];
    private int _repetitions;
    private int? _firstHalf;

    private PythonJsonReader(byte[] json) => _json = json;

    /// <summary>The JSON's root, and what the user should know of how it was read: one line each.</summary>
    /// <param name="json">UTF-8; changed in place where it holds numbers that are not finite.</param>
    /// <exception cref="JsonException">It is no JSON by Python's rules either.</exception>
    public static (JsonNode? Root, IReadOnlyList<string> Notes) Read(byte[] json)
    {
        var reader = new PythonJsonReader(json);
        reader.Scan();
        // Not disposed: the values go on reading from it.
        var root = reader.Convert(JsonDocument.Parse(json.AsMemory(), Options).RootElement);
        return (root, reader.Notes());
    }

    // Blanks out what strict JSON does not know, each by something as long, so that places in errors stay right.
    private void Scan()
    {
        byte before = 0;
        for (var index = 0; index < _json.Length; index++)
        {
            var current = _json[index];
            if (current == '"')
            {
                index = EndOfString(index);
            }
            else if (current is (byte)'N' or (byte)'I' or (byte)'-' && before is 0 or (byte)':' or (byte)',' or (byte)'[')
            {
                index += TakeNotFinite(index);
            }
            before = current is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' ? before : current;
        }
    }

    private int TakeNotFinite(int index)
    {
        var rest = _json.AsSpan(index);
        var (length, value) = rest switch
        {
            _ when rest.StartsWith("NaN"u8) => (3, double.NaN),
            _ when rest.StartsWith("Infinity"u8) => (8, double.PositiveInfinity),
            _ when rest.StartsWith("-Infinity"u8) => (9, double.NegativeInfinity),
            _ => (0, 0),
        };
        if (length == 0)
        {
            return 0;
        }
        rest[..length].Fill((byte)' ');
        rest[0] = (byte)'0';
        _notFinite[index] = value;
        return length - 1;
    }

    // The index of the closing quote; notes the first half of a surrogate pair on the way.
    private int EndOfString(int index)
    {
        var wantsLow = -1;
        for (index++; index < _json.Length && _json[index] != '"'; index++)
        {
            if (_json[index] != '\\')
            {
                continue;
            }
            var unit = CodeUnit(index);
            var isPair = unit is >= 0xDC00 and <= 0xDFFF && wantsLow == index;
            if (unit is >= 0xD800 and <= 0xDBFF && CodeUnit(index + 6) is >= 0xDC00 and <= 0xDFFF)
            {
                wantsLow = index + 6;
            }
            else if (unit is >= 0xD800 and <= 0xDFFF && !isPair)
            {
                _firstHalf ??= index;
            }
            index += unit is null ? 1 : 5;
        }
        return index;
    }

    private int? CodeUnit(int index) => index + 6 <= _json.Length && _json[index] == '\\' && _json[index + 1] == 'u'
        && ushort.TryParse(_json.AsSpan(index + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit)
        ? unit
        : null;

    private JsonNode? Convert(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => ConvertObject(element),
        JsonValueKind.Array => new JsonArray([.. element.EnumerateArray().Select(Convert)]),
        JsonValueKind.Null => null,
        JsonValueKind.Number when NotFinite(element) is double value => JsonValue.Create(value),
        JsonValueKind.String when _firstHalf is not null => JsonValue.Create(Unescape(JsonMarshal.GetRawUtf8Value(element)[1..^1])),
        _ => JsonValue.Create(element),
    };

    private JsonObject ConvertObject(JsonElement element)
    {
        var members = new JsonObject();
        foreach (var member in element.EnumerateObject())
        {
            var name = _firstHalf is null ? member.Name : Unescape(JsonMarshal.GetRawUtf8PropertyName(member));
            if (members.ContainsKey(name))
            {
                Repeated(name);
            }
            members[name] = Convert(member.Value);
        }
        return members;
    }

    private void Repeated(string name)
    {
        var shown = JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(name.Length > 40 ? name[..40] + "…" : name);
        _repetitions++;
        if (_repeated.Count < NamesShown && !_repeated.Contains(shown))
        {
            _repeated.Add(shown);
        }
    }

    private double? NotFinite(JsonElement number)
        => _notFinite.Count > 0 && _json.AsSpan().Overlaps(JsonMarshal.GetRawUtf8Value(number), out var offset) && _notFinite.TryGetValue(offset, out var value)
            ? value
            : null;

    private static string Unescape(ReadOnlySpan<byte> raw)
    {
        var escaped = Encoding.UTF8.GetString(raw);
        var text = new StringBuilder(escaped.Length);
        for (var index = 0; index < escaped.Length; index++)
        {
            if (escaped[index] != '\\')
            {
                text.Append(escaped[index]);
                continue;
            }
            index++;
            text.Append(escaped[index] switch
            {
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => (char)ushort.Parse(escaped.AsSpan(index + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                var itself => itself,
            });
            index += escaped[index] == 'u' ? 4 : 0;
        }
        return text.ToString();
    }

    private List<string> Notes()
    {
        var notes = new List<string>();
        if (_repetitions > 0)
        {
            notes.Add($"{_repetitions} {(_repetitions == 1 ? "name stands" : "names stand")} more than once in an object ({string.Join(", ", _repeated)}): the last value counts, as in Jupyter");
        }
        if (_firstHalf is int index)
        {
            notes.Add($"half a character (a lone surrogate, the first in line {1 + _json.AsSpan(0, index).Count((byte)'\n')}) is shown as \uFFFD");
        }
        return notes;
    }
}
