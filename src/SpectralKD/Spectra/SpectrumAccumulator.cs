using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>
/// Reduces feature maps to running sums, batch after batch; keeps no tensor. Memory does not grow with the number of images.
/// Not safe for use from several threads at once.
/// </summary>
/// <remarks>
/// Maps may be of any floating type on any device: they are transformed in float64 where they are, a few images at a time.
/// </remarks>
public sealed class SpectrumAccumulator
{
    private readonly string _model;
    private readonly SpectralDomain _domain;
    private readonly int _depth;
    private readonly SortedDictionary<int, BlockAccumulator> _blocks = [];
    private readonly long[] _resampledImages = new long[Bootstrap.Resamples];

    /// <summary>Starts with no images.</summary>
    /// <param name="model">Name of the model, for titles.</param>
    /// <param name="blocks">The blocks whose maps will come, at least one.</param>
    /// <param name="domain">The transforms to take.</param>
    /// <param name="entropyRange">Range of the activation entropy's bins, common to all blocks; null without the entropy.</param>
    /// <param name="depth">Number of blocks that the model has; null where the last of <paramref name="blocks"/> is its last.</param>
    /// <exception cref="SpectralKDException">No blocks, or nothing to compute.</exception>
    public SpectrumAccumulator(
        string model,
        IReadOnlyList<BlockInfo> blocks,
        SpectralDomain domain = SpectralDomain.Spatial,
        ActivationRange? entropyRange = null,
        int? depth = null)
        : this(model, blocks, domain, entropyRange, depth, entropyRange is not null || domain.HasFlag(SpectralDomain.Channel))
    {
    }

    internal SpectrumAccumulator(
        string model, IReadOnlyList<BlockInfo> blocks, SpectralDomain domain, ActivationRange? entropyRange, int? depth, bool findRange, bool perImage = false)
    {
        if (blocks.Count == 0 || (domain == SpectralDomain.None && entropyRange is null))
        {
            throw new SpectralKDException("there is nothing to analyse: name at least one block and one domain (spatial or channel)");
        }

        LibTorch.EnsureLoaded();
        _model = model;
        _domain = domain;
        _depth = depth ?? blocks.Max(block => block.Index) + 1;
        foreach (var block in blocks)
        {
            _blocks[block.Index] = new BlockAccumulator(block, domain, findRange, entropyRange) { Each = perImage ? [] : null };
        }
    }

    /// <summary>Number of images added so far.</summary>
    public long Images { get; private set; }

    /// <summary>Takes over the sums of an accumulator of the same blocks and domains, exactly.</summary>
    internal void Restore(ModelSpectrum sums)
    {
        foreach (var block in sums.Blocks)
        {
            _blocks[block.Index].Restore(block, sums.Activations);
            _blocks[block.Index].Each?.AddRange(sums.PerImage!.Intensities[sums.Blocks.IndexOf(block)]);
        }

        Images = sums.Images;
        sums.ResampledImages!.Value.CopyTo(_resampledImages);
    }

    /// <summary>Adds the feature maps of one batch. The maps stay the caller's.</summary>
    /// <param name="maps">One map <c>[B, C, H, W]</c> for each of the blocks, the same B for all.</param>
    /// <param name="imageName">Name of the batch's image at an index, for messages; null numbers them.</param>
    /// <exception cref="SpectralKDException">
    /// A block's map is missing, its shape does not fit, or it holds NaN or infinity. The accumulator is then no longer of use.
    /// </exception>
    public void Add(IReadOnlyList<FeatureMap> maps, Func<int, string>? imageName = null)
    {
        var before = Images;
        Add(maps, imageName, index => Bootstrap.Counts(0, before + index));
    }

    /// <summary>As the public one, with how often each of the bootstrap's resamples counts the batch's image at an index.</summary>
    internal void Add(IReadOnlyList<FeatureMap> maps, Func<int, string>? imageName, Func<int, byte[]> resamples)
    {
        var before = Images;
        imageName ??= index => $"image {before + index}";
        var counts = Enumerable.Range(0, maps.Count == 0 ? 0 : maps.Max(map => (int)map.Values.shape[0])).Select(resamples).ToList();
        foreach (var (index, block) in _blocks)
        {
            block.Add(Find(maps, index), imageName, counts);
        }

        Images = _blocks.Values.First().Images;
        if (_blocks.Values.FirstOrDefault(block => block.Images != Images) is { } odd)
        {
            throw new SpectralKDException($"feature maps of one batch differ in their number of images: {odd.Images - before} and {Images - before}");
        }

        foreach (var image in counts)
        {
            for (var i = 0; i < image.Length; i++)
            {
                _resampledImages[i] += image[i];
            }
        }
    }

    /// <summary>The spectra of all images added so far.</summary>
    /// <param name="source">Where the images came from, for titles.</param>
    /// <exception cref="SpectralKDException">No images were added.</exception>
    public ModelSpectrum ToSpectrum(string source)
    {
        if (Images == 0)
        {
            throw new SpectralKDException($"{source} gave no images, so there is no spectrum");
        }

        return new ModelSpectrum
        {
            Model = _model,
            Source = source,
            Domain = _domain,
            Images = Images,
            Activations = Range(),
            ResampledImages = [.. _resampledImages],
            Depth = _depth,
            PerImage = EachImage(),
            Blocks = [.. _blocks.Values.Select(block => block.ToSpectrum())],
        };
    }

    /// <summary>The intensities of single images, for the time being without names; null where nobody asked for them.</summary>
    private SpectrumImages? EachImage() => _blocks.Values.Any(block => block.Each is null) ? null : new SpectrumImages
    {
        Places = [.. Enumerable.Range(0, (int)Images)],
        Names = [.. Enumerable.Range(0, (int)Images).Select(image => $"image {image}")],
        Classes = [.. Enumerable.Repeat("", (int)Images)],
        Intensities = [.. _blocks.Values.Select(block => block.Each!.ToImmutableArray())],
    };

    private static TorchSharp.torch.Tensor Find(IReadOnlyList<FeatureMap> maps, int index)
    {
        foreach (var map in maps)
        {
            if (map.Block == index)
            {
                return map.Values;
            }
        }

        throw new SpectralKDException(
            $"the feature map of block {index} is missing; the batch has blocks {string.Join(", ", maps.Select(map => map.Block))}");
    }

    private ActivationRange? Range()
        => _blocks.Values.Select(block => block.Range).Aggregate((one, two) => one is null || two is null ? null : one.Union(two));
}
