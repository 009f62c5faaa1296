using System.Globalization;

namespace SpectralKD.Data;

/// <summary>Reads binary PGM (<c>P5</c>) and PPM (<c>P6</c>) files of 8 or 16 bits, which torchvision lists as images.</summary>
internal static class PortableMap
{
    /// <summary>True if the file begins as a binary PGM or PPM.</summary>
    public static bool IsOne(ReadOnlySpan<byte> file) =>
        file.Length > 2 && file[0] == 'P' && file[1] is (byte)'5' or (byte)'6' && IsSpace(file[2]);

    /// <summary>Decodes the file; samples are scaled to 0..255.</summary>
    /// <exception cref="SpectralKDException">The header is wrong or the data too short; the message names the image.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> file, string name)
    {
        var at = 2;
        var (width, height, maximum) = (ReadNumber(file, ref at), ReadNumber(file, ref at), ReadNumber(file, ref at));
        at++; // one white space after the header
        var channels = file[1] == '6' ? 3 : 1;
        var bytes = maximum > 255 ? 2 : 1;
        var needed = (long)width * height * channels * bytes;
        if (width <= 0 || height <= 0 || maximum is <= 0 or > 65535)
        {
            throw new SpectralKDException($"The image {name} has a broken PPM/PGM header.");
        }

        if (file.Length - at < needed)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"The image {name} is truncated: {needed} bytes of pixels expected, {Math.Max(0, file.Length - at)} found."));
        }

        return new RgbImage(width, height, Expand(file.Slice(at, (int)needed), width * height, channels, bytes, maximum));
    }

    private static byte[] Expand(ReadOnlySpan<byte> samples, int count, int channels, int bytes, int maximum)
    {
        var pixels = new byte[count * 3];
        for (var i = 0; i < pixels.Length; i++)
        {
            var sample = ((i / 3 * channels) + (channels == 3 ? i % 3 : 0)) * bytes;
            var value = bytes == 1 ? samples[sample] : (samples[sample] << 8) | samples[sample + 1];
            pixels[i] = (byte)(((Math.Min(value, maximum) * 255) + (maximum / 2)) / maximum);
        }

        return pixels;
    }

    private static int ReadNumber(ReadOnlySpan<byte> file, ref int at)
    {
        while (at < file.Length && (IsSpace(file[at]) || file[at] == '#'))
        {
            at += file[at] == '#' ? LineLength(file[at..]) : 1;
        }

        var start = at;
        while (at < file.Length && file[at] is >= (byte)'0' and <= (byte)'9')
        {
            at++;
        }

        return int.TryParse(file[start..at], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    private static int LineLength(ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOf((byte)'\n');
        return end < 0 ? rest.Length : end;
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';
}
