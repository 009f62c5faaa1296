using SpectralKD.Distillation;
using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

public sealed class CheckpointTests
{
    [Fact]
    public void A_disk_that_fills_up_while_a_checkpoint_is_written_leaves_the_one_before()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = new Checkpoint(folder.File("checkpoint"));
        checkpoint.Save(new RunState { TotalSteps = 1 }, Files("one"));

        var full = Files("two");
        full["optimizer.bin"] = _ => throw new SpectralKDException("cannot write optimizer.bin: No space left on device");
        Assert.Throws<SpectralKDException>(() => checkpoint.Save(new RunState { TotalSteps = 2 }, full));
        Assert.Equal("one", Content(checkpoint, expectedSteps: 1));

        checkpoint.Save(new RunState { TotalSteps = 2 }, Files("two"));
        Assert.Equal("two", Content(checkpoint, expectedSteps: 2));
    }

    [Fact]
    public void What_a_kill_left_half_written_is_passed_over_and_removed()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = new Checkpoint(folder.File("checkpoint"));
        checkpoint.Save(new RunState { TotalSteps = 1 }, Files("one"));
        File.WriteAllText(Path.Combine(checkpoint.Folder, "model-000001.safetensors"), "half");
        File.WriteAllText(Path.Combine(checkpoint.Folder, "state.json.0123.tmp"), "{");
        Assert.Equal("one", Content(checkpoint, expectedSteps: 1));
        Assert.Equal(3, Directory.GetFiles(checkpoint.Folder).Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{ "epoch": "x" }""")]
    public void A_damaged_state_is_explained(string content)
    {
        using var folder = new TemporaryFolder();
        var checkpoint = new Checkpoint(folder.File("checkpoint"));
        checkpoint.Save(new RunState(), Files("one"));
        File.WriteAllText(Path.Combine(checkpoint.Folder, "state.json"), content);
        var error = Assert.Throws<SpectralKDException>(() => checkpoint.Load());
        Assert.Contains("state.json' is damaged", error.Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, Action<string>> Files(string content) => new()
    {
        ["model.safetensors"] = path => AtomicFile.WriteText(path, content),
        ["optimizer.bin"] = path => AtomicFile.WriteText(path, content),
    };

    private static string Content(Checkpoint checkpoint, long expectedSteps)
    {
        var state = checkpoint.Load();
        Assert.Equal(expectedSteps, state.TotalSteps);
        return File.ReadAllText(checkpoint.PathOf(state, "model.safetensors"));
    }
}
