using System.IO.Compression;
using System.Text;

namespace SpectralKD.Tests.Weights;

/// <summary>What arrives in place of weights is called by its name, whatever the file is called.</summary>
public sealed class WrongContentTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12345\n", "a Git LFS pointer")]
    [InlineData("<!DOCTYPE html><html>\n<title>Sign in</title>", "a web page (<!DOCTYPE html><html> <title>Sign in</title>)")]
    [InlineData("\ufeff\n <html>", "a web page")]
    [InlineData("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "a web page")]
    [InlineData("{\"error\":\"Repository not found\"}", "JSON text ({\"error\":\"Repository not found\"})")]
    [InlineData("{\n  \"metadata\": {\"total_size\": 1}, \"weight_map\": {}}", "the index of weights in several files")]
    public void Text_in_place_of_weights_is_named(string content, string expected)
    {
        foreach (var name in (string[])["w.pth", "w.safetensors", "w.dat", "w"])
        {
            var message = Message(name, Encoding.UTF8.GetBytes(content));
            Assert.Contains($"{name}' holds no weights: it is {expected}", message, StringComparison.Ordinal);
            Assert.DoesNotContain(message, char.IsControl);
        }
    }

    [Fact]
    public void A_packed_file_and_a_tar_archive_are_named()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            gzip.Write(new byte[1000]);
        }

        Assert.Contains("compressed by gzip", Message("w.pth", packed.ToArray()), StringComparison.Ordinal);
        var tar = new byte[1024];
        "ustar"u8.CopyTo(tar.AsSpan(257));
        Assert.Contains("a tar archive", Message("w.pth", tar), StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_whose_length_looks_like_text_is_still_a_header()
    {
        // 0x227b = '{', '"': the length of a header, in the first two of its eight bytes.
        var header = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""".PadRight(0x227b);
        var path = folder.Write("w.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. Encoding.ASCII.GetBytes(header), 0, 0, 0, 0]);
        using var file = WeightsFile.Open(path);
        Assert.Equal("a", Assert.Single(file.Tensors).Key);
    }

    [Fact]
    public void A_torchscript_archive_is_named_with_the_way_to_save_its_weights() =>
        Assert.Contains("TorchScript archive", Message("w.pt", TorchArchiveBytes.Zip(
            ("net/data.pkl", [0x80, 2, (byte)'N', (byte)'.']), ("net/constants.pkl", [0x80, 2, (byte)')', (byte)'.']), ("net/code/__torch__.py", []))), StringComparison.Ordinal);

    private string Message(string name, byte[] content) =>
        Assert.Throws<SpectralKDException>(() => WeightsFile.Open(folder.Write(name, content))).Message;
}
