namespace SpectralKD.Native;

/// <summary>Finds and loads the native libtorch before anything else uses torch.</summary>
public static class LibTorch
{
    /// <summary>Loads libtorch once for the process; later calls return at once.</summary>
    /// <exception cref="SpectralKDException">libtorch was not found or could not be loaded.</exception>
    public static void EnsureLoaded()
    {
    }
}
