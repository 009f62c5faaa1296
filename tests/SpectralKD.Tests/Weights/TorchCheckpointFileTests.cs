namespace SpectralKD.Tests.Weights;

public sealed class TorchCheckpointFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("checkpoint_plain.pth")]
    [InlineData("checkpoint_model.pth")]
    public void Golden_checkpoints_hold_the_safetensors_weights(string name)
    {
        using var scope = NewDisposeScope();
        using var expected = SafetensorsFile.Open(SharedData.Golden("small", "vit", "weights.safetensors"));
        using var file = TorchCheckpointFile.Open(SharedData.Golden("small", "vit", name));
        Assert.Equal(expected.Tensors.Keys.Order(), file.Tensors.Keys.Order());
        foreach (var key in expected.Tensors.Keys)
        {
            Assert.True(expected.Read(key).Equals(file.Read(key)), key);
            var copy = empty(expected.Tensors[key].Shape.ToArray());
            file.ReadInto(key, copy);
            Assert.True(expected.Read(key).Equals(copy), key);
        }
    }

    [Fact]
    public void A_checkpoint_without_averaged_weights_says_what_it_has()
    {
        var error = Assert.Throws<SpectralKDException>(() =>
            TorchCheckpointFile.Open(SharedData.Golden("small", "vit", "checkpoint_model.pth"), ema: true));
        Assert.Contains("it has: model, epoch", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "no zip archive")]
    [InlineData(3, "no zip archive")]
    [InlineData(50, "truncated")]
    [InlineData(200000, "truncated")]
    [InlineData(391175 - 1, "truncated")]
    public void A_truncated_archive_is_refused(int length, string expected)
    {
        var whole = File.ReadAllBytes(SharedData.Golden("small", "vit", "checkpoint_plain.pth"));
        Assert.Contains(expected, Message(whole[..length]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_flipped_bit_in_a_storage_is_found_by_its_checksum()
    {
        var whole = File.ReadAllBytes(SharedData.Golden("small", "vit", "checkpoint_plain.pth"));
        whole[whole.Length / 2] ^= 1;
        Assert.Contains("is damaged: checksum", Message(whole), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_other_zip_archive_is_told_apart() =>
        Assert.Contains("not one of torch.save", Message(TorchArchiveBytes.Zip(("photo.jpg", [1, 2]))), StringComparison.Ordinal);

    [Fact]
    public void An_entry_compressed_by_another_method_than_deflate_is_refused()
    {
        var whole = TorchArchiveBytes.Zip(("a/data.pkl", new byte[10]));
        var directory = whole.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        whole[directory + 10] = 14; // LZMA
        Assert.Contains("compressed by method 14", Message(whole), StringComparison.Ordinal);
    }

    [Fact]
    public void Zip64_archives_are_read()
    {
        using var scope = NewDisposeScope();
        var path = folder.Write("wide.pth", TorchArchiveBytes.Zip64(
            ("a/data.pkl", PickleBuilder.StateDict(("w", PickleBuilder.Tensor("0", 2, 0, [2], [1])))), ("a/data/0", Floats(5, 6))));
        using var file = TorchCheckpointFile.Open(path);
        Assert.Equal([5f, 6f], file.Read("w").data<float>().ToArray());
    }

    [Theory]
    [InlineData(1L << 24)]
    [InlineData(1L << 40)]
    [InlineData(-1L)]
    public void A_directory_that_claims_countless_entries_is_refused_before_memory_is_taken(long count)
    {
        var whole = TorchArchiveBytes.Zip64(("a/data.pkl", new byte[10]));
        var end = whole.AsSpan().LastIndexOf("PK\u0006\u0006"u8);
        BitConverter.TryWriteBytes(whole.AsSpan(end + 24), count);
        BitConverter.TryWriteBytes(whole.AsSpan(end + 32), count);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("its zip directory claims", Message(whole), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(42, 200)] // the place of the entry
    [InlineData(20, 1 << 20)] // its stored size
    [InlineData(0, 7)] // the signature
    public void A_damaged_directory_is_one_line(int field, int value)
    {
        var whole = TorchArchiveBytes.Zip(("a/data.pkl", new byte[10]));
        BitConverter.TryWriteBytes(whole.AsSpan(whole.AsSpan().LastIndexOf("PK\u0001\u0002"u8) + field), value);
        var message = Message(whole);
        Assert.Contains("its ", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Strided_and_offset_tensors_are_read_in_their_own_order()
    {
        using var scope = NewDisposeScope();
        using var file = Open(Floats(0, 1, 2, 3, 4, 5, 6, 7),
            ("transposed", PickleBuilder.Tensor("0", 8, 1, [2, 3], [1, 2])),
            ("window", PickleBuilder.Tensor("0", 8, 6, [2], [1])),
            ("every", PickleBuilder.Tensor("0", 8, 1, [3], [3])),
            ("repeated", PickleBuilder.Tensor("0", 8, 7, [2, 2], [0, 0])),
            ("scalar", PickleBuilder.Tensor("0", 8, 3, [], [])),
            ("empty", PickleBuilder.Tensor("0", 8, 0, [0, 4], [4, 1])));
        Assert.Equal([1f, 3, 5, 2, 4, 6], file.Read("transposed").data<float>().ToArray());
        Assert.Equal([6f, 7], file.Read("window").data<float>().ToArray());
        Assert.Equal([1f, 4, 7], file.Read("every").data<float>().ToArray());
        Assert.Equal([7f, 7, 7, 7], file.Read("repeated").data<float>().ToArray());
        Assert.Equal(3f, file.Read("scalar").item<float>());
        Assert.Equal([0L, 4L], file.Read("empty").shape);
        var target = zeros(2, 3);
        file.ReadInto("transposed", target);
        Assert.Equal([1f, 3, 5, 2, 4, 6], target.data<float>().ToArray());
    }

    [Theory]
    [InlineData(8, 7, new long[] { 2 }, new long[] { 1 }, "reaches outside")]
    [InlineData(8, -1, new long[] { 2 }, new long[] { 1 }, "reaches outside")]
    [InlineData(8, 0, new long[] { 2 }, new long[] { -1 }, "reaches outside")]
    [InlineData(8, 0, new long[] { 2 }, new long[] { long.MaxValue }, "reaches outside")]
    [InlineData(8, 0, new long[] { 2 }, new long[] { 1, 1 }, "impossible shape")]
    [InlineData(8, 0, new long[] { long.MaxValue }, new long[] { 0 }, "impossible shape")]
    [InlineData(8, 0, new long[] { -1 }, new long[] { 1 }, "impossible shape")]
    [InlineData(8, 0, new long[] { 1L << 40 }, new long[] { 0 }, "claims 1099511627776 elements")]
    [InlineData(1L << 40, 0, new long[] { 2 }, new long[] { 1 }, "has 32 bytes")]
    [InlineData(7, 0, new long[] { 2 }, new long[] { 1 }, "has 32 bytes")]
    public void A_tensor_beyond_its_storage_is_refused_before_memory_is_taken(long count, long offset, long[] shape, long[] strides, string expected)
    {
        var error = Assert.Throws<SpectralKDException>(() => Open(new byte[32], ("w", PickleBuilder.Tensor("0", count, offset, shape, strides))));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_storage_is_named()
    {
        var error = Assert.Throws<SpectralKDException>(() => Open(new byte[4], ("w", PickleBuilder.Tensor("9", 1, 0, [1], [1]))));
        Assert.Contains("a/data/9", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_averaged_copy_is_taken_as_timm_takes_it_and_said()
    {
        using var scope = NewDisposeScope();
        var pickle = new PickleBuilder().EmptyDict()
            .Text("model").Raw(PickleBuilder.Dict(("w", PickleBuilder.Tensor("0", 2, 0, [1], [1])))).SetItem()
            .Text("model_ema").Raw(PickleBuilder.Dict(("w", PickleBuilder.Tensor("0", 2, 1, [1], [1])))).SetItem()
            .Text("args").Global("argparse", "Namespace").EmptyTuple().NewObj().EmptyDict().Text("lr").Number(3).SetItem().Build().SetItem()
            .Stop();
        var path = folder.Write("ema.pth", TorchArchiveBytes.Zip(("a/data.pkl", pickle), ("a/data/0", Floats(1, 2))));
        using var unsaid = WeightsFile.Open(path);
        using var last = WeightsFile.Open(path, part: "plain");
        using var averaged = WeightsFile.Open(path, ema: true);
        Assert.Equal(2f, unsaid.Read("w").item<float>());
        Assert.Equal(1f, last.Read("w").item<float>());
        Assert.Equal(2f, averaged.Read("w").item<float>());
        Assert.Equal("weights taken from 'model_ema' (averaged); the file has 'model' too: write #plain after its path for that", Assert.Single(unsaid.Notes));
        Assert.Equal("weights taken from 'model'; the file has 'model_ema' too: write #ema after its path for that", Assert.Single(last.Notes));
    }

    [Fact]
    public void A_file_of_either_format_is_opened_by_its_content()
    {
        var path = folder.Write("weights.bin", File.ReadAllBytes(SharedData.Golden("small", "vit", "weights.safetensors")));
        using var safetensors = WeightsFile.Open(path);
        Assert.IsType<SafetensorsFile>(safetensors);
        using var checkpoint = WeightsFile.Open(SharedData.Golden("small", "vit", "checkpoint_plain.pth"));
        Assert.IsType<TorchCheckpointFile>(checkpoint);
    }

    private static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private TorchCheckpointFile Open(byte[] storage, params (string Key, byte[] Tensor)[] state) =>
        TorchCheckpointFile.Open(folder.Write("made.pth", TorchArchiveBytes.Zip(("a/data.pkl", PickleBuilder.StateDict(state)), ("a/data/0", storage))));

    private string Message(byte[] content) =>
        Assert.Throws<SpectralKDException>(() => TorchCheckpointFile.Open(folder.Write($"{Guid.NewGuid():N}.pth", content))).Message;
}
