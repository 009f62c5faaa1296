using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace SpectralKD.Spectra;

/// <summary>
/// The spectra of a model's blocks over a set of images: plain numbers, without tensors. Spectra of disjoint images merge into what all
/// images together would have given.
/// </summary>
public sealed record ModelSpectrum
{
    /// <summary>timm name of the model, or whatever it was called; the charts' legend.</summary>
    public required string Model { get; init; }

    /// <summary>Where the images came from.</summary>
    public required string Source { get; init; }

    /// <summary>The domains that were analysed.</summary>
    public required SpectralDomain Domain { get; init; }

    /// <summary>Where in each block the maps were taken. Not written to JSON for the residual stream, which older versions know alone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public MapPoint At { get; init; }

    /// <summary>Number of images analysed.</summary>
    public required long Images { get; init; }

    /// <summary>Images that could not be read and were left out, in words.</summary>
    public ImmutableArray<string> Skipped { get; init; } = [];

    /// <summary>Smallest and largest activation of all blocks and images; null where it was not needed (spatial domain alone).</summary>
    public ActivationRange? Activations { get; init; }

    /// <summary>
    /// Images of each of the bootstrap's 200 resamples, whose sums are in <see cref="ImageIntensities.Resampled"/>; null in files of earlier versions, and where one was merged in.
    /// </summary>
    public ImmutableArray<long>? ResampledImages { get; init; }

    /// <summary>Number of blocks that the model has, analysed or not.</summary>
    public required int Depth { get; init; }

    /// <summary>The analysed blocks in ascending order, at least one.</summary>
    public required ImmutableArray<BlockSpectrum> Blocks { get; init; }

    /// <summary>
    /// What the analyses were made of that this spectrum is the sum of. Empty where nobody recorded it: spectra of a
    /// <see cref="SpectrumAccumulator"/> of one's own, and files of the first format.
    /// </summary>
    public ImmutableArray<SpectrumPart> Parts { get; init; } = [];

    /// <summary>The intensities of single images; null where <see cref="SpectralOptions.PerImage"/> did not ask for them. Not written to JSON then.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SpectrumImages? PerImage { get; init; }

    /// <summary>Where the model's weights came from; null where that was not recorded.</summary>
    [JsonIgnore]
    public ModelOrigin? Weights => Parts.IsDefaultOrEmpty ? null : Parts[0].Weights;

    /// <summary>
    /// The model's name for titles and legends; an untrained model's says so: <c>deit_tiny_patch16_224 (UNTRAINED)</c>; so do maps of another point than the residual
    /// stream: <c>deit_tiny_patch16_224 at attn</c>.
    /// </summary>
    [JsonIgnore]
    public string Title => (Weights is { IsUntrained: true } ? $"{Model} (UNTRAINED)" : Model) + (At == MapPoint.Resid ? "" : $" at {MapPoints.Word(At)}");

    /// <summary>The blocks' spectral intensities in order: the U-curve.</summary>
    [JsonIgnore]
    public ImmutableArray<double> Intensities => [.. Blocks.Select(block => block.Intensity ?? double.NaN)];

    /// <summary>How far <see cref="Intensities"/> follow a U over depth, beyond what their spread over the images leaves open.</summary>
    /// <remarks>
    /// By the bootstrap over the images where there are at least eight of them and the file holds it; otherwise by the intensities' standard errors.
    /// </remarks>
    [JsonIgnore]
    public UShape UShape => Resampled() is { } curves
        ? UShape.Of(Intensities, curves)
        : UShape.Of(Intensities, Images > 1 ? [.. Blocks.Select(block => (block.IntensityDeviation ?? double.NaN) / Math.Sqrt(Images))] : null);

    /// <summary>
    /// The 95 % intervals of <see cref="Intensities"/> over the images, by the bootstrap; null with fewer than eight images, or where the file does not hold it.
    /// </summary>
    [JsonIgnore]
    public ImmutableArray<Interval>? IntensityIntervals => Resampled() is { } curves
        ? [.. Blocks.Select((_, i) => Bootstrap.Percentiles(curves.Select(curve => curve[i])))]
        : null;

    /// <summary>The curve of every resample of the images, one value a block.</summary>
    private double[][]? Resampled()
    {
        var sums = Blocks.Select(block => (block.Spatial?.Intensities ?? block.Channel?.Intensities)?.Resampled).ToList();
        if (ResampledImages is not { } images || Images < Bootstrap.FewestImages || sums.Any(of => of is null))
        {
            return null;
        }

        var means = sums.Select(of => Bootstrap.Means(of!.Value, images)).ToList();
        return [.. Enumerable.Range(0, means[0].Length).Select(resample => means.Select(block => block[resample]).ToArray())];
    }

    /// <summary>The spectrum of one block.</summary>
    /// <param name="index">0-based block index; negative counts from the model's last analysed block.</param>
    /// <exception cref="SpectralKDException">The block was not analysed.</exception>
    public BlockSpectrum Block(int index)
    {
        var wanted = index < 0 && -index <= Blocks.Length ? Blocks[^-index].Index : index;
        return Blocks.FirstOrDefault(block => block.Index == wanted) ?? throw new SpectralKDException(
            $"there is no spectrum of block {index} of {Model}; analysed blocks: {string.Join(", ", Blocks.Select(block => block.Index))}");
    }

    /// <summary>One domain of spectra that hold both, so that its intensities are what curves and strategies go by.</summary>
    /// <param name="domain">The domain to keep; <see cref="SpectralDomain.Both"/> keeps all.</param>
    /// <exception cref="SpectralKDException">It was not analysed.</exception>
    public ModelSpectrum InDomain(SpectralDomain domain) => Domain.HasFlag(domain) && domain != SpectralDomain.None
        ? this with
        {
            Domain = domain,
            PerImage = domain.HasFlag(Domain.HasFlag(SpectralDomain.Spatial) ? SpectralDomain.Spatial : SpectralDomain.Channel) ? PerImage : null,
            Blocks = [.. Blocks.Select(block => block with
            {
                Spatial = domain.HasFlag(SpectralDomain.Spatial) ? block.Spatial : null,
                Channel = domain.HasFlag(SpectralDomain.Channel) ? block.Channel : null,
            })],
        }
        : throw new SpectralKDException(
            $"{Model} was analysed in the {Domain} domain, so it has no {domain} spectra: analyse it again with the domain {domain} or Both");

    /// <summary>The intensities of all blocks of a model, or an error where these are another model's or not all.</summary>
    internal ImmutableArray<double> IntensitiesOf(VisionModel model)
    {
        if (Blocks.Length != model.Blocks.Count)
        {
            throw new SpectralKDException(
                $"the spectrum has {Blocks.Length} blocks (of {Model}), but {model.Spec.Name} has {model.Blocks.Count}: analyse all of its blocks to choose layers");
        }

        return Intensities;
    }

    /// <summary>Adds the spectra of other images, exactly as if all had been analysed together.</summary>
    /// <param name="other">Spectra of the same model, weights, preprocessing, blocks and domains over images that are not among these.</param>
    /// <param name="checkRecords">False merges whatever <see cref="Parts"/> say or do not say, see <see cref="MergeProblems"/>.</param>
    /// <exception cref="SpectralKDException">
    /// Model, domains, blocks or shapes differ, the activation entropies were counted over different ranges, or the records forbid it.
    /// </exception>
    public ModelSpectrum Merge(ModelSpectrum other, bool checkRecords = true) => Merge([this, other], checkRecords);

    /// <summary>Merges any number of spectra of disjoint images.</summary>
    /// <param name="parts">The spectra, at least one; merged ones too.</param>
    /// <param name="checkRecords">False merges whatever <see cref="Parts"/> say or do not say, see <see cref="MergeProblems"/>.</param>
    /// <exception cref="SpectralKDException">The list is empty, or two of them do not fit together.</exception>
    public static ModelSpectrum Merge(IEnumerable<ModelSpectrum> parts, bool checkRecords = true) => SpectrumMerge.Of([.. parts], checkRecords);

    /// <summary>
    /// What speaks against merging: images that two spectra share, other weights, number types or preprocessing, or no record of any of it.
    /// </summary>
    /// <param name="parts">The spectra.</param>
    /// <param name="names">What to call each of them, such as its file; null describes them by model and images.</param>
    /// <returns>One line for each problem, which names both sides; none where the spectra can be merged.</returns>
    public static IReadOnlyList<string> MergeProblems(IReadOnlyList<ModelSpectrum> parts, IReadOnlyList<string>? names = null)
        => SpectrumMerge.Problems(parts, names);

    /// <summary>Images of the parts' lists that no part holds, one line for each list: parts that are still to be analysed and merged.</summary>
    public IReadOnlyList<string> MissingParts() => SpectrumMerge.Missing(this);

    /// <summary>The same spectra without the activation entropy, so that parts with different entropy ranges can be merged.</summary>
    public ModelSpectrum WithoutActivationEntropy()
        => this with { Blocks = [.. Blocks.Select(block => block with { Entropy = null })] };

    /// <summary>The spectra as JSON text: numbers exact, with a format version.</summary>
    public string ToJson() => SpectrumJson.Write(this);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="SpectralKDException">Not JSON, another format or version, unknown or missing keys, sizes that do not agree.</exception>
    public static ModelSpectrum FromJson(string json) => SpectrumJson.Read(json, "the text");

    /// <summary>Writes <see cref="ToJson"/> to a file, under a temporary name first.</summary>
    public void Save(string path) => SpectrumJson.Save(this, path);

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="SpectralKDException">No such file, or its content is not a spectrum.</exception>
    public static ModelSpectrum Load(string path) => SpectrumJson.Load(path);
}

/// <summary>The intensity of every single image in every block, kept where <see cref="SpectralOptions.PerImage"/> asks for it: 8 bytes for each.</summary>
public sealed record SpectrumImages
{
    /// <summary>Places of the images in their source's list, ascending; their numbers in the stream where there is no list.</summary>
    public required ImmutableArray<int> Places { get; init; }

    /// <summary>Names of the images, paths inside their source.</summary>
    public required ImmutableArray<string> Names { get; init; }

    /// <summary>Names of the images' classes; empty texts where there are none.</summary>
    public required ImmutableArray<string> Classes { get; init; }

    /// <summary>For each analysed block the images' intensities, in the order of the names.</summary>
    public required ImmutableArray<ImmutableArray<double>> Intensities { get; init; }

    /// <summary>Numbers of the images in the order of their intensity in a block, the highest first.</summary>
    /// <param name="block">Position in <see cref="ModelSpectrum.Blocks"/>.</param>
    internal IEnumerable<int> Ordered(int block)
        => Enumerable.Range(0, Names.Length).OrderByDescending(image => Intensities[block][image]).ThenBy(image => Places[image]);

    /// <summary>Makes sure that a source is the one whose images these are.</summary>
    /// <exception cref="SpectralKDException">It is not.</exception>
    internal void RequireFrom(IImageSource source)
    {
        for (var image = 0; image < Names.Length; image++)
        {
            var found = Places[image] < source.Count ? source.ItemName(Places[image]) : null;
            if (found != Names[image])
            {
                throw new SpectralKDException(
                    $"{source.Name} are not the images that were analysed: number {Places[image]} is {found ?? "not there"}, it was {Names[image]}; give the same source with the same count, classes and seed");
            }
        }
    }

    internal bool IsWhole(long images, int blocks) => !Places.IsDefault && !Names.IsDefault && !Classes.IsDefault && !Intensities.IsDefault
        && Places.Length == images && Names.Length == images && Classes.Length == images && Intensities.Length == blocks
        && Intensities.All(values => !values.IsDefault && values.Length == images);

    /// <summary>Those of disjoint images together, in the order of their places, so that parts give what one analysis would have given.</summary>
    internal SpectrumImages Plus(SpectrumImages other)
    {
        var order = Enumerable.Range(0, Places.Length + other.Places.Length).OrderBy(i => At(Places, other.Places, i)).ThenBy(i => At(Names, other.Names, i), StringComparer.Ordinal).ToList();
        return new SpectrumImages
        {
            Places = [.. order.Select(i => At(Places, other.Places, i))],
            Names = [.. order.Select(i => At(Names, other.Names, i))],
            Classes = [.. order.Select(i => At(Classes, other.Classes, i))],
            Intensities = [.. Intensities.Zip(other.Intensities, (one, two) => order.Select(i => At(one, two, i)).ToImmutableArray())],
        };
    }

    private static T At<T>(ImmutableArray<T> one, ImmutableArray<T> two, int i) => i < one.Length ? one[i] : two[i - one.Length];
}
