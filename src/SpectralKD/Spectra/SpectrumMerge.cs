namespace SpectralKD.Spectra;

/// <summary>Adds two models' sums after making sure that they are of one kind.</summary>
internal static class SpectrumMerge
{
    internal static ModelSpectrum Of(ModelSpectrum left, ModelSpectrum right)
    {
        RequireSame("models", left.Model, right.Model);
        RequireSame("depths", left.Depth, right.Depth);
        RequireSame("domains", left.Domain, right.Domain);
        RequireSame("blocks", Shapes(left), Shapes(right));
        RequireSame("sets of figures", Figures(left), Figures(right));
        RequireOneEntropyRange(left, right);
        return left with
        {
            Source = left.Source == right.Source ? left.Source : $"{left.Source} + {right.Source}",
            Images = left.Images + right.Images,
            Skipped = [.. left.Skipped, .. right.Skipped],
            Activations = left.Activations is null ? right.Activations
                : right.Activations is null ? left.Activations : left.Activations.Union(right.Activations),
            Blocks = [.. left.Blocks.Zip(right.Blocks, (one, two) => one.Plus(two))],
        };
    }

    private static void RequireSame<T>(string what, T left, T right)
    {
        if (!EqualityComparer<T>.Default.Equals(left, right))
        {
            throw new SpectralKDException($"spectra of different {what} do not merge: {left} and {right}");
        }
    }

    private static string Shapes(ModelSpectrum spectrum) => string.Join(
        ", ", spectrum.Blocks.Select(block => $"{block.Name} [{block.Channels}, {block.Height}, {block.Width}]"));

    private static string Figures(ModelSpectrum spectrum) => string.Join(
        ", ",
        new[]
        {
            spectrum.Blocks[0].Spatial is null ? null : "spatial spectra",
            spectrum.Blocks[0].Channel is null ? null : "channel spectra",
            spectrum.Blocks[0].Entropy is null ? null : "activation entropy",
        }.OfType<string>());

    private static void RequireOneEntropyRange(ModelSpectrum left, ModelSpectrum right)
    {
        var (one, two) = (left.Blocks[0].Entropy?.Range, right.Blocks[0].Entropy?.Range);
        if (one is null || two is null || one == two)
        {
            return;
        }

        var union = one.Union(two);
        throw new SpectralKDException(FormattableString.Invariant(
            $"activation entropies over different ranges do not merge ([{one.Minimum:R}, {one.Maximum:R}] and [{two.Minimum:R}, {two.Maximum:R}]): ")
            + FormattableString.Invariant($"analyse every part with EntropyRange [{union.Minimum:R}, {union.Maximum:R}], ")
            + "or merge without the entropy (WithoutActivationEntropy)");
    }
}
