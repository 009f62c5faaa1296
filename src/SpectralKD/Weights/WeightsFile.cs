using System.Globalization;
using System.Text;

namespace SpectralKD.Weights;

/// <summary>Opens a weights file of any known format. The content decides, not the file name's extension.</summary>
public static class WeightsFile
{
    /// <summary>
    /// Opens a safetensors file, a PyTorch checkpoint of either format, or what TorchSharp's <c>module.save</c> wrote, and takes the weights from where they
    /// lie in it: <see cref="ITensorSource.Notes"/> says which, where there was a choice.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="ema">True: averaged weights and nothing else. False: as timm, averaged ones where there are any.</param>
    /// <param name="part"><c>plain</c>: the weights that are no average. Else the name of the part that holds them (<c>student</c>), or null.</param>
    /// <exception cref="SpectralKDException">The file is missing, damaged, of another format, or holds no such weights.</exception>
    public static ITensorSource Open(string path, bool ema = false, string? part = null) => Open(path, ema ? "ema" : part, null);

    /// <summary>As the other, for a model of known sizes: of several sets of weights the one that fits is taken.</summary>
    internal static ITensorSource Open(string path, string? part, ModelSpec? spec) => FormatOf(path) switch
    {
        Format.Safetensors => SourcePart.Choose(SafetensorsFile.Open(path), part, spec),
        Format.TorchSharp => SourcePart.Choose(TorchSharpFile.Open(path), part, spec),
        _ => TorchCheckpointFile.Open(path, part, spec),
    };

    /// <summary>A safetensors file has '{' as its ninth byte; neither a zip archive nor a pickle of torch.save begins so.</summary>
    private static Format FormatOf(string path)
    {
        using var file = MappedFile.Open(path);
        if (TorchArchive.Recognises(file) || TorchLegacy.Recognises(file))
        {
            return Format.Torch;
        }

        var start = file.Slice(0, (int)Math.Min(9, file.Length));
        if ((start.Length == 9 && start[8] == (byte)'{') || path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            return Format.Safetensors;
        }

        return WrongContent.Of(file) is null && TorchSharpFile.Recognises(file) ? Format.TorchSharp : Format.Torch;
    }

    private enum Format
    {
        Safetensors,
        Torch,
        TorchSharp,
    }
}

/// <summary>
/// A set of named tensors that can be listed before any of them is read: a safetensors file, a PyTorch checkpoint.
/// Opening a source checks everything that reading relies on, so that reading does not fail half-way through a model.
/// </summary>
public interface ITensorSource : IDisposable
{
    /// <summary>What the source is called in messages: usually the file's name.</summary>
    string Name { get; }

    /// <summary>Full path of the file; null for a source that is none.</summary>
    string? FilePath => null;

    /// <summary>What was chosen or passed over in opening it, one line each, for <see cref="Models.ModelOrigin.Notes"/>.</summary>
    IReadOnlyList<string> Notes => [];

    /// <summary>Keys whose values are no plain tensors (sparse, quantized, complex, numpy arrays), and what they are.</summary>
    IReadOnlyDictionary<string, string> PassedOver => new Dictionary<string, string>();

    /// <summary>All tensors by key, in the source's order.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>Reads one tensor into a new CPU tensor of the stored type and shape.</summary>
    /// <exception cref="SpectralKDException">There is no such key, or torch has no such type.</exception>
    Tensor Read(string key);

    /// <summary>Reads one tensor into an existing one of the same shape, converting type and device as needed.</summary>
    /// <exception cref="SpectralKDException">There is no such key, or its shape is not the destination's.</exception>
    void ReadInto(string key, Tensor destination);
}

/// <summary>What a weights file says about one tensor, before anything of it is read.</summary>
/// <param name="Key">Its name in the file, for example <c>blocks.0.attn.qkv.weight</c>.</param>
/// <param name="Type">Its number format.</param>
/// <param name="Shape">Its sizes; empty for a single number.</param>
public sealed record TensorInfo(string Key, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Number of elements.</summary>
    public long Count => ByteCount / Type.Size();

    /// <summary>Size in bytes when stored densely.</summary>
    /// <exception cref="SpectralKDException">The shape is impossible: negative, or too large for 63 bits.</exception>
    public long ByteCount => TryByteCount(Shape, Type, out var bytes)
        ? bytes
        : throw new SpectralKDException($"tensor '{Key}' has the impossible shape {ShapeText}");

    /// <summary>The shape as text: <c>[192, 3, 16, 16]</c>.</summary>
    public string ShapeText => Text(Shape);

    /// <summary>Any shape as text: <c>[192, 3, 16, 16]</c>.</summary>
    public static string Text(IEnumerable<long> shape) =>
        $"[{string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)))}]";

    /// <summary>
    /// Product of the sizes times the bytes of one element; false if a size is negative or the product overflows 63 bits (a size
    /// of 0 counted as 1 for this, as torch computes its strides).
    /// </summary>
    internal static bool TryByteCount(IReadOnlyList<long> shape, ElementType type, out long bytes)
    {
        bytes = type.Size();
        foreach (var size in shape)
        {
            if (size < 0 || bytes > long.MaxValue / Math.Max(size, 1))
            {
                return false;
            }

            bytes *= Math.Max(size, 1);
        }

        bytes = shape.Contains(0) ? 0 : bytes;
        return true;
    }
}

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
