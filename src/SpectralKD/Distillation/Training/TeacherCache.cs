using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;

namespace SpectralKD.Distillation;

/// <summary>
/// The frozen teacher's answers on disk, so that it runs once for each picture that it is shown. A record's key is the picture as the teacher gets it: 128 bits
/// over the normalised, augmented pixels, which stand for image, draw and size at once; teacher, weights, number type, blocks and what is kept of them name the
/// records' folder. Only a picture that is the same in every bit is found, whatever made it.
/// </summary>
/// <remarks>
/// A batch of which one picture is missing is computed whole: the batch's size decides which kernels torch takes, and with them the last bits. Logits and maps are
/// kept as float32 unless asked otherwise, so that a run with the cache is the run without it to the bit. What is kept with loss (<c>cacheTop</c>, <c>cacheHalf</c>)
/// is used so at its first use too: the run does not depend on what was found.
/// </remarks>
internal sealed class TeacherCache : IDisposable
{
    private readonly TeacherRecords _records;
    private readonly TeacherContent _content;
    private readonly List<string> _news = [];
    private bool _compared;
    private bool _failureTold;
    private int _damageTold;
    private long _read;
    private long _computed;

    private TeacherCache(string folder, TeacherContent content, string identity)
    {
        (Folder, _content) = (folder, content);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(identity));
        _records = new TeacherRecords(Path.Combine(folder, Convert.ToHexString(hash, 0, 8).ToLowerInvariant()), hash, content.Bytes);
        _news.AddRange(_records.PassedOver.Select(file => $"the teacher's cache '{folder}' holds {file}, which is damaged or of another version; it is not read, and may be deleted"));
    }

    /// <summary>The folder as it was asked for.</summary>
    public string Folder { get; }

    /// <summary>How much was read and computed so far.</summary>
    public TeacherCacheUse Use => new(Folder, _read, _computed, _records.Damaged);

    /// <summary>Opens a run's cache; null where the recipe asks for none.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="teacher">The teacher on its device and in the numbers it computes in; null without one.</param>
    /// <param name="weights">SHA-256 of the teacher's weights.</param>
    /// <param name="blocks">The teacher's aligned blocks, pair by pair.</param>
    /// <exception cref="SpectralKDException">The folder cannot be opened, or a record would be too large.</exception>
    public static TeacherCache? Open(DistillationRecipe recipe, VisionModel? teacher, string? weights, IReadOnlyList<int> blocks)
    {
        if (recipe.CacheTeacher is not { } folder || teacher is null)
        {
            return null;
        }

        var content = TeacherContent.Of(recipe, teacher, blocks);
        var weight = teacher.AnyWeight;
        var numbers = weight.device_type == DeviceType.CUDA && weight.dtype == ScalarType.Float32 && recipe.TeacherNumbers == ModelPrecision.Tf32 ? "Tf32" : weight.dtype.ToString();
        return new TeacherCache(Path.GetFullPath(folder), content, string.Create(
            CultureInfo.InvariantCulture, $"{teacher.Spec.Name} {teacher.Spec.ImageSize} {teacher.Spec.Classes}\n{weights}\n{numbers} {weight.device_type}\n{content.Words}"));
    }

    /// <summary>What the cache will take, in one line.</summary>
    /// <param name="pictures">Number of different pictures that the run shows the teacher.</param>
    /// <param name="words">What they are.</param>
    public string Size(long pictures, string words)
    {
        var (need, free) = (pictures * _records.RecordBytes, FreeSpace(Folder));
        var room = free is null ? "" : free < need ? $", but only {TeacherContent.Size(free.Value)} are free: a batch of which an image does not fit is computed each time" : $" of {TeacherContent.Size(free.Value)} that are free";
        return FormattableString.Invariant($"the teacher's answers take {TeacherContent.Size(need)}{room}: {TeacherContent.Size(_records.RecordBytes)} for each of {words}, in {Folder}")
            + (_records.Count == 0 ? "" : FormattableString.Invariant($"; {_records.Count:N0} are there already"));
    }

    /// <summary>The teacher's answer to a batch, read or computed.</summary>
    /// <param name="images">The batch as the teacher gets it, before its own number type: float <c>[B, 3, S, S]</c>.</param>
    /// <param name="ask">Computes it: logits <c>[B, K]</c> and maps, pair by pair, where they are needed.</param>
    /// <returns>Logits (null where the loss needs none) and maps on the CPU or where <paramref name="ask"/> left them; they belong to the caller's scope.</returns>
    public TeacherAnswer Of(Tensor images, Func<TeacherAnswer> ask)
    {
        var keys = Keys(images);
        var found = Read(keys);
        if (found is null)
        {
            _computed += keys.Length;
            return Kept(keys, ask());
        }

        _read += keys.Length;
        Compare(found, ask);
        return found;
    }

    /// <summary>What a user should hear since the last call, one line each.</summary>
    public IReadOnlyList<string> TakeNews()
    {
        if (_records.Damaged > _damageTold)
        {
            _damageTold = _records.Damaged;
            _news.Add(FormattableString.Invariant($"a record of the teacher's cache {Folder} is damaged (its checksum does not fit) and was computed anew"));
        }

        if (_records.Failure is { } failure && !_failureTold)
        {
            _failureTold = true;
            _news.Add($"the teacher's cache {Folder} takes nothing more ({failure}): the training goes on, and the teacher computes what is not kept");
        }

        var news = _news.ToList();
        _news.Clear();
        return news;
    }

    /// <inheritdoc/>
    public void Dispose() => _records.Dispose();

    private static UInt128[] Keys(Tensor images)
    {
        var pixels = images.detach().cpu().contiguous();
        return [.. Enumerable.Range(0, (int)pixels.shape[0]).Select(i => XxHash128.HashToUInt128(TensorBytes.Of(pixels.narrow(0, i, 1))))];
    }

    private TeacherAnswer? Read(UInt128[] keys)
    {
        if (!keys.All(_records.Contains))
        {
            return null;
        }

        var answer = _content.Empty(keys.Length);
        for (var i = 0; i < keys.Length; i++)
        {
            if (!_records.TryRead(keys[i]))
            {
                return null;
            }

            _content.Decode(_records.Content, answer, i);
        }

        return _content.Paired(answer);
    }

    private TeacherAnswer Kept(UInt128[] keys, TeacherAnswer computed)
    {
        var (source, kept) = (_content.Single(computed), _content.Loses ? _content.Empty(keys.Length) : null);
        for (var i = 0; i < keys.Length; i++)
        {
            _content.Encode(source, i, _records.Content);
            if (kept is not null)
            {
                _content.Decode(_records.Content, kept, i);
            }

            _records.Add(keys[i]);
        }

        return kept is null ? computed : _content.Paired(kept);
    }

    // Once in a run: a picture's answer must not hang on the batch that it is in.
    private void Compare(TeacherAnswer found, Func<TeacherAnswer> ask)
    {
        if (_compared)
        {
            return;
        }

        _compared = true;
        var (source, again) = (_content.Single(ask()), _content.Empty((int)(found.Logits ?? found.Maps[0]).shape[0]));
        for (var i = 0; i < (found.Logits ?? found.Maps[0]).shape[0]; i++)
        {
            _content.Encode(source, i, _records.Content);
            _content.Decode(_records.Content, again, i);
        }

        if (TeacherContent.LargestDifference(_content.Single(found), again) is > 0 and var difference)
        {
            _news.Add(string.Create(CultureInfo.InvariantCulture, $"on this device the teacher's answer to a picture hangs on the batch that it is in (by up to {difference:0.#e+0}): ")
                + "a run with the cache differs from one without it in the last bits");
        }
    }

    private static long? FreeSpace(string folder)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}

/// <summary>What a record holds of one picture: logits, all or the largest with the rest's mass, then each aligned block's map once, float32 or float16.</summary>
internal sealed class TeacherContent
{
    private readonly int _classes; // 0: no logits
    private readonly int _top; // 0: all
    private readonly double _tau;
    private readonly bool _half;
    private readonly int[] _pairs; // of each pair the place of its block among the maps
    private readonly BlockInfo[] _blocks;

    private TeacherContent(int classes, int top, double tau, bool half, int[] pairs, BlockInfo[] blocks) =>
        (_classes, _top, _tau, _half, _pairs, _blocks) = (classes, top, tau, half, pairs, blocks);

    /// <summary>Bytes of one picture.</summary>
    public int Bytes { get; private init; }

    /// <summary>Whether less is kept than was computed.</summary>
    public bool Loses => _top > 0 || (_half && _blocks.Length > 0);

    /// <summary>What it holds, in words that are equal for equal contents.</summary>
    public string Words => string.Create(
        CultureInfo.InvariantCulture,
        $"logits {(_classes == 0 ? "none" : _top == 0 ? "all" : $"{_top} at tau {_tau:R}")}, maps {(_half ? "float16" : "float32")} {string.Join(' ', _blocks.Select(block => block.Index))}");

    /// <summary>What a recipe's loss needs of its teacher.</summary>
    /// <exception cref="SpectralKDException">That are 2 GiB or more for one picture.</exception>
    public static TeacherContent Of(DistillationRecipe recipe, VisionModel teacher, IReadOnlyList<int> layers)
    {
        var classes = recipe.ComparesLogits ? teacher.Spec.Classes : 0;
        var top = recipe.CacheTop is { } kept && kept < classes ? kept : 0;
        int[] blocks = [.. layers.Distinct().Order()];
        BlockInfo[] infos = [.. blocks.Select(block => teacher.Blocks[block])];
        var bytes = (classes == 0 ? 0L : top == 0 ? 4L * classes : (8L * top) + 4)
            + infos.Sum(block => (recipe.CacheHalf ? 2L : 4L) * block.Channels * block.Height * block.Width);
        return bytes < int.MaxValue - 64 ? new TeacherContent(classes, top, recipe.Temperature, recipe.CacheHalf, [.. layers.Select(layer => Array.IndexOf(blocks, layer))], infos) { Bytes = (int)bytes }
            : throw new SpectralKDException($"the teacher's answer to one picture takes {Size(bytes)}, more than its cache can keep; align fewer layers, or leave the cache out");
    }

    /// <summary>Tensors for a batch, each block's map once.</summary>
    public TeacherAnswer Empty(int batch) => new(
        _classes == 0 ? null : empty([batch, _classes], dtype: ScalarType.Float32, device: CPU),
        [.. _blocks.Select(block => empty([batch, block.Channels, block.Height, block.Width], dtype: ScalarType.Float32, device: CPU))]);

    /// <summary>Of a pairwise answer each block's map once, all contiguous float32 on the CPU.</summary>
    public TeacherAnswer Single(TeacherAnswer answer) => new(
        _classes == 0 ? null : Plain(answer.Logits!), [.. Enumerable.Range(0, _blocks.Length).Select(block => Plain(answer.Maps[Array.IndexOf(_pairs, block)]))]);

    /// <summary>Of an answer with each map once the maps pair by pair.</summary>
    public TeacherAnswer Paired(TeacherAnswer answer) => answer with { Maps = [.. _pairs.Select(block => answer.Maps[block])] };

    /// <summary>Writes one picture's part of an answer (as <see cref="Single"/> gives it).</summary>
    /// <exception cref="SpectralKDException">A map's value is beyond float16's range.</exception>
    public void Encode(TeacherAnswer answer, int picture, Span<byte> target)
    {
        if (answer.Logits is { } logits)
        {
            target = target[EncodeLogits(Row(logits, picture), target)..];
        }

        foreach (var map in answer.Maps)
        {
            var values = Row(map, picture);
            if (!_half)
            {
                MemoryMarshal.AsBytes(values).CopyTo(target);
                target = target[(4 * values.Length)..];
                continue;
            }

            var halves = MemoryMarshal.Cast<byte, Half>(target)[..values.Length];
            System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(values, halves);
            for (var i = 0; i < halves.Length; i++)
            {
                if (Half.IsInfinity(halves[i]) && float.IsFinite(values[i]))
                {
                    throw new SpectralKDException(FormattableString.Invariant(
                        $"the teacher's maps hold {values[i]:0.###e+0}, and half precision ends at 65504: leave cacheHalf out (--cache-half)"));
                }
            }

            target = target[(2 * values.Length)..];
        }
    }

    /// <summary>Reads one picture's record into its place of a batch.</summary>
    public void Decode(ReadOnlySpan<byte> source, TeacherAnswer answer, int picture)
    {
        if (answer.Logits is { } logits)
        {
            source = source[DecodeLogits(source, Row(logits, picture))..];
        }

        foreach (var map in answer.Maps)
        {
            var values = Row(map, picture);
            if (_half)
            {
                System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source)[..values.Length], values);
                source = source[(2 * values.Length)..];
            }
            else
            {
                MemoryMarshal.Cast<byte, float>(source)[..values.Length].CopyTo(values);
                source = source[(4 * values.Length)..];
            }
        }
    }

    /// <summary>The largest distance of two answers; 0 where they are equal in every bit.</summary>
    public static float LargestDifference(TeacherAnswer one, TeacherAnswer other)
    {
        var largest = 0f;
        foreach (var (left, right) in one.Maps.Zip(other.Maps).Concat(one.Logits is null ? [] : [(one.Logits, other.Logits!)]))
        {
            var a = MemoryMarshal.Cast<byte, float>(TensorBytes.Of(left));
            var b = MemoryMarshal.Cast<byte, float>(TensorBytes.Of(right));
            for (var i = 0; i < a.Length; i++)
            {
                largest = Math.Max(largest, Math.Abs(a[i] - b[i]));
            }
        }

        return largest;
    }

    /// <summary>A number of bytes in words: <c>2.41 MB</c>.</summary>
    public static string Size(long bytes) => string.Create(
        CultureInfo.InvariantCulture, $"{(bytes < 1_000_000 ? bytes / 1e3 : bytes < 1_000_000_000 ? bytes / 1e6 : bytes / 1e9):0.##} {(bytes < 1_000_000 ? "kB" : bytes < 1_000_000_000 ? "MB" : "GB")}");

    private static Tensor Plain(Tensor values) => values.detach().to(ScalarType.Float32).cpu().contiguous();

    private static Span<float> Row(Tensor tensor, int picture)
    {
        var all = MemoryMarshal.Cast<byte, float>(TensorBytes.Of(tensor));
        var length = all.Length / (int)tensor.shape[0];
        return all.Slice(picture * length, length);
    }

    // The largest logits with their classes; of the rest the logarithm of its mass at the loss's temperature.
    private int EncodeLogits(ReadOnlySpan<float> logits, Span<byte> target)
    {
        if (_top == 0)
        {
            MemoryMarshal.AsBytes(logits).CopyTo(target);
            return 4 * logits.Length;
        }

        var (keys, classes) = (logits.ToArray(), Enumerable.Range(0, logits.Length).ToArray());
        Array.Sort(keys, classes, Comparer<float>.Create((one, other) => other.CompareTo(one)));
        for (var i = 0; i < _top; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(target[(8 * i)..], classes[i]);
            BinaryPrimitives.WriteSingleLittleEndian(target[((8 * i) + 4)..], keys[i]);
        }

        var rest = keys.AsSpan(_top);
        var mass = 0.0;
        foreach (var logit in rest)
        {
            mass += Math.Exp((logit - rest[0]) / _tau);
        }

        BinaryPrimitives.WriteSingleLittleEndian(target[(8 * _top)..], (float)((rest[0] / _tau) + Math.Log(mass)));
        return (8 * _top) + 4;
    }

    // The rest's mass is spread evenly over its classes.
    private int DecodeLogits(ReadOnlySpan<byte> source, Span<float> logits)
    {
        if (_top == 0)
        {
            MemoryMarshal.Cast<byte, float>(source)[..logits.Length].CopyTo(logits);
            return 4 * logits.Length;
        }

        logits.Fill((float)(_tau * (BinaryPrimitives.ReadSingleLittleEndian(source[(8 * _top)..]) - Math.Log(logits.Length - _top))));
        for (var i = 0; i < _top; i++)
        {
            logits[BinaryPrimitives.ReadInt32LittleEndian(source[(8 * i)..])] = BinaryPrimitives.ReadSingleLittleEndian(source[((8 * i) + 4)..]);
        }

        return (8 * _top) + 4;
    }
}
