namespace SpectralKD.Data;

/// <summary>In which order an epoch visits the images: a new permutation for each epoch, the same for the same seed.</summary>
internal static class EpochOrder
{
    private const int Round = 256; // the epoch of DeiT's repeated augmentation is a multiple of it

    /// <summary>One place in an epoch.</summary>
    /// <param name="Index">The image.</param>
    /// <param name="Repeat">How often the image has come before in this epoch.</param>
    public readonly record struct Visit(int Index, int Repeat);

    /// <summary>
    /// The visits of one epoch. With repeats, each drawn image comes that often in a row and the epoch keeps its length (rounded down to a
    /// multiple of 256 where it has as many), so that it sees only part of the images (timm's RepeatAugSampler on one process).
    /// </summary>
    public static Visit[] Of(int count, int repeats, long seed, long epoch)
    {
        var permutation = Enumerable.Range(0, count).ToArray();
        new CounterRandom(seed, epoch, -1).Shuffle(permutation.AsSpan());
        var length = Length(count, repeats);
        return [.. Enumerable.Range(0, length).Select(place => new Visit(permutation[place / repeats], place % repeats))];
    }

    /// <summary>Number of visits of an epoch.</summary>
    public static int Length(int count, int repeats) => repeats == 1 || count < Round ? count : count / Round * Round;
}
