using System.Globalization;
using System.IO.Hashing;

namespace SpectralKD.Weights;

/// <summary>
/// The archive of torch.save: <c>NAME/data.pkl</c>, <c>NAME/data/0</c>, <c>NAME/data/1</c>, …, <c>NAME/byteorder</c>.
/// Source: torch/serialization.py and caffe2/serialize/inline_container.cc.
/// </summary>
internal sealed class TorchArchive : ITorchContainer
{
    private const int ChunkLength = 1 << 24;
    private const string PickleName = "data.pkl";

    private readonly MappedFile _file;
    private readonly MappedFile? _unpacked;
    private readonly Dictionary<string, (MappedFile File, ArchiveEntry Entry)> _entries;
    private readonly HashSet<string> _verified = new(StringComparer.Ordinal);
    private readonly string _folder;

    public TorchArchive(MappedFile file)
    {
        _file = file;
        var index = ZipIndex.Read(file);
        var pickles = index.Keys.Where(name => name == PickleName || (name.EndsWith("/" + PickleName, StringComparison.Ordinal)
            && name.IndexOf('/', StringComparison.Ordinal) == name.Length - PickleName.Length - 1)).ToList();
        _folder = pickles.Count == 1
            ? pickles[0][..^PickleName.Length]
            : throw new SpectralKDException("it is a zip archive, but not one of torch.save: it has no single NAME/data.pkl");
        if (index.ContainsKey(_folder + "constants.pkl") || index.Keys.Any(name => name.StartsWith(_folder + "code/", StringComparison.Ordinal)))
        {
            throw new SpectralKDException("it is a TorchScript archive (torch.jit.save), a program with its weights; save the weights alone in Python: "
                + "torch.save(torch.jit.load('x.pt').state_dict(), 'x.pth')");
        }

        _entries = index.Where(pair => !pair.Value.Deflated).ToDictionary(pair => pair.Key, pair => (file, pair.Value), StringComparer.Ordinal);
        var deflated = index.Values.Where(entry => entry.Deflated && entry.Name.StartsWith(_folder, StringComparison.Ordinal)).ToList();
        if (deflated.Count > 0)
        {
            (_unpacked, var contents) = InflatedEntries.Unpack(file, deflated);
            foreach (var entry in contents)
            {
                _entries.Add(entry.Name, (_unpacked, entry));
            }
        }
    }

    /// <summary>True if a file begins as a zip archive does.</summary>
    public static bool Recognises(MappedFile file) => file.Slice(0, (int)Math.Min(4, file.Length)).SequenceEqual("PK\u0003\u0004"u8);

    /// <inheritdoc/>
    public object? ReadPickle()
    {
        CheckByteOrder();
        var (holder, entry) = Verified(_folder + PickleName);
        return entry.Length <= ITorchContainer.LargestPickle
            ? PickleMachine.Read(holder.Memory(entry.Offset, (int)entry.Length), new PickleBudget(_file.Length)).Value
            : throw new SpectralKDException($"its pickle has {entry.Length} bytes; at most {ITorchContainer.LargestPickle} are read");
    }

    /// <summary>Frees what was unpacked.</summary>
    public void Dispose() => _unpacked?.Dispose();

    /// <summary>Finds a tensor's bytes in the file and checks that they are there and whole.</summary>
    public CheckpointTensor Locate(string key, PickleTensor tensor)
    {
        var storage = tensor.Storage;
        var (holder, entry) = Verified($"{_folder}data/{storage.Key}");
        var elementSize = storage.Type?.Size() ?? 1;
        if (entry.Length / elementSize != storage.Count || entry.Length % elementSize != 0)
        {
            throw new SpectralKDException($"the storage of tensor '{key}' claims {storage.Count} elements of {elementSize} bytes, but its entry "
                + $"'{entry.Name}' has {entry.Length} bytes");
        }

        if (storage.Type is { } type && type != tensor.Type)
        {
            throw new SpectralKDException($"tensor '{key}' is {tensor.Type.FormatName()}, but its storage is {type.FormatName()}");
        }

        return CheckpointTensor.Make(key, tensor, holder, entry.Offset, entry.Length / tensor.Type.Size());
    }

    private void CheckByteOrder()
    {
        if (_entries.TryGetValue(_folder + "byteorder", out var found) && found.Entry.Length < 16
            && !found.File.Slice(found.Entry.Offset, (int)found.Entry.Length).SequenceEqual("little"u8))
        {
            throw new SpectralKDException("its numbers are big-endian; save it on a little-endian machine");
        }
    }

    private (MappedFile File, ArchiveEntry Entry) Verified(string name)
    {
        if (!_entries.TryGetValue(name, out var found))
        {
            throw new SpectralKDException($"its archive lacks the entry '{name}'");
        }

        var (holder, entry) = found;
        if (entry.Crc32 != 0 && _verified.Add(name) && Checksum(holder, entry) is var crc && crc != entry.Crc32)
        {
            throw new SpectralKDException($"its entry '{name}' is damaged: checksum {crc.ToString("x8", CultureInfo.InvariantCulture)} "
                + $"instead of {entry.Crc32.ToString("x8", CultureInfo.InvariantCulture)}; fetch or copy it again");
        }

        return found;
    }

    private static uint Checksum(MappedFile holder, ArchiveEntry entry)
    {
        var crc = new Crc32();
        for (long done = 0; done < entry.Length; done += ChunkLength)
        {
            crc.Append(holder.Slice(entry.Offset + done, (int)Math.Min(ChunkLength, entry.Length - done)));
        }

        return crc.GetCurrentHashAsUInt32();
    }
}
