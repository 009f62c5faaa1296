using System.Collections.Immutable;
using SpectralKD.Models;

namespace SpectralKD.Spectra;

/// <summary>One side of a choice of layers: a model's blocks, with their intensities where they are known.</summary>
internal sealed record LayerCandidates(string Model, IReadOnlyList<BlockInfo> Blocks, ImmutableArray<double>? Intensities)
{
    internal int Depth => Blocks.Count;

    /// <summary>Whether the maps' size changes over depth.</summary>
    internal bool IsHierarchical => Blocks.Select(block => (block.Height, block.Width)).Distinct().Count() > 1;

    internal static LayerCandidates Of(ModelSpectrum spectrum)
    {
        if (spectrum.Blocks.Length != spectrum.Depth)
        {
            throw new SpectralKDException(
                $"only {spectrum.Blocks.Length} of {spectrum.Model}'s {spectrum.Depth} blocks were analysed: analyse all of them to choose layers");
        }

        return new(spectrum.Model, [.. spectrum.Blocks.Select(block => block.ToBlockInfo())], spectrum.Intensities);
    }

    /// <summary>Intensities, or an error that says how to get them.</summary>
    internal ImmutableArray<double> RequireIntensities(LayerStrategy strategy) => Intensities ?? throw new SpectralKDException(
        $"the strategy {strategy} chooses by the teacher's spectra: analyse {Model} first and pass its spectrum, or use Endpoints, Even or All");
}
