using System.Buffers.Binary;
using System.IO.Compression;

namespace SpectralKD.Tests.Weights;

/// <summary>Checkpoints as training scripts of many years wrote them: what lies beside the weights is passed over, and the weights load.</summary>
public sealed class CheckpointsPeopleHaveTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Companions => [.. Beside.Keys];

    [Theory]
    [MemberData(nameof(Companions))]
    public void What_lies_beside_the_weights_is_passed_over(string companion)
    {
        var pickle = new PickleBuilder().Raw(0x80, 2).EmptyDict().Text("model").Raw(PickleBuilder.Dict(("w", PickleBuilder.Tensor("0", 2, 0, [2], [1])))).SetItem()
            .Text("beside").Raw(Beside[companion]().Stop()[..^1]).SetItem().Text("after").Number(1).SetItem().Stop();
        using var file = Open(pickle);
        Assert.Equal([5f, 6f], Values(file, "w"));
    }

    [Theory]
    [InlineData("_rebuild_sparse_tensor", "a sparse tensor")]
    [InlineData("_rebuild_qtensor", "a quantized tensor")]
    public void Tensors_of_another_make_are_passed_over_and_said(string function, string expected)
    {
        var other = new PickleBuilder().Global("torch._utils", function).Mark().Number(1).Tuple().Reduce().Stop()[..^1];
        using var file = Open(PickleBuilder.StateDict(("other", other), ("w", PickleBuilder.Tensor("0", 2, 0, [2], [1]))));
        Assert.Equal(expected, file.PassedOver["other"]);
        Assert.Equal($"1 of its values passed over: 'other' is {expected}", Assert.Single(file.Notes));
        Assert.Equal([5f, 6f], Values(file, "w"));
    }

    [Fact]
    public void A_complex_tensor_is_passed_over_and_said()
    {
        using var file = Open(PickleBuilder.StateDict(("other", Typed("ComplexFloatStorage")), ("w", PickleBuilder.Tensor("0", 2, 0, [2], [1]))));
        Assert.Equal("a tensor of complex64", file.PassedOver["other"]);
    }

    [Fact]
    public void A_key_that_the_model_needs_and_that_is_no_plain_tensor_is_named_with_what_it_is()
    {
        var other = new PickleBuilder().Global("torch._utils", "_rebuild_qtensor").Mark().Number(1).Tuple().Reduce().Stop()[..^1];
        var path = Write(TorchArchiveBytes.Zip(("a/data.pkl", PickleBuilder.StateDict(("cls_token", other), ("norm.bias", PickleBuilder.Tensor("0", 2, 0, [2], [1])))), ("a/data/0", Floats(5, 6))));
        using var model = ModelCatalog.Create("deit_nano_patch4_32");
        using var file = WeightsFile.Open(path);
        Assert.Contains("cls_token (there it is a quantized tensor)",
            Assert.Throws<SpectralKDException>(() => WeightLoader.Load(model, file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_with_state_and_tensors_of_a_subclass_are_read()
    {
        var tensor = PickleBuilder.Tensor("0", 2, 0, [2], [1]);
        var parameter = new PickleBuilder().Global("torch._utils", "_rebuild_parameter_with_state").Mark().Raw(tensor).Op(0x89).EmptyDict()
            .EmptyDict().Text("no_weight_decay").Op(0x88).SetItem().Tuple().Reduce().Stop()[..^1];
        var arguments = tensor[(1 + "torch._utils\n_rebuild_tensor_v2\n".Length)..^1]; // the tuple alone, without function and call
        var subclass = new PickleBuilder().Global("torch._tensor", "_rebuild_from_type_v2").Mark().Global("torch._utils", "_rebuild_tensor_v2")
            .Global("timm.tensors", "Mine").Raw(arguments).EmptyDict().Tuple().Reduce().Stop()[..^1];
        using var file = Open(PickleBuilder.StateDict(("parameter", parameter), ("subclass", subclass)));
        Assert.Equal([5f, 6f], Values(file, "parameter"));
        Assert.Equal([5f, 6f], Values(file, "subclass"));
    }

    [Fact]
    public void A_state_dict_of_numpy_arrays_comes_with_advice()
    {
        var array = Beside["a numpy array"]().Stop()[..^1];
        var path = Write(TorchArchiveBytes.Zip(("a/data.pkl", PickleBuilder.StateDict(("w", array)))));
        Assert.Contains("it has: w (a numpy array); save tensors instead of numpy arrays (torch.from_numpy(x))",
            Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checksum_of_zero_was_not_computed()
    {
        var whole = Archive();
        foreach (var (signature, place) in (IEnumerable<(byte[], int)>)[("PK\u0003\u0004"u8.ToArray(), 14), ("PK\u0001\u0002"u8.ToArray(), 16)])
        {
            for (var at = whole.AsSpan().IndexOf(signature); at >= 0;)
            {
                whole.AsSpan(at + place, 4).Clear();
                var next = whole.AsSpan(at + 4).IndexOf(signature);
                at = next < 0 ? -1 : at + 4 + next;
            }
        }

        using var file = WeightsFile.Open(Write(whole));
        Assert.Equal([5f, 6f], Values(file, "w"));
    }

    [Fact]
    public void An_archive_that_was_zipped_again_loads()
    {
        using var file = WeightsFile.Open(Write(Deflated(("a/data.pkl", Pickle()), ("a/data/0", Floats(5, 6)), ("a/byteorder", "little"u8.ToArray()))));
        Assert.Equal([5f, 6f], Values(file, "w"));
    }

    [Fact]
    public void A_damaged_compressed_entry_is_found()
    {
        var numbers = new byte[4000];
        new Random(1).NextBytes(numbers);
        var whole = Deflated(("a/data.pkl", Pickle()), ("a/data/0", numbers));
        whole[whole.AsSpan().LastIndexOf("PK\u0003\u0004"u8) + 300] ^= 0xff;
        Assert.Contains("is damaged", Assert.Throws<SpectralKDException>(() => WeightsFile.Open(Write(whole))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressed_entry_that_unpacks_to_far_more_than_the_file_is_refused_before_memory_is_taken()
    {
        var path = Write(Deflated(("a/data.pkl", Pickle()), ("a/data/0", new byte[90 << 20])));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("claim more than 20 times", Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path)).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void The_format_before_torch_1_6_loads()
    {
        using var file = WeightsFile.Open(Write(Legacy(littleEndian: true)));
        Assert.Equal([5f, 6f], Values(file, "w"));
        Assert.Equal([6f], Values(file, "v"));
    }

    [Fact]
    public void The_format_before_torch_1_6_is_refused_where_it_is_cut_or_big_endian()
    {
        var whole = Legacy(littleEndian: true);
        for (var length = whole.Length - 1; length > 200; length -= 7)
        {
            var path = Write(whole[..length]);
            Assert.DoesNotContain('\n', Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path)).Message);
        }

        Assert.Contains("big-endian", Assert.Throws<SpectralKDException>(() => WeightsFile.Open(Write(Legacy(littleEndian: false)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_torchsharp_saves_loads_into_a_model()
    {
        using var scope = NewDisposeScope();
        using var model = ModelCatalog.Create("deit_nano_patch4_32", seed: 3);
        var path = folder.File("mine.dat");
        model.save(path);
        using var again = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = path, Device = CPU });
        foreach (var (key, value) in model.state_dict())
        {
            Assert.True(value.Equals(again.state_dict()[key]), key);
        }

        var whole = File.ReadAllBytes(path);
        Assert.Contains("is not what TorchSharp's module.save writes",
            Assert.Throws<SpectralKDException>(() => TorchSharpFile.Open(folder.Write("cut.dat", whole[..^1]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_that_is_encoded_again_and_again_takes_no_memory()
    {
        var text = new string('a', 1 << 20);
        var builder = new PickleBuilder().Text(text).Raw((byte)'q', 0).Op('0').Text("latin1").Raw((byte)'q', 1).Op('0')
            .Global("_codecs", "encode").Raw((byte)'q', 2).Op('0').Mark();
        for (var i = 0; i < 700; i++)
        {
            builder.Raw((byte)'h', 2, (byte)'h', 0, (byte)'h', 1).Op(0x86).Reduce();
        }

        AssertRefusedInBoundedMemory(builder.Tuple().Stop());
    }

    [Theory]
    [InlineData(']', "of memory, which no file of 3 MB needs")]
    [InlineData('}', "of memory, which no file of 3 MB needs")]
    [InlineData('2', "no dictionary of tensors")]
    public void A_flood_of_small_objects_is_refused_in_bounded_memory(char opcode, string expected)
    {
        var builder = new PickleBuilder().Op('N');
        for (var i = 0; i < 3_000_000; i++)
        {
            builder.Op(opcode);
        }

        Assert.Contains(expected, AssertRefusedInBoundedMemory(builder.Stop()), StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_that_share_long_shapes_are_counted_against_the_budget()
    {
        var ones = Enumerable.Repeat(1L, 64).ToArray();
        var builder = new PickleBuilder().Global("torch._utils", "_rebuild_tensor_v2").Raw((byte)'q', 0).Op('0').Mark()
            .Mark().Text("storage").Global("torch", "FloatStorage").Text("0").Text("cpu").Number(1).Tuple().Op('Q')
            .Number(0).Numbers(ones).Numbers(ones).Tuple().Raw((byte)'q', 1).Op('0').Mark();
        for (var i = 0; i < 200_000; i++)
        {
            builder.Raw((byte)'h', 0, (byte)'h', 1).Reduce();
        }

        Assert.Contains("of memory, which no file of 1 MB needs", AssertRefusedInBoundedMemory(builder.Tuple().Stop()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_hundred_sets_of_weights_are_too_many()
    {
        var tensor = PickleBuilder.Tensor("0", 2, 0, [1], [1]);
        var path = Write(TorchArchiveBytes.Zip(("a/data.pkl", PickleBuilder.StateDict([.. Enumerable.Range(0, 101).Select(i => ($"n{i}.patch_embed.proj.weight", tensor))]))));
        Assert.Contains("more than 100 sets of weights", Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_dictionary_under_a_million_names_is_not_looked_through_a_million_times()
    {
        var builder = new PickleBuilder().EmptyDict().Mark();
        for (var i = 0; i < 20_000; i++)
        {
            builder.Text($"k{i}").Op('N');
        }

        builder.Op('u').Raw((byte)'q', 0).Op('0').EmptyDict().Mark();
        for (var i = 0; i < 20_000; i++)
        {
            builder.Text($"n{i}").Global("collections", "OrderedDict").Raw((byte)'h', 0).Op(0x85).Reduce();
        }

        Assert.Contains("too many dictionaries", AssertRefusedInBoundedMemory(builder.Op('u').Stop()), StringComparison.Ordinal);
    }

    private string AssertRefusedInBoundedMemory(byte[] pickle)
    {
        var path = Write(TorchArchiveBytes.Zip(("a/data.pkl", pickle)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<SpectralKDException>(() => WeightsFile.Open(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (96L << 20) + (16L * pickle.Length));
        Assert.DoesNotContain(error.Message, char.IsControl);
        return error.Message;
    }

    private static readonly Dictionary<string, Func<PickleBuilder>> Beside = new()
    {
        ["a Counter"] = () => new PickleBuilder().Global("collections", "Counter").EmptyDict().Number(30).Number(1).SetItem().Op(0x85).Reduce(),
        ["a defaultdict"] = () => new PickleBuilder().Global("collections", "defaultdict").Global("__builtin__", "list").Op(0x85).Reduce().Text("a").Op(']').SetItem(),
        ["a deque"] = () => new PickleBuilder().Global("collections", "deque").EmptyTuple().Op('N').Op(0x86).Reduce().Mark().Number(1).Number(2).Op('e'),
        ["a set"] = () => new PickleBuilder().Global("__builtin__", "set").Op(']').Op(0x85).Reduce(),
        ["a bytearray"] = () => new PickleBuilder().Global("__builtin__", "bytearray").Text("abc").Text("latin-1").Op(0x86).Reduce(),
        ["a complex number"] = () => new PickleBuilder().Global("__builtin__", "complex").Number(1).Number(2).Op(0x86).Reduce(),
        ["a slice and a range"] = () => new PickleBuilder().Global("__builtin__", "slice").Number(1).Number(2).Op('N').Op(0x87).Reduce().Op('0')
            .Global("__builtin__", "xrange").Number(0).Number(3).Number(1).Op(0x87).Reduce(),
        ["a numpy number"] = () => new PickleBuilder().Global("numpy.core.multiarray", "scalar").Raw(NumpyType()).Global("_codecs", "encode").Text("abcd").Text("latin1")
            .Op(0x86).Reduce().Op(0x86).Reduce(),
        ["a numpy array"] = () => new PickleBuilder().Global("numpy._core.multiarray", "_reconstruct").Global("numpy", "ndarray").Number(0).Op(0x85)
            .Raw((byte)'U', 1, (byte)'b').Op(0x87).Reduce().Mark().Number(1).Number(4).Op(0x85).Raw(NumpyType()).Op(0x89).Raw((byte)'U', 1, 7).Tuple().Build(),
        ["a random generator"] = () => new PickleBuilder().Global("numpy.random._pickle", "__generator_ctor").Text("MT19937").Op(0x85).Reduce().EmptyDict().Build(),
        ["a path"] = () => new PickleBuilder().Global("pathlib", "PosixPath").Text("/").Text("data").Op(0x86).Reduce(),
        ["a date"] = () => new PickleBuilder().Global("datetime", "datetime").Global("_codecs", "encode").Text("abc").Text("latin1").Op(0x86).Reduce().Op(0x85).Reduce(),
        ["a yacs node"] = () => new PickleBuilder().Global("yacs.config", "CfgNode").EmptyTuple().NewObj().Text("MODEL").Number(1).SetItem()
            .EmptyDict().Text("__immutable__").Op(0x89).SetItem().Build(),
        ["a namespace"] = () => new PickleBuilder().Global("argparse", "Namespace").EmptyTuple().NewObj().EmptyDict().Text("lr").Number(1).SetItem().Build(),
        ["an enumeration"] = () => new PickleBuilder().Global("__main__", "Color").Number(1).Op(0x85).Reduce(),
        ["a simple object of protocol 0"] = () => new PickleBuilder().Global("copy_reg", "_reconstructor").Global("__main__", "Args")
            .Global("__builtin__", "object").Op('N').Op(0x87).Reduce().EmptyDict().Build(),
        ["a complex tensor"] = () => new PickleBuilder().Raw(Typed("ComplexDoubleStorage")),
        ["a tensor of an untyped storage"] = () => new PickleBuilder().Global("torch._utils", "_rebuild_tensor_v3").Mark()
            .Mark().Text("storage").Global("torch.storage", "UntypedStorage").Text("0").Text("cpu").Number(8).Tuple().Op('Q')
            .Number(0).Numbers([2]).Numbers([1]).Op(0x89).EmptyDict().Global("torch", "complex32").Tuple().Reduce(),
    };

    private static byte[] NumpyType() => new PickleBuilder().Global("numpy", "dtype").Text("f4").Op(0x89).Op(0x88).Op(0x87).Reduce()
        .Mark().Number(3).Text("<").Op('N').Op('N').Op('N').Number(-1).Number(-1).Number(0).Tuple().Build().Stop()[..^1];

    private static byte[] Typed(string storage) => new PickleBuilder().Global("torch._utils", "_rebuild_tensor_v2").Mark()
        .Mark().Text("storage").Global("torch", storage).Text("1").Text("cpu").Number(2).Tuple().Op('Q')
        .Number(0).Numbers([2]).Numbers([1]).Op(0x89).EmptyDict().Tuple().Reduce().Stop()[..^1];

    private static byte[] Pickle() => PickleBuilder.StateDict(("w", PickleBuilder.Tensor("0", 2, 0, [2], [1])));

    private static byte[] Archive() => TorchArchiveBytes.Zip(("a/data.pkl", Pickle()), ("a/data/0", Floats(5, 6)));

    private static byte[] Deflated(params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.Optimal).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }

    /// <summary>Five pickles, then each storage's number of elements and its numbers.</summary>
    internal static byte[] Legacy(bool littleEndian)
    {
        byte[] magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'];
        var system = new PickleBuilder().Raw(0x80, 2).EmptyDict().Text("little_endian").Op(littleEndian ? 0x88 : 0x89).SetItem().Stop();
        var count = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(count, 2);
        return
        [
            .. magic, .. new PickleBuilder().Raw(0x80, 2).Number(1001).Stop(), .. system,
            .. PickleBuilder.StateDict(("w", PickleBuilder.Tensor("94", 2, 0, [2], [1])), ("v", PickleBuilder.Tensor("94", 2, 1, [1], [1]))),
            .. new PickleBuilder().Raw(0x80, 2).Op(']').Text("94").Op('a').Stop(), .. count, .. Floats(5, 6),
        ];
    }

    private ITensorSource Open(byte[] pickle) => WeightsFile.Open(Write(TorchArchiveBytes.Zip(("a/data.pkl", pickle), ("a/data/0", Floats(5, 6)))));

    private string Write(byte[] content) => folder.Write($"{Guid.NewGuid():N}.pth", content);

    private static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static float[] Values(ITensorSource file, string key)
    {
        using var tensor = file.Read(key);
        return tensor.data<float>().ToArray();
    }
}
