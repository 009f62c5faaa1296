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
    [InlineData("""{ "sums": null }""")]
    [InlineData("""{ "epochs": null }""")]
    [InlineData("""{ "epochs": [null] }""")]
    [InlineData("""{ "warnings": [null] }""")]
    [InlineData("""{ "files": null }""")]
    [InlineData("""{ "files": { "model.safetensors": null } }""")]
    [InlineData("""{ "files": { "model.safetensors": { "name": null, "sha256": "a" } } }""")]
    [InlineData("""{ "files": { "model.safetensors": { "name": "../model.safetensors", "sha256": "a" } } }""")]
    [InlineData("""{ "dataName": "\ud800" }""")]
    [InlineData("""{ "data\ud800Name": "x" }""")]
    [InlineData("""{ "step": -1 }""")]
    [InlineData("""{ "step": 1e30 }""")]
    [InlineData("""{ "version": 2 }""")]
    [InlineData("""[]""")]
    public void A_damaged_state_is_explained(string content)
    {
        using var folder = new TemporaryFolder();
        var checkpoint = new Checkpoint(folder.File("checkpoint"));
        checkpoint.Save(new RunState(), Files("one"));
        File.WriteAllText(Path.Combine(checkpoint.Folder, "state.json"), content);
        var error = Assert.Throws<SpectralKDException>(() => checkpoint.Load());
        Assert.Contains("state.json' is damaged", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain("System.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_state_keeps_losses_that_are_no_numbers()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = new Checkpoint(folder.File("checkpoint"));
        var metrics = new EpochMetrics { Epoch = 0, LearningRate = 1, Loss = double.NaN, ValidationLoss = double.PositiveInfinity };
        checkpoint.Save(new RunState { Epochs = [metrics] }, Files("one"));
        Assert.Equal(metrics, checkpoint.Load().Epochs.Single());
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
