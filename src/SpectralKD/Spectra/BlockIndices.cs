namespace SpectralKD.Spectra;

/// <summary>Reads lists of blocks as timm does: negative ones count from the end, duplicates count once, ascending.</summary>
internal static class BlockIndices
{
    internal static int[] Resolve(string model, int count, IReadOnlyList<int>? wanted)
    {
        if (wanted is { Count: 0 })
        {
            throw new SpectralKDException($"the list of layers is empty: name some of {model}'s blocks 0 to {count - 1}, or leave the list out for all");
        }

        return wanted is null ? [.. Enumerable.Range(0, count)] : [.. wanted.Select(index => Resolve(model, count, index)).Distinct().Order()];
    }

    internal static int Resolve(string model, int count, int index)
        => index >= -count && index < count ? (index + count) % count : throw new SpectralKDException(
            $"{model} has no block {index}: its blocks are 0 to {count - 1} (negative numbers count from the end)");
}
