using System.Collections.Immutable;

namespace SpectralKD.Spectra;

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
