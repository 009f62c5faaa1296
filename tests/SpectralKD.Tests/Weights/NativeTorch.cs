using System.Runtime.CompilerServices;

namespace SpectralKD.Tests.Weights;

/// <summary>Loads libtorch before any test touches torch: a torch call before that fails for the whole process.</summary>
internal static class NativeTorch
{
    [ModuleInitializer]
    internal static void Load() => LibTorch.EnsureLoaded();
}
