using System.Text;
using System.Text.RegularExpressions;
using CsCheck;

namespace SpectralKD.Cli.Tests.Fuzz;

/// <summary>Ways to spoil a valid file, as generators: a seed gives the same spoilt file on every machine.</summary>
internal static partial class Mutation
{
    private static readonly Gen<int> Place = Gen.Int[0, int.MaxValue];

    // The numbers that sizes, counts and offsets break at.
    private static readonly ulong[] Numbers =
        [0, 1, 2, 3, 7, 255, 256, 65_535, 65_536, int.MaxValue, 0x8000_0000, uint.MaxValue, 0x1_0000_0000, long.MaxValue, 0x8000_0000_0000_0000, ulong.MaxValue];

    private static readonly string[] Tokens =
    [
        "null", "true", "NaN", "-Infinity", "0", "-1", "1e999", "-0.0", "1e-400", "2147483648", "99999999999999999999999", "\"\"", "\"\\ud83d\"", "\"\\u0000\\u001b[31m\"", "\"\ud83d\"",
        "[]", "{}", "[null]", "{\"a\":null}", "\"a\n b\"", "\"../../x\"", "\"\u202e\u0007\"", "<b>", "\\", "\"", "'", "`", "$", "#!", "--", "=", ":", ",", "{", "[", "]", "}", "\r", "\u2028", "\uFFFD", "\0",
    ];

    /// <summary>Anything that can happen to bytes: flipped, cut off, left out, doubled, numbers that break sizes, pieces of another file.</summary>
    public static Gen<byte[]> OfBytes(IReadOnlyList<byte[]> samples)
    {
        var flip = Gen.Select(Place, Gen.Byte, Edit<byte>((bytes, place, value) => bytes[place % bytes.Length] = value));
        var bit = Gen.Select(Place, Gen.Int[0, 7], Edit<int>((bytes, place, shift) => bytes[place % bytes.Length] ^= (byte)(1 << shift)));
        var number = Gen.Select(Place, OneOf(Numbers), OneOf(1, 2, 4, 8), (place, value, width) => (Func<byte[], byte[]>)(bytes => WithNumber(bytes, place, value, width)));
        var cut = Place.Select(place => (Func<byte[], byte[]>)(bytes => bytes[..(place % (bytes.Length + 1))]));
        var leaveOut = Gen.Select(Place, Gen.Int[1, 64], (place, length) => (Func<byte[], byte[]>)(bytes => Replace(bytes, place, length, [])));
        var twice = Gen.Select(Place, Gen.Int[1, 64], (place, length) => (Func<byte[], byte[]>)(bytes => Replace(bytes, place, 0, Piece(bytes, place, length))));
        var splice = Gen.Select(OneOf([.. samples]), Place, Gen.Int[1, 256], (other, place, length) => (Func<byte[], byte[]>)(bytes => Replace(bytes, place, length, Piece(other, place, length))));
        var noise = Gen.Select(Place, Gen.Byte.Array[1, 16], (place, piece) => (Func<byte[], byte[]>)(bytes => Replace(bytes, place, piece.Length, piece)));
        return Spoilt(OneOf([.. samples]), Gen.Frequency((4, flip), (3, bit), (4, number), (1, cut), (2, leaveOut), (1, twice), (2, splice), (1, noise)), (sample, edit) => sample.Length == 0 ? sample : edit(sample));
    }

    /// <summary>Anything that can happen to text that people and programs write: words, numbers, strings and brackets exchanged, left out, doubled, nested.</summary>
    public static Gen<byte[]> OfText(IReadOnlyList<byte[]> samples)
    {
        string[] texts = [.. samples.Select(Encoding.UTF8.GetString)];
        var replace = Gen.Select(Place, OneOf(Tokens), (place, token) => (Func<string, string>)(text => AtToken(text, place, _ => token)));
        var leaveOut = Place.Select(place => (Func<string, string>)(text => AtToken(text, place, _ => "")));
        var twice = Place.Select(place => (Func<string, string>)(text => AtToken(text, place, token => token + token)));
        var insert = Gen.Select(Place, OneOf(Tokens), (place, token) => (Func<string, string>)(text => AtToken(text, place, found => found + token)));
        var exchange = Gen.Select(Place, Place, (place, other) => (Func<string, string>)(text => AtToken(text, place, _ => TokenAt(text, other))));
        var digits = Gen.Select(Place, Gen.Long, (place, value) => (Func<string, string>)(text => AtNumber(text, place, value)));
        var deep = Gen.Select(Place, Gen.Int[10, 4000], OneOf("[", "{\"a\":", "(", ">", "\\sqrt", "<div>", "**", "- "), (place, times, piece)
            => (Func<string, string>)(text => AtToken(text, place, found => string.Concat(Enumerable.Repeat(piece, times)) + found)));
        var longer = Gen.Select(Place, Gen.Int[100, 20_000], (place, times) => (Func<string, string>)(text => AtToken(text, place, found => string.Concat(Enumerable.Repeat(found, Math.Min(times, 10_000 / (found.Length + 1)))))));
        var cut = Place.Select(place => (Func<string, string>)(text => text[..(place % (text.Length + 1))]));
        var edits = Gen.Frequency((5, replace), (3, leaveOut), (2, twice), (3, insert), (4, exchange), (3, digits), (1, deep), (1, longer), (1, cut));
        return Spoilt(OneOf(texts), edits, (text, edit) => text.Length == 0 ? text : edit(text)).Select(Encoding.UTF8.GetBytes);
    }

    private static Gen<T> OneOf<T>(params T[] items) => Gen.Int[0, items.Length - 1].Select(index => items[index]);

    private static Gen<T> Spoilt<T>(Gen<T> sample, Gen<Func<T, T>> edit, Func<T, Func<T, T>, T> apply)
        => Gen.Select(sample, edit.Array[1, 6], (whole, edits) => edits.Aggregate(whole, apply));

    private static Func<int, T, Func<byte[], byte[]>> Edit<T>(Action<byte[], int, T> change) => (place, value) => bytes =>
    {
        var copy = (byte[])bytes.Clone();
        change(copy, place, value);
        return copy;
    };

    private static byte[] WithNumber(byte[] bytes, int place, ulong value, int width)
    {
        var little = BitConverter.GetBytes(value)[..width];
        return Replace(bytes, place, width, place % 2 == 0 ? little : [.. little.Reverse()]);
    }

    private static byte[] Replace(byte[] bytes, int place, int length, byte[] piece)
    {
        var start = place % (bytes.Length + 1);
        return [.. bytes[..start], .. piece, .. bytes[Math.Min(start + length, bytes.Length)..]];
    }

    private static byte[] Piece(byte[] bytes, int place, int length)
    {
        var start = place % (bytes.Length + 1);
        return bytes[start..Math.Min(start + length, bytes.Length)];
    }

    private static string TokenAt(string text, int place) => Token().Matches(text) is { Count: > 0 } tokens ? tokens[place % tokens.Count].Value : "";

    private static string AtToken(string text, int place, Func<string, string> change)
    {
        var tokens = Token().Matches(text);
        if (tokens.Count == 0)
        {
            return change("");
        }
        var token = tokens[place % tokens.Count];
        return string.Concat(text.AsSpan(0, token.Index), change(token.Value), text.AsSpan(token.Index + token.Length));
    }

    private static string AtNumber(string text, int place, long value)
    {
        var numbers = Number().Matches(text);
        if (numbers.Count == 0)
        {
            return text;
        }
        var number = numbers[place % numbers.Count];
        return string.Concat(text.AsSpan(0, number.Index), value.ToString(System.Globalization.CultureInfo.InvariantCulture), text.AsSpan(number.Index + number.Length));
    }

    [GeneratedRegex(@"""(?:[^""\\]|\\.){0,200}""|-?\d[\d.eE+-]*|\w+|\s+|.", RegexOptions.Singleline)]
    private static partial Regex Token();

    [GeneratedRegex(@"-?\d+")]
    private static partial Regex Number();
}
