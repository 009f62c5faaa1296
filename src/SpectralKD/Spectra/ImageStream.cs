using System.Collections.Immutable;
using SpectralKD.Data;
using SpectralKD.Models;

namespace SpectralKD.Spectra;

/// <summary>An image source as batches for one model, read again for every pass.</summary>
internal sealed class ImageStream
{
    private readonly IImageSource _source;
    private readonly ModelSpec _spec;
    private readonly BatchOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly SkippedImages _skipped = new();

    internal ImageStream(IImageSource source, ModelSpec spec, SpectralOptions options, CancellationToken cancellation)
    {
        (_source, _spec, _cancellation) = (source, spec, cancellation);
        _options = new BatchOptions { BatchSize = options.BatchSize, Workers = options.Workers, Shard = options.Shard };
        Count = _options.Resolve(source).Length;
        if (Count == 0)
        {
            throw new SpectralKDException(
                $"{source.Name} has no images{(options.Shard is null ? "" : $" in part {options.Shard}")}, so there is no spectrum");
        }
    }

    /// <summary>Number of images of one pass, unreadable ones included.</summary>
    internal long Count { get; }

    /// <summary>The images that could not be read so far, with the reasons.</summary>
    internal ImmutableArray<string> Skipped => [.. _skipped.Items.Select(item => item.Reason)];

    /// <summary>Places in the source of the images that could not be read so far.</summary>
    internal IEnumerable<int> LeftOut => _skipped.Items.Select(item => item.Index);

    /// <summary>One pass over the images.</summary>
    internal IEnumerable<AnalysisBatch> Batches()
    {
        foreach (var batch in ImageBatches.Read(_source, _spec.Preprocessing, _spec.ImageSize, _options, _skipped, _cancellation))
        {
            using (batch)
            {
                yield return new AnalysisBatch(batch.Images, index => _source.ItemName(batch.Indices[index]));
            }
        }
    }
}
