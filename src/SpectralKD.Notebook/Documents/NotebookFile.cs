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
