namespace SpectralKD.Data;

/// <summary>How images are read into batches.</summary>
public sealed record BatchOptions
{
    /// <summary>Images in a batch, at least 1; the last batch may be smaller.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Decoding threads, at least 1. The batches do not depend on it.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    /// <summary>Which images to read, in this order. Null reads all in the source's order.</summary>
    public IReadOnlyList<int>? Indices { get; init; }

    /// <summary>Which part of these images to read. Null reads all.</summary>
    public DataShard? Shard { get; init; }

    /// <summary>Images that may be decoded before they are asked for: two batches, at least two for each worker.</summary>
    internal int ReadAhead => Math.Max(2 * BatchSize, 2 * Workers);

    /// <summary>The positions to read, in order.</summary>
    /// <exception cref="SpectralKDException">A number is out of range.</exception>
    internal int[] Resolve(IImageSource source)
    {
        if (BatchSize < 1 || Workers < 1)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"Batch size and workers must be at least 1, but are {BatchSize} and {Workers}."));
        }

        var all = Indices?.ToArray() ?? [.. Enumerable.Range(0, source.Count)];
        foreach (var index in all.Where(index => index < 0 || index >= source.Count))
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"{source.Name} has {source.Count} images, so there is no image {index}."));
        }

        return Shard is null ? all : Shard.Of(all);
    }
}
