using System.Security.Cryptography;

namespace SpectralKD.Native;

/// <summary>
/// Lets TorchSharp's native library load where libstdc++ is older than GCC 13.2 (Debian 12, Ubuntu 22.04, RHEL 9). It asks for
/// <c>GLIBCXX_3.4.32</c> for the sake of one symbol (<c>std::ios_base_library_init</c>) that is never called; a copy in the user's
/// cache folder asks for it weakly. The original is never changed.
/// </summary>
internal static class LibStdCxxBridge
{
    private const string Version = "GLIBCXX_3.4.32";

    /// <summary>Makes (or finds) the bridged copy.</summary>
    /// <param name="library">Full path of libLibTorchSharp.so.</param>
    /// <returns>The copy's path; null where the library does not need the version, so that the bridge cannot help.</returns>
    /// <exception cref="SpectralKDException">The library is no readable ELF file, or the cache folder cannot be written.</exception>
    public static string? Prepare(string library)
    {
        var original = File.ReadAllBytes(library);
        var need = Needs(library, original).FirstOrDefault(n => n.Version == Version && !n.IsWeak);
        if (need is null)
        {
            return null;
        }

        var bridged = ElfVersionNeeds.WithWeak(original, need);
        var key = Convert.ToHexString(SHA256.HashData(original));
        var copy = CacheFolder.For("native", key, Path.GetFileName(library));
        if (!File.Exists(copy) || !File.ReadAllBytes(copy).AsSpan().SequenceEqual(bridged))
        {
            AtomicFile.Write(copy, stream => stream.Write(bridged));
        }

        return copy;
    }

    private static IReadOnlyList<ElfVersionNeed> Needs(string library, byte[] file)
    {
        try
        {
            return ElfVersionNeeds.Read(file);
        }
        catch (InvalidDataException e)
        {
            throw new SpectralKDException(
                $"{library} cannot be read: {e.Message}. Delete its package's folder and restore again", e);
        }
    }
}
