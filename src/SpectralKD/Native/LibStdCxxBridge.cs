using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

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

/// <summary>One symbol version that a shared library asks of another library.</summary>
/// <param name="Library">Soname of the library asked, for example <c>libstdc++.so.6</c>.</param>
/// <param name="Version">Version name, for example <c>GLIBCXX_3.4.32</c>.</param>
/// <param name="IsWeak">True where the loader only warns when the version is missing (<c>VER_FLG_WEAK</c>).</param>
/// <param name="FlagsOffset">Byte offset of the 16-bit <c>vna_flags</c> in the file.</param>
internal sealed record ElfVersionNeed(string Library, string Version, bool IsWeak, int FlagsOffset);

/// <summary>
/// Reads the <c>.gnu.version_r</c> section of a 64-bit little-endian ELF file: the symbol versions it needs.
/// Layout: System V ABI (Elf64_Ehdr, Elf64_Shdr) and the LSB's Elf64_Verneed, Elf64_Vernaux.
/// </summary>
internal static class ElfVersionNeeds
{
    private const uint SectionTypeVersionNeeds = 0x6ffffffe;
    private const ushort FlagWeak = 2;
    private const int HeaderSize = 64;
    private const int SectionHeaderSize = 64;

    /// <summary>Lists all version needs of a library; empty where it has none.</summary>
    /// <param name="file">The whole file.</param>
    /// <exception cref="InvalidDataException">Not a 64-bit little-endian ELF file, or truncated.</exception>
    public static IReadOnlyList<ElfVersionNeed> Read(ReadOnlySpan<byte> file)
    {
        CheckHeader(file);
        var sections = Number(file, 40, 8);
        var count = (int)Number(file, 60, 2);
        if (Number(file, 58, 2) != SectionHeaderSize && count > 0)
        {
            throw new InvalidDataException("its section headers do not have the size of a 64-bit ELF file's (64 bytes)");
        }

        for (var i = 0; i < count; i++)
        {
            var header = sections + (i * SectionHeaderSize);
            if (Number(file, header + 4, 4) == SectionTypeVersionNeeds)
            {
                return ReadSection(file, sections, header, count);
            }
        }

        return [];
    }

    /// <summary>Returns a copy of the file in which one version need is weak, so that a system without it can load the library.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="need">An entry of <see cref="Read"/> of the same file.</param>
    public static byte[] WithWeak(ReadOnlySpan<byte> file, ElfVersionNeed need)
    {
        var copy = file.ToArray();
        var flags = copy.AsSpan(need.FlagsOffset, 2);
        BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | FlagWeak));
        return copy;
    }

    private static void CheckHeader(ReadOnlySpan<byte> file)
    {
        if (file.Length < 4 || !file[..4].SequenceEqual("\u007fELF"u8))
        {
            throw new InvalidDataException("it does not begin with the ELF signature");
        }

        if (file.Length < HeaderSize)
        {
            throw new InvalidDataException($"it is truncated: {file.Length} bytes, the ELF header alone has {HeaderSize}");
        }

        if (file[4] != 2 || file[5] != 1)
        {
            throw new InvalidDataException("it is no 64-bit little-endian ELF file");
        }
    }

    private static List<ElfVersionNeed> ReadSection(ReadOnlySpan<byte> file, long sections, long header, int sectionCount)
    {
        var link = Number(file, header + 40, 4);
        if (link >= sectionCount)
        {
            throw new InvalidDataException($"its version section names string table {link} of {sectionCount} sections");
        }

        var strings = Number(file, sections + (link * SectionHeaderSize) + 24, 8);
        var needs = new List<ElfVersionNeed>();
        var entry = Number(file, header + 24, 8);
        for (var left = Number(file, header + 44, 4); left > 0; left--)
        {
            ReadNeed(file, strings, entry, needs);
            var next = Number(file, entry + 12, 4);
            if (next == 0)
            {
                break;
            }

            entry += next;
        }

        return needs;
    }

    // Elf64_Verneed: version u16, cnt u16, file u32, aux u32, next u32. Elf64_Vernaux: hash u32, flags u16, other u16, name u32, next u32.
    private static void ReadNeed(ReadOnlySpan<byte> file, long strings, long entry, List<ElfVersionNeed> needs)
    {
        var library = Text(file, strings + Number(file, entry + 4, 4));
        var aux = entry + Number(file, entry + 8, 4);
        for (var left = Number(file, entry + 2, 2); left > 0; left--)
        {
            var weak = (Number(file, aux + 4, 2) & FlagWeak) != 0;
            needs.Add(new ElfVersionNeed(library, Text(file, strings + Number(file, aux + 8, 4)), weak, checked((int)aux + 4)));
            var next = Number(file, aux + 12, 4);
            if (next == 0)
            {
                break;
            }

            aux += next;
        }
    }

    private static long Number(ReadOnlySpan<byte> file, long offset, int size)
    {
        if (offset < 0 || offset > file.Length - size)
        {
            throw new InvalidDataException($"it is truncated: {size} bytes wanted at {offset}, the file has {file.Length}");
        }

        var bytes = file.Slice((int)offset, size);
        return size switch
        {
            2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            _ => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        };
    }

    private static string Text(ReadOnlySpan<byte> file, long offset)
    {
        if (offset < 0 || offset >= file.Length)
        {
            throw new InvalidDataException($"it is truncated: a name wanted at {offset}, the file has {file.Length} bytes");
        }

        var rest = file[(int)offset..];
        var end = rest.IndexOf((byte)0);
        return end < 0 ? throw new InvalidDataException("a name in it has no end") : Encoding.ASCII.GetString(rest[..end]);
    }
}
