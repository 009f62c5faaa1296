using System.Text;

namespace SpectralKD;

/// <summary>Writes a file under a temporary name beside its place, flushes it to the disk, then renames it: never half a file.</summary>
internal static class AtomicFile
{
    /// <summary>Writes a text file in UTF-8, see <see cref="Write"/>.</summary>
    /// <exception cref="SpectralKDException">The folder is not writable, or the disk is full.</exception>
    public static void WriteText(string path, string text, bool replace = true) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)), replace);

    /// <summary>Writes a file, and its folder where that is missing; on any failure the temporary is removed and an older file of that name stays as it was.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">Writes the content.</param>
    /// <param name="replace">Whether a file of that name is replaced; else it stays, and that is an error.</param>
    /// <exception cref="SpectralKDException">The folder is not writable, or the disk is full.</exception>
    public static void Write(string path, Action<Stream> content, bool replace = true)
    {
        var full = Path.GetFullPath(path);
        var temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20))
            {
                content(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, replace);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot write {path}: {error.Message.TrimEnd('.')}; free space or choose another folder", error);
        }
        finally
        {
            Remove(temporary);
        }
    }

    private static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The error that led here is the one to report.
        }
    }
}
