namespace SpectralKD.Data;

/// <summary>An image that could not be read.</summary>
/// <param name="Index">Its position in the source.</param>
/// <param name="Name">Its name in the source.</param>
/// <param name="Reason">Why, in one line.</param>
public sealed record SkippedImage(int Index, string Name, string Reason);

/// <summary>Collects the images that were left out of batches because they could not be read. Safe from several threads.</summary>
public sealed class SkippedImages
{
    private const int Listed = 20;
    private readonly object _gate = new();
    private readonly SortedDictionary<int, SkippedImage> _skipped = [];

    /// <summary>How many images were skipped; an image that failed in several passes counts once.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _skipped.Count;
            }
        }
    }

    /// <summary>The skipped images, sorted by their position in the source.</summary>
    public IReadOnlyList<SkippedImage> Items
    {
        get
        {
            lock (_gate)
            {
                return [.. _skipped.Values];
            }
        }
    }

    /// <summary>
    /// For the user: <c>2 of 199 images could not be read and were skipped:</c> and a line for each of the first 20 with its reason. Empty if
    /// none was skipped.
    /// </summary>
    /// <param name="total">How many images were asked for.</param>
    public string Summary(int total)
    {
        var items = Items;
        if (items.Count == 0)
        {
            return "";
        }

        var lines = items.Take(Listed).Select(item => $"  {item.Reason}");
        var rest = items.Count > Listed ? FormattableString.Invariant($"\n  … and {items.Count - Listed} more") : "";
        return FormattableString.Invariant($"{items.Count} of {total} images could not be read and were skipped:\n")
            + string.Join('\n', lines) + rest;
    }

    internal void Add(SkippedImage image)
    {
        lock (_gate)
        {
            _skipped[image.Index] = image;
        }
    }
}
