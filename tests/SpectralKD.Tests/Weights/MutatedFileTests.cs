using System.Buffers.Binary;
using CsCheck;

namespace SpectralKD.Tests.Weights;

/// <summary>
/// Whatever is changed in a weights file: it loads, or it gives one <see cref="SpectralKDException"/>; and it never takes
/// much more memory than the file has.
/// </summary>
public sealed class MutatedFileTests : IDisposable
{
    private const int MemoryLimit = 64 << 20;

    private static readonly Gen<(int Position, byte Value)> Edit = Gen.Select(Gen.Int[0, 1 << 20], Gen.Byte);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Flipped_bytes_in_a_safetensors_header()
    {
        var whole = SmallSafetensors();
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(whole) + 8;
        Edit.Array[1, 8].Sample(edits => LoadsOrExplains(Mutate(whole, edits, 0, header), "m.safetensors"), iter: 800, threads: 1);
    }

    [Fact]
    public void Digits_changed_in_a_safetensors_header()
    {
        var whole = SmallSafetensors();
        var digits = Enumerable.Range(8, (int)BinaryPrimitives.ReadInt64LittleEndian(whole)).Where(i => char.IsAsciiDigit((char)whole[i])).ToArray();
        Gen.Select(Gen.Int[0, digits.Length - 1], Gen.Int[0, 9]).Array[1, 6].Sample(edits =>
        {
            var copy = (byte[])whole.Clone();
            foreach (var (digit, value) in edits)
            {
                copy[digits[digit]] = (byte)('0' + value);
            }

            LoadsOrExplains(copy, "m.safetensors");
        }, iter: 600, threads: 1);
    }

    [Fact]
    public void Truncated_and_extended_safetensors()
    {
        var whole = SmallSafetensors();
        Gen.Int[0, whole.Length + 100].Sample(length => LoadsOrExplains(Resize(whole, length), "m.safetensors"), iter: 300, threads: 1);
    }

    [Fact]
    public void Flipped_bytes_anywhere_in_a_checkpoint()
    {
        var whole = SmallCheckpoint(State());
        Edit.Array[1, 8].Sample(edits => LoadsOrExplains(Mutate(whole, edits, 0, whole.Length), "m.pth"), iter: 800, threads: 1);
    }

    [Fact]
    public void Flipped_bytes_in_a_pickle_whose_checksum_is_right()
    {
        var pickle = State();
        Edit.Array[1, 6].Sample(edits => LoadsOrExplains(SmallCheckpoint(Mutate(pickle, edits, 0, pickle.Length)), "m.pth"), iter: 1500, threads: 1);
    }

    [Fact]
    public void Random_opcodes() =>
        Gen.Byte.Array[0, 60].Sample(pickle => LoadsOrExplains(SmallCheckpoint([.. pickle, (byte)'.']), "m.pth"), iter: 800, threads: 1);

    [Fact]
    public void Truncated_checkpoints()
    {
        var whole = SmallCheckpoint(State());
        Gen.Int[0, whole.Length + 100].Sample(length => LoadsOrExplains(Resize(whole, length), "m.pth"), iter: 300, threads: 1);
    }

    [Fact]
    public void Flipped_bytes_in_the_directory_of_a_real_checkpoint()
    {
        var whole = File.ReadAllBytes(SharedData.Golden("small", "vit", "checkpoint_model.pth"));
        Edit.Array[1, 4].Sample(edits => LoadsOrExplains(Mutate(whole, edits, whole.Length - 5000, whole.Length), "m.pth"), iter: 60, threads: 1);
    }

    [Fact]
    public void Flipped_bytes_in_a_checkpoint_from_before_torch_1_6()
    {
        var whole = CheckpointsPeopleHaveTests.Legacy(littleEndian: true);
        Edit.Array[1, 6].Sample(edits => LoadsOrExplains(Mutate(whole, edits, 0, whole.Length), "m.pth"), iter: 1500, threads: 1);
    }

    [Fact]
    public void Flipped_bytes_in_what_torchsharp_saves()
    {
        // two tensors: "a", float32 [2, 1]; "bc", float64 []
        byte[] whole = [2, 1, (byte)'a', 6, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, (byte)'b', (byte)'c', 7, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        using (var file = WeightsFile.Open(folder.Write("m.dat", whole)))
        {
            Assert.Equal(["a", "bc"], file.Tensors.Keys);
        }

        Edit.Array[1, 4].Sample(edits => LoadsOrExplains(Mutate(whole, edits, 0, whole.Length), "m.dat"), iter: 1500, threads: 1);
    }

    private void LoadsOrExplains(byte[] content, string name)
    {
        var path = folder.Write(name, content);
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var scope = NewDisposeScope();
            using var file = WeightsFile.Open(path);
            foreach (var key in file.Tensors.Keys)
            {
                using var tensor = file.Read(key);
                Assert.True(tensor.NumberOfElements * tensor.ElementSize <= Math.Max(content.Length, 1 << 19), "more was allocated than the file holds");
            }
        }
        catch (SpectralKDException error)
        {
            Assert.DoesNotContain('\n', error.Message);
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MemoryLimit);
    }

    private static byte[] Mutate(byte[] whole, (int Position, byte Value)[] edits, int from, int to)
    {
        var copy = (byte[])whole.Clone();
        foreach (var (position, value) in edits)
        {
            copy[from + (position % (to - from))] = value;
        }

        return copy;
    }

    private static byte[] Resize(byte[] whole, int length)
    {
        var copy = (byte[])whole.Clone();
        Array.Resize(ref copy, length);
        return copy;
    }

    private static byte[] SmallSafetensors() => SafetensorsBytes.File(
        """{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"""
        + """ "b":{"dtype":"F16","shape":[4],"data_offsets":[24,32]},"c":{"dtype":"I64","shape":[],"data_offsets":[32,40]}}""", 40);

    private static byte[] State() => PickleBuilder.StateDict(
        ("a.weight", PickleBuilder.Tensor("0", 6, 0, [2, 3], [3, 1])),
        ("b", PickleBuilder.Tensor("0", 6, 1, [2, 2], [1, 2])),
        ("c", PickleBuilder.Tensor("1", 2, 1, [], [])));

    private static byte[] SmallCheckpoint(byte[] pickle) =>
        TorchArchiveBytes.Zip(("a/data.pkl", pickle), ("a/data/0", new byte[24]), ("a/data/1", new byte[8]), ("a/version", "3\n"u8.ToArray()));
}
