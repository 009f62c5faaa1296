using System.Text;

namespace SpectralKD.Weights;

/// <summary>Names what people have in place of weights: a Git LFS pointer, a web page, an error in JSON, another program's archive.</summary>
internal static class WrongContent
{
    private const int StartLength = 512;
    private const int ShownLength = 100;

    /// <summary>Closes a file that is no weights and says what it is.</summary>
    /// <exception cref="SpectralKDException">The file is something else.</exception>
    public static void Refuse(MappedFile file)
    {
        if (Of(file) is { } wrong)
        {
            file.Dispose();
            throw new SpectralKDException($"'{file.Path}' holds no weights: {wrong}");
        }
    }

    /// <summary>One line of what a file is and what to do, or null if nothing is known against it.</summary>
    public static string? Of(MappedFile file)
    {
        var start = file.Slice(0, (int)Math.Min(StartLength, file.Length));
        var text = start.Contains((byte)0) ? "" : Encoding.UTF8.GetString(start).TrimStart('\ufeff', ' ', '\t', '\r', '\n'); // text holds no zero bytes
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal) || text.StartsWith("version https://hawser", StringComparison.Ordinal))
        {
            return "it is a Git LFS pointer, not the weights that it stands for; fetch them by 'git lfs pull', or download the file itself";
        }

        if (text.StartsWith('<') && text.Length > 1 && (char.IsAsciiLetter(text[1]) || text[1] is '!' or '?'))
        {
            return $"it is a web page ({Shown(text)}), not weights: the download was answered by a login, error or preview page; fetch the file itself";
        }

        if (text.StartsWith('{') && text.Length > 1 && text[1] is '"' or ' ' or '\r' or '\n' or '\t' or '}')
        {
            return text.Contains("weight_map", StringComparison.Ordinal) || text.Contains("total_size", StringComparison.Ordinal)
                ? "it is the index of weights in several files (shards); join them once in Python (safetensors.torch.load_file each, save_file all)"
                : $"it is JSON text ({Shown(text)}), not weights: the download was answered by an error, or this is a configuration; fetch the file itself";
        }

        return start switch
        {
            [0x1f, 0x8b, ..] => "it is compressed by gzip; unpack it first (gunzip, tar xzf)",
            [0x89, (byte)'H', (byte)'D', (byte)'F', ..] => "it is an HDF5 file (Keras); convert it to safetensors first",
            _ when start.Length >= 262 && start.Slice(257, 5).SequenceEqual("ustar"u8) =>
                "it is a tar archive (torch.save wrote one before version 0.1.10); unpack it, or convert it once in Python by torch.load and torch.save",
            _ => null,
        };
    }

    private static string Shown(string text)
    {
        var line = new string([.. text.Take(ShownLength + 1).Select(c => char.IsControl(c) ? ' ' : c)]).Trim();
        return line.Length > ShownLength ? line[..ShownLength] + "…" : line;
    }
}
