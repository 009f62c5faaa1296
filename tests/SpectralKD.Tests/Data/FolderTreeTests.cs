using System.Runtime.InteropServices;

namespace SpectralKD.Tests.Data;

public sealed class FolderTreeTests : IDisposable
{
    private readonly ImageFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void Links_in_a_circle_count_each_image_once()
    {
        Write("set/a/1.png", "set/b/2.png");
        Link("set/a/up", "..");
        Link("set/a/other", "../b");
        Link("set/b/other", "../a");
        Link("set/self", ".");
        var source = ImageSources.Open(At("set"));
        Assert.Equal(["a", "b"], source.Classes);
        Assert.Equal(["a/1.png", "b/2.png"], Names(source));
        Assert.Contains(
            "4 links are left out: they lead to folders whose images count at their own places (a/other, a/up, b/other, …)",
            Assert.Single(source.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_to_a_folder_or_an_image_elsewhere_counts_as_what_it_leads_to()
    {
        Write("set/a/1.png", "elsewhere/deep/2.png", "elsewhere/3.png", "store/4.png");
        Link("set/b", "../elsewhere");
        Link("set/a/4.png", "../../store/4.png");
        var source = ImageSources.Open(At("set"));
        Assert.Equal(["a", "b"], source.Classes);
        Assert.Equal(["a/1.png", "a/4.png", "b/3.png", "b/deep/2.png"], Names(source));
        Assert.All(Enumerable.Range(0, 4), i => Assert.Equal(40, source.Read(i).Width));
        Assert.Empty(source.Notes);
    }

    [Fact]
    public void A_link_to_an_image_that_counts_already_and_one_to_nowhere_are_told()
    {
        Write("set/a/1.png", "set/b/2.png", "store/3.png");
        Link("set/a/again.png", "1.png");
        Link("set/a/3.png", "../../store/3.png");
        Link("set/b/3.png", "../../store/3.png");
        Link("set/b/dead.png", "gone.png");
        var source = ImageSources.Open(At("set"));
        Assert.Equal(3, source.Count);
        Assert.Collection(
            source.Notes,
            note => Assert.StartsWith("2 links are left out: they lead to images counted already", note, StringComparison.Ordinal),
            note => Assert.StartsWith("1 link is left out: it leads nowhere (b/dead.png)", note, StringComparison.Ordinal));
    }

    [Fact]
    public void Links_to_images_in_a_hidden_folder_count_as_git_annex_and_DVC_lay_them()
    {
        Write("set/.git/annex/objects/k1.jpg", "set/.git/annex/objects/k2.jpg", "set/.dvc/cache/ab12", "set/.git/left.png");
        Directory.CreateDirectory(At("set/cat"));
        Directory.CreateDirectory(At("set/dog"));
        Link("set/cat/1.jpg", "../.git/annex/objects/k1.jpg");
        Link("set/cat/2.png", "../.dvc/cache/ab12");
        Link("set/cat/notes.txt", "../.git/annex/objects/k2.jpg"); // no image by its name: takes nothing from the next
        Link("set/dog/2.jpg", "../.git/annex/objects/k2.jpg");
        Link("set/dog/3.jpg", "../.git/annex/objects/k1.jpg");
        var source = ImageSources.Open(At("set"));
        Assert.Equal(["cat", "dog"], source.Classes);
        Assert.Equal(["cat/1.jpg", "cat/2.png", "dog/2.jpg"], Names(source));
        Assert.All(Enumerable.Range(0, 3), i => Assert.Equal(40, source.Read(i).Width));
        Assert.Collection(
            source.Notes,
            note => Assert.Equal("1 link is left out: it leads to an image counted already (dog/3.jpg)", note),
            note => Assert.Equal("1 hidden image is left out: a name on the path begins with a dot (.git/left.png)", note));
    }

    [Fact]
    public void Links_to_hidden_folders_count_each_image_once_and_end_in_a_circle()
    {
        Write("set/.store/cat/1.png", "set/.store/cat/2.png", "set/.store/dog/3.png", "set/.store/dog/4.png");
        Link("set/.store/cat/up", "../..");
        Link("set/.again", ".store");
        Link("set/a", ".store/cat");
        Directory.CreateDirectory(At("set/b"));
        Link("set/b/4.png", "../.store/dog/4.png");
        Link("set/c", ".store/cat");
        Link("set/dog", ".store/dog");
        var source = ImageSources.Open(At("set"));
        Assert.Equal(["a", "b", "dog"], source.Classes);
        Assert.Equal(["a/1.png", "a/2.png", "b/4.png", "dog/3.png"], Names(source));
        Assert.Collection(
            source.Notes,
            note => Assert.Equal("2 links are left out: they lead to folders whose images count at their own places (a/up, c)", note),
            note => Assert.Equal("1 link is left out: it leads to an image counted already (dog/4.png)", note));
    }

    [Fact]
    public void Hidden_images_images_of_other_kinds_and_those_beside_the_classes_are_told()
    {
        Write("set/a/1.png", "set/b/2.png", "set/top.png", "set/a/.old/3.png", "set/b/x.gif");
        Assert.Collection(
            ImageSources.Open(At("set")).Notes,
            note => Assert.Contains("1 hidden image is left out: a name on the path begins with a dot (a/.old/3.png)", note, StringComparison.Ordinal),
            note => Assert.Contains("1 file is left out: of other kinds than .jpg", note, StringComparison.Ordinal),
            note => Assert.Contains("1 image is left out, beside the class folders (top.png)", note, StringComparison.Ordinal));
    }

    [Fact]
    public void Classes_that_hold_only_the_same_folders_are_doubted()
    {
        Write("set/seg_train/a/1.png", "set/seg_train/b/1.png", "set/seg_test/a/2.png", "set/seg_test/b/2.png");
        Assert.Contains(
            "each class (seg_test, seg_train) holds only the folders a, b", Assert.Single(ImageSources.Open(At("set")).Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_are_not_UTF8_are_left_out_and_told()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "file names are bytes on Linux only");
        Write("set/cat/0.png");
        var folder = System.Text.Encoding.UTF8.GetBytes(At("set/cat/"));
        foreach (var last in new byte[] { 0xE8, 0xE9 })
        {
            var handle = NativeFiles.creat([.. folder, .. "caf"u8, last, .. ".png"u8, 0], 0x1A4);
            Assert.SkipWhen(handle < 0, "this file system takes UTF-8 names only");
            Assert.Equal(0, NativeFiles.close(handle));
        }

        Assert.Equal(0, NativeFiles.mkdir([.. folder, 0xE9, .. "dir"u8, 0], 0x1ED));
        try
        {
            var source = ImageSources.Open(At("set"));
            Assert.Equal(["cat/0.png"], Names(source));
            Assert.StartsWith("3 files or folders are left out: their names are not UTF-8", Assert.Single(source.Notes), StringComparison.Ordinal);
        }
        finally
        {
            _ = NativeFiles.unlink([.. folder, .. "caf"u8, 0xE8, .. ".png"u8, 0]);
            _ = NativeFiles.unlink([.. folder, .. "caf"u8, 0xE9, .. ".png"u8, 0]);
            _ = NativeFiles.rmdir([.. folder, 0xE9, .. "dir"u8, 0]);
        }
    }

    [Fact]
    public void A_pipe_and_a_device_among_the_images_are_refused_without_waiting()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "mkfifo by its Linux signature");
        Write("set/cat/0.png");
        Assert.Equal(0, NativeFiles.mkfifo([.. System.Text.Encoding.UTF8.GetBytes(At("set/cat/pipe.png")), 0], 0x1A4));
        Link("set/cat/zero.png", "/dev/zero");
        var source = ImageSources.Open(At("set"));
        Assert.Equal(40, source.Read(0).Width);
        foreach (var i in new[] { 1, 2 })
        {
            Assert.Contains("a pipe, a socket or a device", Assert.Throws<SpectralKDException>(() => source.Read(i)).Message, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<string> Names(IImageSource source) => Enumerable.Range(0, source.Count).Select(source.ItemName);

    private string At(string path) => Path.Combine(files.Root, path);

    private void Write(params string[] paths)
    {
        for (var i = 0; i < paths.Length; i++)
        {
            files.Write(paths[i], ImageFiles.Png(seed: i));
        }
    }

    private void Link(string path, string target)
    {
        try
        {
            _ = Path.HasExtension(path) ? File.CreateSymbolicLink(At(path), target) : Directory.CreateSymbolicLink(At(path), target);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Assert.Skip($"no links can be made here: {error.Message}");
        }
    }

#pragma warning disable SYSLIB1054, CA5392, SA1300, IDE1006, CA2101 // small C functions under their own names
    private static class NativeFiles
    {
        [DllImport("libc")]
        public static extern int creat(byte[] path, uint mode);

        [DllImport("libc")]
        public static extern int close(int handle);

        [DllImport("libc")]
        public static extern int mkdir(byte[] path, uint mode);

        [DllImport("libc")]
        public static extern int mkfifo(byte[] path, uint mode);

        [DllImport("libc")]
        public static extern int unlink(byte[] path);

        [DllImport("libc")]
        public static extern int rmdir(byte[] path);
    }
#pragma warning restore
}
