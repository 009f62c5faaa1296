using CsCheck;

namespace SpectralKD.Tests.Native;

public sealed class ElfVersionNeedsTests
{
    private static readonly byte[] Library = ElfFile.With(("GLIBCXX_3.4", 0), ("GLIBCXX_3.4.32", 0), ("CXXABI_1.3.9", 2));

    [Fact]
    public void All_versions_that_a_library_needs_are_listed_with_their_weakness() => Assert.Equal(
        [("libstdc++.so.6", "GLIBCXX_3.4", false), ("libstdc++.so.6", "GLIBCXX_3.4.32", false), ("libstdc++.so.6", "CXXABI_1.3.9", true)],
        ElfVersionNeeds.Read(Library).Select(n => (n.Library, n.Version, n.IsWeak)));

    [Fact]
    public void Making_one_need_weak_changes_that_need_alone()
    {
        var need = ElfVersionNeeds.Read(Library)[1];
        var patched = ElfVersionNeeds.WithWeak(Library, need);

        Assert.Equal([false, true, true], ElfVersionNeeds.Read(patched).Select(n => n.IsWeak));
        Assert.Equal(1, patched.Zip(Library).Count(pair => pair.First != pair.Second));
    }

    [Fact]
    public void A_library_without_the_section_has_no_needs() => Assert.Empty(ElfVersionNeeds.Read(ElfFile.WithoutVersionSection()));

    [Theory]
    [InlineData("")]
    [InlineData("MZ this is a Windows library")]
    public void A_file_of_another_format_is_refused(string text)
    {
        var error = Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.Read(System.Text.Encoding.ASCII.GetBytes(text)));
        Assert.Contains("ELF signature", error.Message);
    }

    [Fact]
    public void A_32_bit_library_is_refused()
    {
        var file = (byte[])Library.Clone();
        file[4] = 1;
        Assert.Contains("64-bit", Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.Read(file)).Message);
    }

    [Fact]
    public void A_truncated_library_is_refused_wherever_it_is_cut()
    {
        for (var length = 4; length < Library.Length - 20; length++)
        {
            Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.Read(Library.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Random_damage_is_either_read_or_refused_and_never_crashes() =>
        Gen.Select(Gen.Int[0, Library.Length - 1], Gen.Byte).Array[1, 8].Sample(changes =>
        {
            var file = (byte[])Library.Clone();
            foreach (var (at, value) in changes)
            {
                file[at] = value;
            }

            try
            {
                Assert.InRange(ElfVersionNeeds.Read(file).Count, 0, ushort.MaxValue);
            }
            catch (InvalidDataException)
            {
                // Refused: also right.
            }
        });
}
