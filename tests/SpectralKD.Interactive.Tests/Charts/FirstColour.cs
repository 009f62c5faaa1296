using System.Runtime.CompilerServices;

namespace SpectralKD.Interactive.Tests.Charting;

/// <summary>A process gives its colours in the order in which names are first shown: the sample's model has the first, whichever test begins.</summary>
internal static class FirstColour
{
    [ModuleInitializer]
    internal static void Take() => _ = Charts.UCurve(SampleSpectra.U());
}
