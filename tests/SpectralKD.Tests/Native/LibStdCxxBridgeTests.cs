using CsCheck;

namespace SpectralKD.Tests.Native;

public sealed class LibStdCxxBridgeTests
{
    private static readonly byte[] Library = ElfFile.With(("GLIBCXX_3.4", 0), ("GLIBCXX_3.4.32", 0), ("CXXABI_1.3.9", 2));

    [Fact]
    public void Making_one_need_weak_changes_that_need_alone()
    {
        var bridged = LibStdCxxBridge.Bridged(Library)!;
        Assert.Equal(ElfFile.With(("GLIBCXX_3.4", 0), ("GLIBCXX_3.4.32", 2), ("CXXABI_1.3.9", 2)), bridged);
        Assert.Equal(1, bridged.Zip(Library).Count(pair => pair.First != pair.Second));
    }

    [Fact]
    public void A_library_without_the_need_or_with_a_weak_one_needs_no_bridge()
    {
        Assert.Null(LibStdCxxBridge.Bridged(ElfFile.WithoutVersionSection()));
        Assert.Null(LibStdCxxBridge.Bridged(ElfFile.With(("GLIBCXX_3.4", 0), ("GLIBCXX_3.4.31", 0))));
        Assert.Null(LibStdCxxBridge.Bridged(LibStdCxxBridge.Bridged(Library)));
    }

    [Fact]
    public void Where_two_places_look_like_the_need_none_is_changed() =>
        Assert.Null(LibStdCxxBridge.Bridged(ElfFile.With(("GLIBCXX_3.4.32", 0), ("GLIBCXX_3.4.32", 0))));

    [Fact]
    public void The_hash_in_code_or_data_is_no_need()
    {
        byte[] hash = [0x42, 0xf8, 0x97, 0x02];
        byte[] padded = [.. Library, .. new byte[-Library.Length & 3], .. hash, .. new byte[32], .. hash, 0, 0, 3, 0, .. new byte[3], 0x7f, .. new byte[16]];
        Assert.Equal(1, LibStdCxxBridge.Bridged(padded)!.Zip(padded).Count(pair => pair.First != pair.Second));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("MZ this is a Windows library", 0)]
    [InlineData(null, 1)] // a 32-bit library
    public void A_file_of_another_format_is_refused(string? text, byte kind)
    {
        var folder = Directory.CreateTempSubdirectory("spectralkd-bridge-").FullName;
        try
        {
            var path = Path.Combine(folder, "libLibTorchSharp.so");
            var file = text is null ? (byte[])Library.Clone() : System.Text.Encoding.ASCII.GetBytes(text);
            if (kind > 0)
            {
                file[4] = kind;
            }

            File.WriteAllBytes(path, file);
            var error = Assert.Throws<SpectralKDException>(() => LibStdCxxBridge.Prepare(path));
            Assert.Contains("no 64-bit little-endian ELF file", error.Message);
            Assert.Contains(path, error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_truncated_library_is_never_changed_but_at_the_need()
    {
        var whole = LibStdCxxBridge.Bridged(Library)!;
        for (var length = 0; length < Library.Length; length++)
        {
            if (LibStdCxxBridge.Bridged(Library.AsSpan(0, length)) is { } bridged)
            {
                Assert.Equal(whole[..length], bridged);
            }
        }
    }

    [Fact]
    public void Random_damage_never_crashes_and_one_byte_at_most_is_changed() =>
        Gen.Select(Gen.Int[0, Library.Length - 1], Gen.Byte).Array[1, 8].Sample(changes =>
        {
            var file = (byte[])Library.Clone();
            foreach (var (at, value) in changes)
            {
                file[at] = value;
            }

            var bridged = LibStdCxxBridge.Bridged(file) ?? file;
            Assert.InRange(bridged.Zip(file).Count(pair => pair.First != pair.Second), 0, 1);
        });
}
