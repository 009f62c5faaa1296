using System.Globalization;
using System.Runtime.CompilerServices;

namespace SpectralKD.Notebook.Tests;

/// <summary>As the program does before it runs notebooks: figures are the same in every country.</summary>
internal static class InvariantCulture
{
#pragma warning disable CA2255 // A test assembly is the program here.
    [ModuleInitializer]
    public static void Begin() => CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
#pragma warning restore CA2255
}
