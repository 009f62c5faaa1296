using System.Text;

namespace SpectralKD.Notebook.Documents;

/// <summary>Reads whole files; what cannot be done is said in one line.</summary>
internal static class NotebookFile
{
    public static byte[] Read(string path)
    {
        if (Directory.Exists(path))
        {
            throw new SpectralKDException($"{path} is a folder; name a notebook (.ipynb or .dib) in it");
        }
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SpectralKDException($"there is no notebook {path}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot read the notebook {path}: {error.Message}", error);
        }
    }
}

/// <summary>A notebook file's text in sound UTF-8 without a byte order mark, and what had to be done to get there.</summary>
internal sealed record NotebookText(byte[] Utf8, IReadOnlyList<string> Notes)
{
    private const char Replacement = '\uFFFD';

    /// <exception cref="SpectralKDException">It is in UTF-16.</exception>
    public static NotebookText Decode(byte[] bytes, string path) => bytes switch
    {
        [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] => throw new SpectralKDException($"{path} is text in UTF-16, a notebook is UTF-8; save it in that encoding"),
        [0xEF, 0xBB, 0xBF, .. var rest] => Mend(rest),
        _ => Mend(bytes),
    };

    private static NotebookText Mend(byte[] bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return new NotebookText(bytes, []);
        }
        var sound = Encoding.UTF8.GetString(bytes);
        var mended = Encoding.UTF8.GetBytes(sound);
        var count = sound.Count(character => character == Replacement) - bytes.AsSpan().Count("\uFFFD"u8);
        var line = 1 + bytes.AsSpan(0, bytes.AsSpan().CommonPrefixLength(mended)).Count((byte)'\n');
        return new NotebookText(mended, [$"{count} place(s) that are no UTF-8, the first in line {line}, are read as {Replacement}; save the file in UTF-8"]);
    }
}
