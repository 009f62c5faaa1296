using System.Text;

namespace SpectralKD.Tests.Data;

public sealed class ZipListingTests : IDisposable
{
    private static readonly Encoding Cp437 = CodePagesEncodingProvider.Instance.GetEncoding(437)!;
    private readonly ImageFiles files = new();

    public void Dispose() => files.Dispose();

    [Theory]
    [InlineData(936, "猫", "狗")] // GBK
    [InlineData(866, "кот", "собака")]
    [InlineData(850, "été", "naïf")]
    [InlineData(932, "猫表", "犬十")] // Shift-JIS; the second byte of 表 is a backslash
    public void Names_of_any_code_page_keep_every_image_and_class(int codePage, string first, string second)
    {
        var encoding = CodePagesEncodingProvider.Instance.GetEncoding(codePage)!;
        var names = new[] { first, second }.SelectMany(name => new[] { $"{name}/0.png", $"{name}/1.png" }).ToArray();

        var plain = Open("plain.zip", [.. names.Select((name, i) => new RawZipEntry(encoding.GetBytes(name), ImageFiles.Png(seed: i)))]);
        Assert.Equal((4, 2), (plain.Count, plain.Classes.Count));
        Assert.Equal(4, Enumerable.Range(0, 4).Select(i => Convert.ToHexString(plain.Read(i).Pixels)).Distinct().Count());
        Assert.Equal(
            new[] { first, second }.Select(name => Cp437.GetString(encoding.GetBytes(name))).Order(StringComparer.Ordinal), plain.Classes);

        var told = Open("told.zip", [.. names.Select(name => (Name: name, Bytes: encoding.GetBytes(name))).Select(
            item => new RawZipEntry(item.Bytes, ImageFiles.Png()) { Extra = RawZip.UnicodePath(item.Bytes, item.Name) })]);
        Assert.Equal(new[] { first, second }.Order(StringComparer.Ordinal), told.Classes);
        Assert.Empty(told.Notes);
    }

    [Fact]
    public void Utf8_names_are_read_with_and_without_their_flag()
    {
        foreach (var flag in new[] { false, true })
        {
            var source = Open($"u{flag}.zip", new RawZipEntry("café/1.png"u8.ToArray(), ImageFiles.Png()) { Utf8Flag = flag }, Entry("dog/1.png"));
            Assert.Equal(["café", "dog"], source.Classes);
        }
    }

    [Fact]
    public void A_unicode_path_of_another_name_is_not_taken()
    {
        var stale = new RawZipEntry("cat/1.png"u8.ToArray(), ImageFiles.Png()) { Extra = RawZip.UnicodePath("old.png"u8.ToArray(), "wolf/1.png") };
        Assert.Equal(["cat", "dog"], Open("s.zip", stale, Entry("dog/1.png")).Classes);
    }

    [Theory]
    [InlineData(@"cat\0.png", @"dog\0.png")]
    [InlineData("./cat/0.png", "./dog/0.png")]
    [InlineData("/cat/0.png", "/dog/0.png")]
    [InlineData("../cat/0.png", ".././dog/0.png")]
    [InlineData("top/cat/0.png", "top/dog/0.png")]
    [InlineData("a/b/cat/0.png", "a/b/dog/0.png")]
    public void Odd_and_wrapped_paths_have_the_classes_that_unpacking_gives(string first, string second)
    {
        var source = Open("odd.zip", Entry(first), Entry(second));
        Assert.Equal(["cat", "dog"], source.Classes);
        Assert.Equal(["cat/0.png", "dog/0.png"], Enumerable.Range(0, 2).Select(source.ItemName));
    }

    [Fact]
    public void Several_entries_of_one_path_count_once_and_are_told()
    {
        var source = Open("twice.zip", Entry("cat/0.png", 1), Entry("dog/0.png", 2), Entry("cat/0.png", 3), Entry("./dog/0.png", 4));
        Assert.Equal(2, source.Count);
        Assert.Equal(ImageDecoder.Decode(ImageFiles.Png(seed: 3), "").Pixels, source.Read(0).Pixels); // the last, as in unpacking
        Assert.Contains("2 of the archive's entries have the paths of others (cat/0.png, dog/0.png)", Assert.Single(source.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_class_folder_without_images_is_a_class_in_a_zip_as_in_a_folder()
    {
        files.Write("set/cat/1.png", ImageFiles.Png());
        Directory.CreateDirectory(Path.Combine(files.Root, "set", "zebra"));
        var folder = ImageSources.Open(Path.Combine(files.Root, "set"));
        var zip = Open("set.zip", Entry("cat/1.png"), new RawZipEntry("zebra/"u8.ToArray(), []));
        Assert.Equal(["cat", "zebra"], folder.Classes);
        Assert.Equal(folder.Classes, zip.Classes);
        Assert.Contains("1 class folder holds no image (zebra)", Assert.Single(zip.Notes), StringComparison.Ordinal);
        Assert.Equal(folder.Notes, zip.Notes);
    }

    [Fact]
    public void A_link_in_a_zip_is_left_out_and_told()
    {
        var link = new RawZipEntry("cat/link.png"u8.ToArray(), "0.png"u8.ToArray()) { Attributes = 0xA1FFu << 16 };
        var source = Open("link.zip", Entry("cat/0.png"), Entry("dog/0.png"), link);
        Assert.Equal(2, source.Count);
        Assert.Contains("is a link or a device and is left out (cat/link.png)", Assert.Single(source.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void An_entry_whose_size_or_checksum_is_not_as_given_is_refused_and_the_others_are_read()
    {
        var noise = ImageFiles.Png(seed: 5);
        var source = Open(
            "lies.zip",
            new RawZipEntry("a/0.png"u8.ToArray(), noise) { DeclaredCrc = 1 },
            Entry("a/1.png"),
            new RawZipEntry("a/2.png"u8.ToArray(), noise) { DeclaredSize = (uint)noise.Length - 8 },
            new RawZipEntry("a/3.png"u8.ToArray(), noise) { DeclaredSize = 4_000_000_000 });
        Assert.Contains("checksum", Assert.Throws<SpectralKDException>(() => source.Read(0)).Message, StringComparison.Ordinal);
        Assert.Equal(40, source.Read(1).Width);
        Assert.Contains("a/2.png", Assert.Throws<SpectralKDException>(() => source.Read(2)).Message, StringComparison.Ordinal);
        Assert.Contains("a/3.png", Assert.Throws<SpectralKDException>(() => source.Read(3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_archive_is_one_line_wherever_the_damage_is()
    {
        var whole = RawZip.Make(
            new RawZipEntry("cat/0.png"u8.ToArray(), ImageFiles.Png()) { Extra = RawZip.UnicodePath("cat/0.png"u8.ToArray(), "cat/0.png") },
            Entry("dog/0.png"));
        var random = new Random(14);
        for (var round = 0; round < 2000; round++)
        {
            var damaged = (byte[])whole.Clone();
            for (var hit = random.Next(1, 4); hit > 0; hit--)
            {
                // Mostly in the list at the end, where the lengths and places are.
                var at = random.Next(3) == 0 ? random.Next(damaged.Length) : damaged.Length - 1 - random.Next(200);
                damaged[at] = (byte)random.Next(256);
            }

            try
            {
                var source = ImageSources.Open(files.Write("damaged.zip", damaged));
                for (var i = 0; i < source.Count; i++)
                {
                    source.Read(i);
                }

                (source as IDisposable)?.Dispose();
            }
            catch (SpectralKDException error)
            {
                Assert.DoesNotContain('\n', error.Message);
            }
        }
    }

    private static RawZipEntry Entry(string name, int seed = 1) => new(Encoding.ASCII.GetBytes(name), ImageFiles.Png(seed: seed));

    private IImageSource Open(string name, params RawZipEntry[] entries) => ImageSources.Open(files.Write(name, RawZip.Make(entries)));
}
