using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>Refuses spectra whose parts contradict each other, as an edited or damaged file may hold.</summary>
internal static class SpectrumCheck
{
    internal static void Require(ModelSpectrum spectrum, string where)
    {
        Require(spectrum.Images > 0, where, $"it has {spectrum.Images} images");
        Require(!spectrum.Blocks.IsDefaultOrEmpty, where, "it has no blocks");
        Require(spectrum.Blocks[^1]?.Index < spectrum.Depth, where, $"it has a block beyond the model's {spectrum.Depth}");
        Require(spectrum.Model is not null && spectrum.Source is not null, where, "it names no model or no source");
        for (var i = 0; i < spectrum.Blocks.Length; i++)
        {
            var block = spectrum.Blocks[i];
            Require(block?.Name is not null, where, $"block number {i} is empty");
            Require(i == 0 || block!.Index > spectrum.Blocks[i - 1].Index, where, "its blocks are not in ascending order");
            RequireBlock(block!, spectrum, where);
        }
    }

    private static void RequireBlock(BlockSpectrum block, ModelSpectrum spectrum, string where)
    {
        Require(block.Channels > 0 && block.Height > 0 && block.Width > 0, where, $"{block.Name} has no size");
        Require(block.Images == spectrum.Images, where, $"{block.Name} has {block.Images} images, the whole {spectrum.Images}");
        Require(block.Spatial is not null == spectrum.Domain.HasFlag(SpectralDomain.Spatial), where, $"{block.Name} and the domain differ");
        Require(block.Channel is not null == spectrum.Domain.HasFlag(SpectralDomain.Channel), where, $"{block.Name} and the domain differ");
        RequireLength(block.Spatial?.Amplitude, block.Height * block.Width, block, where);
        RequireLength(block.Spatial?.Power, block.Height * block.Width, block, where);
        RequireLength(block.Channel?.Magnitude, block.Channels, block, where);
        Require(
            block.Entropy is not { } entropy || entropy.Tokens == block.Images * block.Height * block.Width,
            where,
            $"{block.Name} has entropy of {block.Entropy?.Tokens} tokens, not of images x height x width");
    }

    private static void RequireLength(ImmutableArray<double>? values, int length, BlockSpectrum block, string where)
        => Require(
            values is not { } array || (!array.IsDefault && array.Length == length),
            where,
            $"{block.Name} is [{block.Channels}, {block.Height}, {block.Width}] but a list of its spectra does not have {length} numbers");

    private static void Require(bool condition, string where, string found)
    {
        if (!condition)
        {
            throw new SpectralKDException($"{where} is not a spectrum: {found}");
        }
    }
}
