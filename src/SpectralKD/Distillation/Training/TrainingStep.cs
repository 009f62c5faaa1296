namespace SpectralKD.Distillation;

/// <summary>One optimiser step: forward of teacher and student, loss, backward, update of the weights and of their average.</summary>
internal sealed class TrainingStep(
    VisionModel student, VisionModel? teacher, StepLoss loss, StudentOptimizer optimizer, ExponentialMovingAverage? average,
    TeacherCache? cache = null, ModelPrecision teacherNumbers = ModelPrecision.Tf32)
{
    /// <summary>Trains on one batch, which may come in parts whose gradients are added up.</summary>
    /// <param name="parts">
    /// Images float <c>[B, 3, H, W]</c>, labels (int64 <c>[B]</c> or float <c>[B, K]</c>) and what the teacher sees instead, or null; on the CPU or the model's device.
    /// </param>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <param name="looks">
    /// True: the loss is read before its gradients are taken, and where it is not finite nothing is changed. False: nothing is fetched from the device, so that a
    /// GPU need not come to an end of its work; whoever reads the result later finds out.
    /// </param>
    /// <param name="place">Where the step stands in the run.</param>
    /// <returns>The loss's terms over the whole batch.</returns>
    public StepResult Run(IReadOnlyList<(Tensor Images, Tensor Labels, Tensor? TeacherImages)> parts, double learningRate, bool looks = true, BatchPlace place = default)
    {
        optimizer.Clear();
        var images = parts.Sum(part => part.Images.shape[0]);
        var result = new StepResult(loss.Names);
        for (var number = 0; number < parts.Count; number++)
        {
            var part = parts[number];
            Backward(part.Images, part.TeacherImages ?? part.Images, part.Labels, (double)part.Images.shape[0] / images, looks, place with { Part = number }, result);
            if (looks && !result.Loss.IsFinite)
            {
                return result;
            }
        }

        result.Clipped(optimizer.Step(learningRate));
        loss.AfterStep();
        average?.Update();
        return result;
    }

    private void Backward(Tensor images, Tensor teacherImages, Tensor labels, double share, bool looks, BatchPlace place, StepResult result)
    {
        using var scope = NewDisposeScope();
        var weight = student.AnyWeight;
        var (input, targets) = (images.to(weight.device), labels.to(weight.device));
        var shown = ReferenceEquals(teacherImages, images) ? input : teacherImages.to(weight.device);
        var answer = cache is null ? AskTeacher(shown) : Cached(cache.Of(teacherImages, () => AskTeacher(shown)), input.device);
        var own = Forward(student, input.to(weight.dtype), loss.Plan.StudentBlocks);
        var terms = loss.Of(own, targets.is_floating_point() ? targets.to(ScalarType.Float32) : targets, answer, place);
        result.Add(terms, share);
        if (!looks || result.Loss.IsFinite)
        {
            var total = terms.Total();
            (share == 1 ? total : total.Times(share)).backward();
            optimizer.Collect();
        }
    }

    private static TeacherAnswer Cached(TeacherAnswer answer, Device device) =>
        new(answer.Logits?.to(device), [.. answer.Maps.Select(map => map.to(device))]);

    private TeacherAnswer AskTeacher(Tensor images)
    {
        if (teacher is null || !loss.Plan.HasTeacher)
        {
            return new TeacherAnswer(null, []);
        }

        using var guard = no_grad();
        var type = teacher.AnyWeight;
        using var tensorFloat = TensorFloat.Use(teacherNumbers == ModelPrecision.Tf32, type.device);
        var output = Forward(teacher, images.to(type.dtype).to(type.device), loss.Plan.TeacherBlocks);
        var byBlock = output.Maps.ToDictionary(map => map.Block, map => map.Values);
        return new TeacherAnswer(output.Logits.to(images.device).to(ScalarType.Float32), [.. loss.Plan.TeacherBlocks.Select(block => byBlock[block].to(images.device))]);
    }

    private static ModelOutput Forward(VisionModel model, Tensor images, IReadOnlyList<int> layers) =>
        layers.Count == 0 ? new ModelOutput(model.forward(images), []) : model.ForwardIntermediates(images, layers);
}

/// <summary>Draws the batches of one step, mixes them and trains on them.</summary>
internal sealed class BatchStep(TrainingStep step, BatchMixing mixing)
{
    /// <summary>One optimiser step over the next <paramref name="count"/> batches; see <see cref="TrainingStep.Run"/>.</summary>
    public StepResult Run(IEnumerator<TrainingBatch> batches, int count, double learningRate, int epoch, int number, bool looks)
    {
        var drawn = new List<TrainingBatch>(count);
        try
        {
            while (drawn.Count < count)
            {
                drawn.Add(batches.MoveNext() ? batches.Current : throw new SpectralKDException(
                    FormattableString.Invariant($"the training images ended in epoch {epoch} before step {number}: the data gave fewer batches than it said")));
            }

            using var scope = NewDisposeScope();
            return step.Run([.. drawn.Select((batch, part) => (batch.Images, mixing.Labels(batch, epoch, (number * count) + part), batch.TeacherImages))], learningRate, looks, new BatchPlace(epoch, number));
        }
        finally
        {
            drawn.ForEach(batch => batch.Dispose());
        }
    }
}

/// <summary>Mixes the images of batches where the recipe asks for mixup or CutMix.</summary>
internal sealed class BatchMixing(DistillationRecipe recipe, int classes)
{
    private readonly MixupOptions? _options = recipe.Data.Mixing;

    /// <summary>Mixes a batch's images in place and returns the labels that then hold; the batch's own where nothing is mixed.</summary>
    /// <param name="batch">The batch; its labels are class indices.</param>
    /// <param name="epoch">0-based.</param>
    /// <param name="number">The batch's number in the epoch.</param>
    public Tensor Labels(TrainingBatch batch, int epoch, int number)
    {
        if (_options is null)
        {
            return batch.Labels;
        }

        var (labels, draw) = (batch.Labels.data<long>().ToArray(), ((long)epoch << 32) + number);
        if (batch.TeacherImages is { } others)
        {
            Mixup.Apply(others, labels, classes, _options, smoothing: 0, recipe.Seed, draw).Dispose(); // the same partners and shares
        }

        return Mixup.Apply(batch.Images, labels, classes, _options, smoothing: 0, recipe.Seed, draw);
    }
}

/// <summary>
/// Seeds torch's generators for each step from (seed, epoch, step), so that a resumed run draws what the unbroken one would have drawn, on CUDA
/// too, whose generator's state cannot be read. Puts the user's CPU generator back at the end.
/// </summary>
internal sealed class StepRandom : IDisposable
{
    private readonly Tensor _before = get_rng_state().DetachFromDisposeScope();

    public static void Seed(int seed, int epoch, int step)
    {
        using var generator = manual_seed((long)(new CounterRandom(seed, epoch, step).NextBits() >> 1));
    }

    public void Dispose()
    {
        set_rng_state(_before);
        _before.Dispose();
    }
}

/// <summary>What a step reports. Its numbers stay on the device until they are asked for, or given up.</summary>
internal sealed class StepResult(TermNames names) : IDisposable
{
    private readonly List<(Tensor Terms, double Share)> _unread = [];
    private LossValues? _loss;
    private Tensor? _norm;
    private double? _normRead;

    /// <summary>The terms over the batch, or over the parts of it so far.</summary>
    public LossValues Loss
    {
        get
        {
            foreach (var (terms, share) in _unread)
            {
                var part = names.Read(terms).Scaled(share);
                terms.Dispose();
                _loss = _loss?.Plus(part) ?? part;
            }

            _unread.Clear();
            return _loss ?? throw new InvalidOperationException("the step had no part");
        }
    }

    /// <summary>The gradients' norm before clipping; null where nothing is clipped.</summary>
    public double? GradientNorm
    {
        get
        {
            _normRead ??= _norm?.item<float>();
            _norm?.Dispose();
            _norm = null;
            return _normRead;
        }
    }

    internal void Add(WeighedTerms terms, double share) => _unread.Add((terms.Stacked().DetachFromDisposeScope(), share));

    internal void Clipped(Tensor? norm) => _norm = norm;

    public void Dispose()
    {
        _unread.ForEach(part => part.Terms.Dispose());
        _unread.Clear();
        _norm?.Dispose();
        _norm = null;
    }
}
