namespace SpectralKD.Interactive.Charting;

/// <summary>What a chart cannot do without, or an error that says how to get it.</summary>
internal static class ChartNeeds
{
    internal static void Domain(ModelSpectrum spectrum, SpectralDomain domain)
    {
        if (!spectrum.Domain.HasFlag(domain))
        {
            throw new SpectralKDException(
                $"this chart shows the {domain} domain, but {spectrum.Model} was analysed in the {spectrum.Domain} domain: analyse it again with the domain {domain} or Both");
        }
    }

    internal static void Some<T>(IReadOnlyCollection<T> things, string what)
    {
        if (things.Count == 0)
        {
            throw new SpectralKDException($"this chart needs at least one {what}");
        }
    }
}
