using System.Text;

namespace SpectralKD.Notebook.Documents;

/// <summary>Reads and writes whole files; what cannot be done is said in one line.</summary>
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
            throw new SpectralKDException($"cannot read the notebook {path}: {OneLine(error)}", error);
        }
    }

    /// <summary>Writes to a temporary name in the same folder and renames: a full disk or a kill leaves the earlier file whole.</summary>
    public static void Write(string path, string text)
    {
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            File.WriteAllText(temporary, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw new SpectralKDException($"cannot write {path}: {OneLine(error)}", error);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The first error is the one to tell.
        }
    }

    private static string OneLine(Exception error) => error.Message.ReplaceLineEndings(" ");
}
