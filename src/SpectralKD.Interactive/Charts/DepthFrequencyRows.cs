namespace SpectralKD.Interactive.Charting;

/// <summary>Blocks with maps of one size as the rows of a heatmap; rings lie at their radius over the Nyquist radius.</summary>
internal static class DepthFrequencyRows
{
    internal static Attributes Of(IReadOnlyList<BlockSpectrum> blocks, bool normalize)
    {
        var rings = blocks[0].RadialCounts.Length;
        return new Attributes
        {
            ["x"] = Enumerable.Range(0, rings).Select(ring => ring / blocks[0].NyquistRadius).ToArray(),
            ["y"] = blocks.Select(block => block.Index).ToArray(),
            ["z"] = blocks.Select(block => LogScale.Of(Profile(block, normalize))).ToArray(),
            ["text"] = blocks.Select(block => Enumerable.Range(0, rings).Select(ring => Hover(block, ring)).ToArray()).ToArray(),
            ["hovertemplate"] = "%{text}<extra></extra>",
            ["coloraxis"] = "coloraxis",
            ["xgap"] = 1,
            ["ygap"] = 1,
        };
    }

    internal static IEnumerable<double> Profile(BlockSpectrum block, bool normalize)
    {
        var profile = block.RadialAmplitude!.Value;
        var unit = normalize ? Math.Max(profile.Max(), double.Epsilon) : 1;
        return profile.Select(value => value / unit);
    }

    private static string Hover(BlockSpectrum block, int ring) => ChartLook.Text(block.Name) + FormattableString.Invariant(
        $"<br>{ring} cycles per map ({block.RadialCounts[ring]} frequencies)<br>mean |F| {block.RadialAmplitude!.Value[ring]:G4}");
}
