using System.Buffers.Binary;
using System.Numerics;

namespace SpectralKD.Weights;

/// <summary>
/// torch.save's format from before version 1.6, which timm's <c>clean_checkpoint.py</c> writes to this day: five pickles (a magic number, the protocol,
/// the system, the object, the storages' keys), then each storage as its number of elements in 8 bytes and its numbers.
/// Source: torch/serialization.py, <c>_legacy_save</c>.
/// </summary>
internal sealed class TorchLegacy : ITorchContainer
{
    private const long Protocol = 1001;
    private static readonly byte[] MagicNumber = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    private readonly MappedFile _file;
    private readonly PickleBudget _budget;
    private readonly Dictionary<string, (PickleStorage Storage, long Offset)> _storages = new(StringComparer.Ordinal);
    private long _position;

    public TorchLegacy(MappedFile file)
    {
        _file = file;
        _budget = new PickleBudget(file.Length);
    }

    /// <summary>True if a file begins with the magic number's pickle, in any protocol.</summary>
    public static bool Recognises(MappedFile file)
    {
        var start = file.Slice(0, (int)Math.Min(32, file.Length));
        return start.Length > 2 && start[0] == 0x80 && start[1] <= 5 && start.IndexOf(MagicNumber) >= 0;
    }

    /// <inheritdoc/>
    public object? ReadPickle()
    {
        if (Next() is not BigInteger magic || magic != new BigInteger(MagicNumber) || Next() is not Protocol)
        {
            throw new SpectralKDException("it begins like torch.save's format from before version 1.6, but its version is not 1001");
        }

        if (Next() is PickleDict system && system.Entries.GetValueOrDefault("little_endian") is false)
        {
            throw new SpectralKDException("its numbers are big-endian; save it on a little-endian machine");
        }

        var named = new Dictionary<string, PickleStorage>(StringComparer.Ordinal);
        var root = Next(named);
        var keys = Next() is PickleItems { Kind: PickleItemsKind.List } list && list.Items.All(key => key is string)
            ? list.Items.Cast<string>()
            : throw new SpectralKDException("its list of storages is damaged");
        foreach (var key in keys)
        {
            Place(named.TryGetValue(key, out var storage) ? storage : throw new SpectralKDException($"its list of storages names '{key}', which no tensor has"));
        }

        return root;
    }

    /// <inheritdoc/>
    public CheckpointTensor Locate(string key, PickleTensor tensor)
    {
        var (storage, offset) = _storages.TryGetValue(tensor.Storage.Key, out var place)
            ? place
            : throw new SpectralKDException($"its storages lack the one of tensor '{key}'");
        return storage.Type == tensor.Type
            ? CheckpointTensor.Make(key, tensor, _file, offset, storage.Count)
            : throw new SpectralKDException($"tensor '{key}' is {tensor.Type.FormatName()}, but its storage is {storage.Type?.FormatName() ?? "of another type"}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The file is its opener's.
    }

    private object? Next(Dictionary<string, PickleStorage>? named = null)
    {
        var length = (int)Math.Min(_file.Length - _position, ITorchContainer.LargestPickle);
        var (value, taken) = PickleMachine.Read(_file.Memory(_position, length), _budget, named);
        _position += taken;
        return value;
    }

    private void Place(PickleStorage storage)
    {
        var size = storage.ForeignSize ?? storage.Type?.Size() ?? 1;
        if (_position > _file.Length - sizeof(long) || BinaryPrimitives.ReadInt64LittleEndian(_file.Slice(_position, sizeof(long))) != storage.Count)
        {
            throw new SpectralKDException($"its storage '{storage.Key}' of {storage.Count} elements is not where it should be: the file is truncated or damaged; fetch or copy it again");
        }

        _position += sizeof(long);
        if (storage.Count > (_file.Length - _position) / size)
        {
            throw new SpectralKDException($"its storage '{storage.Key}' claims {storage.Count} elements of {size} bytes, but only {_file.Length - _position} bytes follow: "
                + "the file is truncated; fetch or copy it again");
        }

        _storages[storage.Key] = (storage, _position);
        _position += storage.Count * size;
    }
}
