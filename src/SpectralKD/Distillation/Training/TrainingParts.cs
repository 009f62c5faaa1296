namespace SpectralKD.Distillation;

/// <summary>What a run trains and keeps in checkpoints: student, optimiser, average, what the loss learns. Does not own the student.</summary>
internal sealed class TrainingParts : IDisposable
{
    private const string Model = "model.safetensors";
    private const string Average = "average.safetensors";
    private const string Moments = "optimizer.bin";
    private const string Losses = "losses.safetensors";

    public TrainingParts(VisionModel student, AdamWSettings settings, double emaDecay, StepLoss loss)
    {
        (Student, Loss) = (student, loss);
        Optimizer = new StudentOptimizer(student, settings, loss.Parameters);
        Ema = emaDecay > 0 ? new ExponentialMovingAverage(Optimizer.Parameters, emaDecay, student.named_buffers()) : null;
    }

    public VisionModel Student { get; }

    public StepLoss Loss { get; }

    public StudentOptimizer Optimizer { get; }

    public ExponentialMovingAverage? Ema { get; }

    /// <summary>The trained weights, float32, and what the model keeps beside them (BatchNorm's statistics).</summary>
    public Dictionary<string, Tensor> Weights => Optimizer.Parameters.Select(entry => (entry.Name, Values: (Tensor)entry.Parameter)).Concat(Student.named_buffers())
        .ToDictionary(entry => entry.Item1, entry => entry.Item2);

    /// <summary>True if every weight is a finite number.</summary>
    public bool IsFinite()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var trained = Optimizer.Parameters.Select(entry => entry.Parameter).Concat(Loss.Parameters.Select(entry => entry.Parameter));
        return double.IsFinite(stack(trained.Select(parameter => parameter.abs().max())).sum().item<float>());
    }

    public RunState Save(Checkpoint checkpoint, RunState state)
    {
        var files = new Dictionary<string, Action<string>>
        {
            [Model] = path => SafetensorsWriter.Write(path, Weights),
            [Moments] = path => AtomicFile.Write(path, SaveMoments),
        };
        if (Ema is not null)
        {
            files[Average] = path => SafetensorsWriter.Write(path, Ema.Averages);
        }

        if (Loss.State is { Count: > 0 } learnt)
        {
            files[Losses] = path => SafetensorsWriter.Write(path, learnt);
        }

        return checkpoint.Save(state, files);
    }

    public void Load(Checkpoint checkpoint, RunState state)
    {
        Read(checkpoint.PathOf(state, Model), Weights);
        Optimizer.Publish();
        if (Ema is not null)
        {
            Read(checkpoint.PathOf(state, Average), Ema.Averages);
        }

        if (Loss.State is { Count: > 0 } learnt)
        {
            Read(checkpoint.PathOf(state, Losses), learnt);
        }

        using var reader = new BinaryReader(File.OpenRead(checkpoint.PathOf(state, Moments)));
        Optimizer.Load(reader);
    }

    /// <summary>Writes the weights, or their average, as a safetensors file with timm's keys.</summary>
    public void SaveWeights(string path, bool average, IReadOnlyDictionary<string, string> metadata) =>
        SafetensorsWriter.Write(path, average ? Ema!.Averages : Weights, metadata);

    public void Dispose()
    {
        Ema?.Dispose();
        Optimizer.Dispose();
        Loss.Dispose();
    }

    // BinaryWriter closes its stream by default; the atomic file flushes it afterwards.
    private void SaveMoments(Stream stream)
    {
        using var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        Optimizer.Save(writer);
    }

    private static void Read(string path, IReadOnlyDictionary<string, Tensor> targets)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var (key, target) in targets)
        {
            file.ReadInto(key, target);
        }
    }
}
