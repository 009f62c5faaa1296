using System.Text.Json;

namespace SpectralKD.Weights;

/// <summary>
/// Weights in several safetensors files with an index (<c>model.safetensors.index.json</c>), as Hugging Face's libraries write large models. Opening checks the
/// headers of all shards and that index and shards name the same tensors.
/// </summary>
internal sealed class ShardedSafetensors : ITensorSource
{
    private const long LargestIndex = 64 << 20;
    private readonly List<SafetensorsFile> _shards = [];
    private readonly Dictionary<string, SafetensorsFile> _owners = new(StringComparer.Ordinal);

    private ShardedSafetensors(string path)
    {
        FilePath = Path.GetFullPath(path);
        try
        {
            Open(ReadIndex(path));
        }
        catch
        {
            Dispose();
            throw;
        }

        Tensors = _owners.ToDictionary(owner => owner.Key, owner => owner.Value.Tensors[owner.Key], StringComparer.Ordinal);
        Notes = [FormattableString.Invariant($"weights in {_shards.Count} files by {Name}")];
    }

    /// <inheritdoc/>
    public string Name => Path.GetFileName(FilePath);

    /// <inheritdoc/>
    public string FilePath { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Files => [FilePath, .. _shards.Select(shard => shard.FilePath)];

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>True for the name of an index.</summary>
    public static bool Recognises(string path) => path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens an index and its shards, which lie in the same folder.</summary>
    /// <exception cref="SpectralKDException">The index is none, or a shard is missing, damaged, or does not hold what the index says.</exception>
    public static ShardedSafetensors Open(string path) => new(path);

    /// <summary>The names of the shards, without repetition, in the order of the index.</summary>
    /// <exception cref="SpectralKDException">The index is none.</exception>
    public static IReadOnlyList<string> ShardNames(string path) => [.. ReadIndex(path).Values.Distinct(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public Tensor Read(string key) => Find(key).Read(key);

    /// <inheritdoc/>
    public void ReadInto(string key, Tensor destination) => Find(key).ReadInto(key, destination);

    /// <inheritdoc/>
    public void Dispose() => _shards.ForEach(shard => shard.Dispose());

    private SafetensorsFile Find(string key) => _owners.TryGetValue(key, out var shard) ? shard : throw TensorCopy.Absent(this, key);

    private void Open(Dictionary<string, string> index)
    {
        var folder = Path.GetDirectoryName(FilePath)!;
        foreach (var keys in index.GroupBy(entry => entry.Value, entry => entry.Key))
        {
            var shardPath = Path.Combine(folder, keys.Key);
            if (!File.Exists(shardPath))
            {
                throw new SpectralKDException($"'{FilePath}' names the shard '{keys.Key}', which is not beside it; fetch all files of the model into one folder");
            }

            var shard = SafetensorsFile.Open(shardPath);
            _shards.Add(shard);
            var named = keys.ToHashSet(StringComparer.Ordinal);
            if (named.FirstOrDefault(key => !shard.Tensors.ContainsKey(key)) is { } missing)
            {
                throw new SpectralKDException($"the shard '{shardPath}' has no tensor '{missing}', which {Name} says it has; fetch the files again, all of one revision");
            }

            if (shard.Tensors.Keys.FirstOrDefault(key => !named.Contains(key)) is { } unnamed)
            {
                throw new SpectralKDException($"the shard '{shardPath}' holds '{unnamed}', of which {Name} knows nothing; fetch the files again, all of one revision");
            }

            foreach (var key in named)
            {
                _owners.Add(key, shard);
            }
        }
    }

    private static Dictionary<string, string> ReadIndex(string path)
    {
        try
        {
            if (new FileInfo(path).Length > LargestIndex)
            {
                throw Broken(path, "it is larger than 64 MB");
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            {
                throw Broken(path, "it has no \"weight_map\"");
            }

            var shards = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in map.EnumerateObject())
            {
                var shard = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : throw Broken(path, $"the shard of '{entry.Name}' is no text");
                CheckName(path, shard);
                if (!shards.TryAdd(entry.Name, shard))
                {
                    throw Broken(path, $"it names '{entry.Name}' twice");
                }
            }

            return shards.Count > 0 ? shards : throw Broken(path, "its \"weight_map\" is empty");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot read '{path}': {error.Message}", error);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Broken(path, "it is no JSON", error);
        }
    }

    // The names become paths, so they must be names in the index's folder.
    private static void CheckName(string path, string shard)
    {
        if (shard.Length == 0 || shard is "." or ".." || shard.Any(letter => letter is '/' or '\\' or ':' || char.IsControl(letter)))
        {
            throw Broken(path, $"the shard '{shard}' is no name of a file in its folder");
        }

        if (!shard.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            throw Broken(path, $"the shard '{shard}' is no .safetensors file: convert it (model.save_pretrained(folder, safe_serialization=True))", null, "");
        }
    }

    private static SpectralKDException Broken(string path, string why, Exception? inner = null, string advice = "; fetch or save it again") =>
        new($"'{path}' is not a valid index of safetensors files: {why}{advice}", inner);
}

/// <summary>How files of weights are called in a folder or a repository.</summary>
internal static class WeightFileNames
{
    /// <summary>The files that hold a model's weights, the one that is taken first.</summary>
    public static IReadOnlyList<string> InOrder { get; } = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"];
}
