using System.Buffers.Binary;
using System.Security.Cryptography;

namespace SpectralKD.Native;

/// <summary>
/// Lets TorchSharp's native library load where libstdc++ is older than GCC 13.2 (Debian 12, Ubuntu 22.04, RHEL 9). It asks for
/// <c>GLIBCXX_3.4.32</c> for the sake of one symbol (<c>std::ios_base_library_init</c>) that is never called; a copy in the user's
/// cache folder asks for it weakly. The original is never changed.
/// </summary>
internal static class LibStdCxxBridge
{
    private const uint VersionHash = 0x0297f842; // of the ELF specification's hash function, "GLIBCXX_3.4.32"
    private const ushort Weak = 2; // VER_FLG_WEAK: the loader only warns when the version is missing
    private const int NeedLength = 16;

    /// <summary>Makes (or finds) the bridged copy.</summary>
    /// <param name="library">Full path of libLibTorchSharp.so.</param>
    /// <returns>The copy's path; null where the library does not need the version, so that the bridge cannot help.</returns>
    /// <exception cref="SpectralKDException">The library is no 64-bit ELF file, or the cache folder cannot be written.</exception>
    public static string? Prepare(string library)
    {
        var original = File.ReadAllBytes(library);
        if (!original.AsSpan().StartsWith("\u007fELF\u0002\u0001"u8))
        {
            throw new SpectralKDException($"{library} cannot be read: it is no 64-bit little-endian ELF file. Delete its package's folder and restore again");
        }

        if (Bridged(original) is not { } bridged)
        {
            return null;
        }

        var key = Convert.ToHexString(SHA256.HashData(original));
        var copy = CacheFolder.For("native", key, Path.GetFileName(library));
        if (!File.Exists(copy) || !File.ReadAllBytes(copy).AsSpan().SequenceEqual(bridged))
        {
            AtomicFile.Write(copy, stream => stream.Write(bridged));
        }

        return copy;
    }

    /// <summary>A copy of a library in which its one need of the version is weak; null where it has none, or what is found is not clearly that one need.</summary>
    /// <remarks>
    /// The need is searched by its hash, not by the file's sections. Linux Standard Base, Elf64_Vernaux: hash u32, flags u16, other u16, name u32, next u32.
    /// </remarks>
    internal static byte[]? Bridged(ReadOnlySpan<byte> library)
    {
        var found = -1;
        for (var at = 0; at <= library.Length - NeedLength; at += sizeof(uint))
        {
            if (Number(library, at) == VersionHash && IsNeed(library, at))
            {
                if (found >= 0)
                {
                    return null;
                }

                found = at;
            }
        }

        if (found < 0)
        {
            return null;
        }

        var copy = library.ToArray();
        copy[found + sizeof(uint)] |= (byte)Weak;
        return copy;
    }

    // Flags of 0, a version's index from 2 on, the next need right behind or none, and the name there where a table of strings (its first byte is 0) says.
    private static bool IsNeed(ReadOnlySpan<byte> library, int at)
    {
        var (flags, other) = ((ushort)Number(library, at + 4), Number(library, at + 4) >> 16);
        var name = library.IndexOf("\0GLIBCXX_3.4.32\0"u8) + 1;
        var table = name - (long)Number(library, at + 8);
        return flags == 0 && other >= 2 && Number(library, at + 12) is 0 or NeedLength && name > 0 && table > 0 && library[(int)table] == 0;
    }

    private static uint Number(ReadOnlySpan<byte> library, int at) => BinaryPrimitives.ReadUInt32LittleEndian(library[at..]);
}
