namespace SpectralKD.Models;

/// <summary>Turns the block indices that a user writes into the blocks that a model keeps (timm's <c>feature_take_indices</c>).</summary>
public static class BlockSelection
{
    /// <summary>Resolves indices: negative ones count from the end, duplicates count once, the result is ascending.</summary>
    /// <param name="blocks">0-based indices; null means all.</param>
    /// <param name="count">Number of blocks of the model.</param>
    /// <param name="model">The model's name, for messages.</param>
    /// <exception cref="SpectralKDException">The list is empty or a block does not exist.</exception>
    public static IReadOnlyCollection<int> Resolve(IReadOnlyList<int>? blocks, int count, string model)
    {
        if (blocks is null)
        {
            return Enumerable.Range(0, count).ToHashSet();
        }

        if (blocks.Count == 0)
        {
            throw new SpectralKDException($"No block of {model} was asked for: the list is empty; pass null for all {count} blocks.");
        }

        return new SortedSet<int>(blocks.Select(block => Absolute(block, count, model)));
    }

    /// <summary>The last blocks of a model, ascending (timm's integer <c>indices</c>).</summary>
    /// <param name="last">How many, from 1 to <paramref name="count"/>.</param>
    /// <param name="count">Number of blocks of the model.</param>
    /// <exception cref="SpectralKDException">The model has fewer blocks, or none was asked for.</exception>
    public static IReadOnlyList<int> Last(int last, int count) => last >= 1 && last <= count
        ? [.. Enumerable.Range(count - last, last)]
        : throw new SpectralKDException($"The last {last} blocks were asked for, but the model has {count}: ask for 1 to {count}.");

    private static int Absolute(int block, int count, string model)
    {
        var absolute = block < 0 ? count + block : block;
        return absolute >= 0 && absolute < count
            ? absolute
            : throw new SpectralKDException(
                $"Block {block} does not exist: {model} has {count} blocks, 0 to {count - 1} (or -1 to -{count} from the end).");
    }
}
