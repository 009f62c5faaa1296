using System.Runtime.CompilerServices;

namespace SpectralKD.Tests;

/// <summary>
/// Test classes run side by side: with more than one torch thread each they would wait for each other, and two OpenMP threads on a
/// busy core are slower than one.
/// </summary>
internal static class OneTorchThread
{
    [ModuleInitializer]
    internal static void Use()
    {
        SpectralKD.Native.LibTorch.EnsureLoaded();
        TorchSharp.torch.set_num_threads(1);
    }
}
