using System.Globalization;
using SpectralKD.Weights.Pickle;
using SpectralKD.Weights.Zip;

namespace SpectralKD.Weights;

/// <summary>
/// The archive of torch.save: <c>NAME/data.pkl</c>, <c>NAME/data/0</c>, <c>NAME/data/1</c>, …, <c>NAME/byteorder</c>.
/// Source: torch/serialization.py and caffe2/serialize/inline_container.cc.
/// </summary>
internal sealed class TorchArchive
{
    private const int MaximumPickle = 64 << 20;
    private const int ChunkLength = 1 << 24;
    private const string PickleName = "data.pkl";

    private readonly MappedFile file;
    private readonly IReadOnlyDictionary<string, ZipEntry> entries;
    private readonly HashSet<string> verified = new(StringComparer.Ordinal);
    private readonly string folder;

    public TorchArchive(MappedFile file)
    {
        this.file = file;
        CheckSignature();
        entries = ZipIndex.Read(file);
        var pickles = entries.Keys.Where(name => name == PickleName || (name.EndsWith("/" + PickleName, StringComparison.Ordinal)
            && name.IndexOf('/', StringComparison.Ordinal) == name.Length - PickleName.Length - 1)).ToList();
        folder = pickles.Count == 1
            ? pickles[0][..^PickleName.Length]
            : throw new SpectralKDException("it is a zip archive, but not one of torch.save: it has no single NAME/data.pkl");
        CheckByteOrder();
    }

    /// <summary>Reads the pickle as plain data.</summary>
    public object? ReadPickle()
    {
        var entry = Verified(folder + PickleName);
        return entry.Length <= MaximumPickle
            ? PickleMachine.Read(file.Slice(entry.Offset, (int)entry.Length).ToArray())
            : throw new SpectralKDException($"its pickle has {entry.Length} bytes; at most {MaximumPickle} are read");
    }

    /// <summary>Finds a tensor's bytes in the file and checks that they are there and whole.</summary>
    public CheckpointTensor Locate(string key, PickleTensor tensor)
    {
        var storage = tensor.Storage;
        var entry = Verified($"{folder}data/{storage.Key}");
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

        return CheckpointTensor.Make(key, tensor, entry.Offset, entry.Length / tensor.Type.Size());
    }

    private void CheckSignature()
    {
        var start = file.Slice(0, (int)Math.Min(4, file.Length));
        if (start.SequenceEqual("PK\u0003\u0004"u8))
        {
            return;
        }

        throw new SpectralKDException(start.Length > 1 && start[0] == 0x80
            ? "it has torch.save's format from before version 1.6; convert it once in Python: "
                + "torch.save(torch.load('old.pth', map_location='cpu', weights_only=True), 'new.pth')"
            : "it is no zip archive, so torch.save did not write it (or the download is an error page); check the file");
    }

    private void CheckByteOrder()
    {
        if (entries.TryGetValue(folder + "byteorder", out var entry) && entry.Length < 16
            && !file.Slice(entry.Offset, (int)entry.Length).SequenceEqual("little"u8))
        {
            throw new SpectralKDException("its numbers are big-endian; save it on a little-endian machine");
        }
    }

    private ZipEntry Verified(string name)
    {
        if (!entries.TryGetValue(name, out var entry))
        {
            throw new SpectralKDException($"its archive lacks the entry '{name}'");
        }

        if (verified.Add(name) && Checksum(entry) != entry.Crc32)
        {
            throw new SpectralKDException($"its entry '{name}' is damaged: checksum {Checksum(entry).ToString("x8", CultureInfo.InvariantCulture)} "
                + $"instead of {entry.Crc32.ToString("x8", CultureInfo.InvariantCulture)}; fetch or copy it again");
        }

        return entry;
    }

    private uint Checksum(ZipEntry entry)
    {
        uint crc = 0;
        for (long done = 0; done < entry.Length; done += ChunkLength)
        {
            crc = Crc32.Append(crc, file.Slice(entry.Offset + done, (int)Math.Min(ChunkLength, entry.Length - done)));
        }

        return crc;
    }
}
