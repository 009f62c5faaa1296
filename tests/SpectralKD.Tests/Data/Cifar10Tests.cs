using System.Formats.Tar;
using System.IO.Compression;
using System.Net;

namespace SpectralKD.Tests.Data;

public sealed class Cifar10Tests : IDisposable
{
    private readonly ImageFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void The_binary_batches_are_read_and_unpacked_whole()
    {
        var content = new byte[Cifar10ImageSource.FileLength];
        const int record = 3073;
        content[record] = 6; // label of image 1
        content[record + 1] = 10; // red, green and blue of its first pixel
        content[record + 1 + 1024] = 20;
        content[record + 1 + 2048] = 30;
        content[(2 * record) - 1] = 40; // blue of its last pixel
        var archive = files.Write("c.tar.gz", Pack(("cifar-10-batches-bin/test_batch.bin", content), ("cifar-10-batches-bin/readme.html", [1])));
        Cifar10.Unpack(archive, Path.Combine(files.Root, "out"));

        var source = ImageSources.Open(Path.Combine(files.Root, "out") + "/test");

        Assert.Equal((10_000, "cifar10/test", "frog 1"), (source.Count, source.Name, source.ItemName(1)));
        var image = source.Read(1);
        Assert.Equal([10, 20, 30], image.Pixels[..3]);
        Assert.Equal([0, 0, 40], image.Pixels[^3..]);
        Assert.Single(Directory.GetFiles(Path.Combine(files.Root, "out")));
    }

    [Fact]
    public void A_damaged_copy_is_refused()
    {
        files.Write("short/test_batch.bin", new byte[100]);
        AssertError(() => ImageSources.Open(Path.Combine(files.Root, "short") + "/test"), "has 100 bytes of 30730000");
        AssertError(() => ImageSources.Open(Path.Combine(files.Root, "short")), "data_batch_1.bin cannot be read");
        AssertError(() => Cifar10.Open(path: Path.Combine(files.Root, "nowhere")), "no copy of CIFAR-10");
    }

    [Fact]
    public void A_download_appears_only_whole_and_checked()
    {
        var target = Path.Combine(files.Root, "cache", "file.bin");
        var url = new Uri("https://example.org/file.bin");
        var good = new RemoteFile(url, "5d41402abc4b2a76b9719d911017c592"); // of "hello"

        AssertError(() => good.Ensure(target, new Answer(HttpStatusCode.OK, "hallo")), "is not the expected file");
        AssertError(() => good.Ensure(target, new Answer(HttpStatusCode.NotFound, "")), "404");
        AssertError(() => good.Ensure(target, new Answer(null, "")), "Fetch it by hand");
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(target)!));

        good.Ensure(target, new Answer(HttpStatusCode.OK, "hello"));
        Assert.Equal("hello", File.ReadAllText(target));
        good.Ensure(target, new Answer(null, "")); // is there: nothing is asked
    }

    [Fact]
    public void The_real_images_as_a_zip_split_into_train_and_test()
    {
        var split = DataSplit.Open(SharedData.OrSkip("data", "cifar10-images.zip"), count: 40, validationCount: 20);
        Assert.Equal(Cifar10.ClassNames, split.Train.Classes);
        Assert.Equal((40, 20), (split.Train.Count, split.Validation.Count));
        Assert.Equal((32, 32), (split.Validation.Read(7).Width, split.Validation.Read(7).Height));
        Assert.All(Enumerable.Range(0, 10), label => Assert.Equal(4, Enumerable.Range(0, 40).Count(i => split.Train.Label(i) == label)));
    }

    [Fact]
    public void A_local_copy_may_be_images_in_class_folders()
    {
        foreach (var part in new[] { "train", "test" })
        {
            foreach (var name in Cifar10.ClassNames)
            {
                var folder = Directory.CreateDirectory(Path.Combine(files.Root, "images", part, name));
                File.WriteAllText(Path.Combine(folder.FullName, "0.ppm"), "P3 1 1 255 1 2 3\n");
            }
        }

        Assert.Equal(10, Cifar10.Open(path: Path.Combine(files.Root, "images")).Count);
        Assert.EndsWith("test", Cifar10.Open(test: true, Path.Combine(files.Root, "images")).Name, StringComparison.Ordinal);
    }

    private static byte[] Pack(params (string Name, byte[] Content)[] entries)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        using (var tar = new TarWriter(gzip))
        {
            foreach (var (name, content) in entries)
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            }
        }

        return packed.ToArray();
    }

    private static void AssertError(Action action, string words) =>
        Assert.Contains(words, Assert.Throws<SpectralKDException>(action).Message, StringComparison.Ordinal);

    /// <summary>A server that gives one answer, or none.</summary>
    private sealed class Answer(HttpStatusCode? status, string content) : HttpMessageHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            status is null
                ? throw new HttpRequestException("no network")
                : new HttpResponseMessage(status.Value) { Content = new StringContent(content) };

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(Send(request, cancellationToken));
    }
}
