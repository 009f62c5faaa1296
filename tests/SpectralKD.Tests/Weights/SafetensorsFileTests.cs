using TorchSharp;

namespace SpectralKD.Tests.Weights;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Golden_weights_open_with_all_keys_shapes_and_metadata()
    {
        using var file = SafetensorsFile.Open(SharedData.Golden("small", "vit", "weights.safetensors"));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([108L, 36L], file.Tensors["blocks.0.attn.qkv.weight"].Shape);
        Assert.Equal(ElementType.F32, file.Tensors["cls_token"].Type);
    }

    [Fact]
    public void Golden_values_are_the_generators()
    {
        using var file = SafetensorsFile.Open(SharedData.Golden("small", "vit", "weights.safetensors"));
        using var tensor = file.Read("blocks.0.attn.qkv.weight");
        Assert.Equal(GoldenGenerator.Values("blocks.0.attn.qkv.weight", 108 * 36, 2 * Math.Sqrt(3.0 / 36), 0), tensor.data<float>().ToArray());
    }

    [Fact]
    public void Tensors_outlive_the_file()
    {
        torch.Tensor tensor;
        using (var file = Open("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", 3))
        {
            tensor = file.Read("a");
        }

        Assert.Equal<byte>([0, 1, 2], tensor.data<byte>().ToArray());
        tensor.Dispose();
    }

    [Fact]
    public void Scalars_and_empty_tensors_are_read()
    {
        using var file = Open(
            """{"s":{"dtype":"I16","shape":[],"data_offsets":[0,2]},"e":{"dtype":"F32","shape":[0,7],"data_offsets":[2,2]}}   """, 2);
        using var scalar = file.Read("s");
        using var nothing = file.Read("e");
        Assert.Equal((short)0x0100, scalar.item<short>());
        Assert.Equal([0L, 7L], nothing.shape);
    }

    [Theory]
    [InlineData("BOOL", 1)]
    [InlineData("U8", 1)]
    [InlineData("I8", 1)]
    [InlineData("I16", 2)]
    [InlineData("F16", 2)]
    [InlineData("BF16", 2)]
    [InlineData("I32", 4)]
    [InlineData("F32", 4)]
    [InlineData("F64", 8)]
    [InlineData("I64", 8)]
    public void Each_type_that_torch_has_is_read_bit_for_bit(string type, int size)
    {
        using var file = Open($$$"""{"a":{"dtype":"{{{type}}}","shape":[1],"data_offsets":[0,{{{size}}}]}}""", size);
        using var tensor = file.Read("a");
        Assert.Equal(Enumerable.Range(0, size).Select(i => (byte)i), tensor.bytes.ToArray());
    }

    [Fact]
    public void A_type_that_torch_lacks_is_listed_but_reading_it_says_so()
    {
        using var file = Open("""{"a":{"dtype":"U32","shape":[1],"data_offsets":[0,4]}}""", 4);
        var error = Assert.Throws<SpectralKDException>(() => file.Read("a"));
        Assert.Contains("U32", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_key_is_named() =>
        Assert.Contains("'b'", Assert.Throws<SpectralKDException>(() =>
            Open("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1).Read("b")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "takes 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 5, "3 bytes are missing")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "1 bytes too many")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6, "overlaps 'a'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[6,10]}}""", 10, "hole after 'a'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", 4, "span -4")]
    [InlineData("""{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}""", 4, "unknown dtype 'F31'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "names 'a' twice")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4294967296,4294967296,2],"data_offsets":[0,1]}}""", 1, "63 bits")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,1]}}""", 1, "63 bits")]
    [InlineData("""{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}""", 1, "no whole number")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}""", 1, "no whole number")]
    [InlineData("""{"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}""", 1, "no whole number")]
    [InlineData("""{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}""", 1, "not a list")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", 1, "lacks one of")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1]}}""", 1, "lacks one of")]
    [InlineData("""{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "repeated")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}""", 1, "unknown, repeated")]
    [InlineData("""{"a":[1]}""", 0, "not by an object")]
    [InlineData("""{"__metadata__":{"format":1}}""", 0, "not a string")]
    [InlineData("""{"__metadata__":[]}""", 0, "not an object of strings")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "'a' twice")]
    [InlineData("""[]""", 0, "begin with '{'")]
    [InlineData("", 0, "begin with '{'")]
    [InlineData("""{"a":""", 0, "not valid JSON")]
    [InlineData("""{} x""", 0, "not valid JSON")]
    [InlineData("""{"\ud800":1}""", 0, "not valid JSON")]
    [InlineData("""{"a":{"dtype":{"x":{"y":{}}}}}""", 0, "")]
    public void A_broken_header_gives_one_line_that_says_what_was_found(string header, int dataLength, string expected)
    {
        var error = Assert.Throws<SpectralKDException>(() => Open(header, dataLength));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("broken.safetensors", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Truncated_file_says_how_many_bytes_are_missing()
    {
        var whole = File.ReadAllBytes(SharedData.Golden("small", "vit", "weights.safetensors"));
        var error = Assert.Throws<SpectralKDException>(() =>
            SafetensorsFile.Open(folder.Write("short.safetensors", whole[..^1000])));
        Assert.Contains("1000 bytes are missing", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(100)]
    public void A_file_cut_inside_its_header_is_refused(int length)
    {
        var whole = File.ReadAllBytes(SharedData.Golden("small", "vit", "weights.safetensors"));
        Assert.Throws<SpectralKDException>(() => SafetensorsFile.Open(folder.Write("short.safetensors", whole[..length])));
    }

    [Fact]
    public void A_header_beyond_the_formats_limit_is_refused_before_it_is_read()
    {
        var error = Assert.Throws<SpectralKDException>(() => SafetensorsFile.Open(folder.Write(
            "huge.safetensors", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, (byte)'{'])));
        Assert.Contains("100000000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_told_apart()
    {
        Assert.Contains("there is no weights file", Message(folder.File("none.safetensors")), StringComparison.Ordinal);
        Assert.Contains("it is a folder", Message(folder.Root), StringComparison.Ordinal);

        static string Message(string path) => Assert.Throws<SpectralKDException>(() => SafetensorsFile.Open(path)).Message;
    }

    private SafetensorsFile Open(string header, int dataLength) =>
        SafetensorsFile.Open(folder.Write("broken.safetensors", SafetensorsBytes.File(header, dataLength)));
}
