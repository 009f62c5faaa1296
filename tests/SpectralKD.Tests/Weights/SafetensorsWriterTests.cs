using System.Text;
using CsCheck;

namespace SpectralKD.Tests.Weights;

public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_bytes_are_the_ones_that_the_reference_writer_lays_out()
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["b"] = tensor(new float[] { 1, 2 }),
            ["half"] = ones(1, ScalarType.Float16),
            ["a"] = zeros([1, 1]),
            ["long"] = tensor(7L),
        };
        SafetensorsWriter.Write(folder.File("out.safetensors"), tensors);

        var bytes = File.ReadAllBytes(folder.File("out.safetensors"));
        const string header = """{"__metadata__":{"format":"pt"},"long":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"""
            + "\"a\":" + """{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]},"""
            + "\"half\":" + """{"dtype":"F16","shape":[1],"data_offsets":[20,22]}}""";
        var padded = header.PadRight((header.Length + 7) / 8 * 8);
        byte[] data = [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0x3c];
        Assert.Equal([.. BitConverter.GetBytes((long)padded.Length), .. Encoding.UTF8.GetBytes(padded), .. data], bytes);
    }

    [Fact]
    public void The_golden_file_survives_reading_and_writing()
    {
        using var scope = NewDisposeScope();
        using var golden = SafetensorsFile.Open(SharedData.Golden("small", "vit", "weights.safetensors"));
        SafetensorsWriter.Write(folder.File("copy.safetensors"), golden.Tensors.Keys.ToDictionary(key => key, golden.Read));
        using var copy = SafetensorsFile.Open(folder.File("copy.safetensors"));
        Assert.Equal(golden.Tensors.Keys.Order(), copy.Tensors.Keys.Order());
        foreach (var key in golden.Tensors.Keys)
        {
            Assert.True(golden.Read(key).Equals(copy.Read(key)), key);
        }
    }

    [Fact]
    public void Strided_tensors_are_written_row_major()
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(folder.File("t.safetensors"), new Dictionary<string, Tensor> { ["t"] = arange(6, ScalarType.Float32).view(2, 3).t() });
        using var file = SafetensorsFile.Open(folder.File("t.safetensors"));
        Assert.Equal([0f, 3, 1, 4, 2, 5], file.Read("t").data<float>().ToArray());
    }

    [Fact]
    public void Any_key_and_metadata_come_back()
    {
        Gen.Select(Gen.String[Gen.Char, 0, 12].Where(IsWellFormed), Gen.String.Where(IsWellFormed)).Sample((key, value) =>
        {
            using var scope = NewDisposeScope();
            var path = folder.File($"{Guid.NewGuid():N}.safetensors");
            SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["k" + key] = tensor(1f) }, new Dictionary<string, string> { ["note"] = value });
            using var file = SafetensorsFile.Open(path);
            Assert.Equal("k" + key, Assert.Single(file.Tensors.Keys));
            Assert.Equal(value, file.Metadata["note"]);
        }, iter: 50, threads: 1);
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_no_temporary()
    {
        using var scope = NewDisposeScope();
        var path = folder.Write("kept.safetensors", [1, 2, 3]);
        var complex = new Dictionary<string, Tensor> { ["z"] = zeros([2], ScalarType.ComplexFloat32) };
        Assert.Throws<SpectralKDException>(() => SafetensorsWriter.Write(path, complex));
        Assert.Throws<InvalidDataException>(() => AtomicFile.Write(path, _ => throw new InvalidDataException("stop")));
        Assert.Equal<byte>([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.Root));
    }

    [Fact]
    public void A_full_disk_is_one_clear_error()
    {
        var error = Assert.Throws<SpectralKDException>(() => AtomicFile.Write(folder.File("x"), stream => throw new IOException("No space left on device")));
        Assert.Contains("No space left", error.Message, StringComparison.Ordinal);
    }

    private static bool IsWellFormed(string text) => text == Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
