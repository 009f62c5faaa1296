using System.Buffers.Binary;
using System.Text;

namespace SpectralKD.Tests.Native;

/// <summary>Builds tiny 64-bit ELF files: a header, a string table, optionally a version section with one library and its needs.</summary>
internal static class ElfFile
{
    public static byte[] With(params (string Version, ushort Flags)[] needs) => Build(versionSection: true, needs);

    public static byte[] WithoutVersionSection() => Build(versionSection: false, []);

    private static byte[] Build(bool versionSection, (string Version, ushort Flags)[] needs)
    {
        var strings = new List<byte> { 0 };
        int Intern(string text)
        {
            var at = strings.Count;
            strings.AddRange(Encoding.ASCII.GetBytes(text + "\0"));
            return at;
        }

        var library = Intern("libstdc++.so.6");
        var names = needs.Select(n => Intern(n.Version)).ToArray();
        var stringsAt = 64;
        var needsAt = (stringsAt + strings.Count + 7) & ~7;
        var sectionsAt = needsAt + 16 + (needs.Length * 16);
        var file = new byte[sectionsAt + (3 * 64)];
        "\u007fELF"u8.CopyTo(file);
        file[4] = 2;
        file[5] = 1;
        Put(file, 40, 8, sectionsAt);
        Put(file, 58, 2, 64);
        Put(file, 60, 2, versionSection ? 3 : 2);
        strings.CopyTo(file, stringsAt);

        Put(file, needsAt, 2, 1);
        Put(file, needsAt + 2, 2, needs.Length);
        Put(file, needsAt + 4, 4, library);
        Put(file, needsAt + 8, 4, 16);
        for (var i = 0; i < needs.Length; i++)
        {
            var aux = needsAt + 16 + (i * 16);
            Put(file, aux, 4, Hash(needs[i].Version));
            Put(file, aux + 4, 2, needs[i].Flags);
            Put(file, aux + 6, 2, i + 2);
            Put(file, aux + 8, 4, names[i]);
            Put(file, aux + 12, 4, i + 1 < needs.Length ? 16 : 0);
        }

        var stringSection = sectionsAt + 64;
        Put(file, stringSection + 4, 4, 3);
        Put(file, stringSection + 24, 8, stringsAt);
        var section = sectionsAt + 128;
        Put(file, section + 4, 4, 0x6ffffffe);
        Put(file, section + 24, 8, needsAt);
        Put(file, section + 40, 4, 1);
        Put(file, section + 44, 4, 1);
        return file;
    }

    // System V ABI, "Hash Table".
    private static uint Hash(string name)
    {
        uint hash = 0;
        foreach (var c in name)
        {
            hash = (hash << 4) + c;
            var high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }

        return hash;
    }

    private static void Put(byte[] file, int offset, int size, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        bytes[..size].CopyTo(file.AsSpan(offset));
    }
}
