using TorchSharp.Modules;

namespace SpectralKD.Distillation;

/// <summary>
/// AdamW over a student with timm's weight-decay groups. A student in bfloat16 is trained through float32 master weights: gradients are
/// added up and applied in float32, then rounded into the model.
/// </summary>
internal sealed class StudentOptimizer : IDisposable
{
    private readonly VisionModel _model;
    private readonly AdamWSettings _settings;
    private readonly IReadOnlyList<(Parameter Model, Parameter Master)> _pairs;
    private readonly AdamW _adamW;

    /// <param name="model">The student.</param>
    /// <param name="settings">AdamW's settings.</param>
    /// <param name="others">What the loss learns beside the student, float32, and whether it takes weight decay: in groups of its own, not clipped with the student.</param>
    public StudentOptimizer(VisionModel model, AdamWSettings settings, IReadOnlyList<(string Name, Parameter Parameter, bool Decays)>? others = null)
    {
        LibTorch.EnsureLoaded();
        (_model, _settings) = (model, settings);
        var own = model.named_parameters().ToList();
        var masters = own.Select(entry => (entry.name, Parameter: Master(entry.parameter))).ToList();
        Parameters = masters;
        _pairs = [.. own.Zip(masters, (of, master) => (of.parameter, master.Parameter)).Where(pair => !ReferenceEquals(pair.parameter, pair.Parameter))];
        Groups = WeightDecayGroups.Of(masters, model.NoWeightDecay);
        var beside = (others ?? []).GroupBy(entry => entry.Decays).OrderBy(group => group.Key)
            .Select(group => Group([.. group.Select(entry => (entry.Name, entry.Parameter))], group.Key ? settings.WeightDecay : 0));
        _adamW = new AdamW([Group(Groups.Plain, 0), Group(Groups.Decayed, settings.WeightDecay), .. beside], beta1: settings.Beta1, beta2: settings.Beta2, eps: settings.Epsilon);
    }

    /// <summary>What is trained of the student, float32: the model's own parameters, or their masters.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters { get; }

    public WeightDecayGroups Groups { get; }

    /// <summary>Forgets all gradients.</summary>
    public void Clear()
    {
        using var scope = NewDisposeScope();
        _model.zero_grad();
        _adamW.zero_grad();
    }

    /// <summary>Takes up the gradients of one backward pass; needed after each of them, before the next.</summary>
    public void Collect()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (model, master) in _pairs.Where(pair => pair.Model.grad is not null))
        {
            var gradient = model.grad!.to(ScalarType.Float32);
            master.grad = master.grad is { } sum ? sum.AddInPlace(gradient) : gradient;
            model.grad!.zero_();
        }
    }

    /// <summary>Applies the gradients at a learning rate.</summary>
    /// <returns>The gradients' norm before clipping, float32, still on their device; null where nothing is clipped. The caller's.</returns>
    public Tensor? Step(double learningRate)
    {
        foreach (var group in _adamW.ParamGroups)
        {
            group.LearningRate = learningRate;
        }

        using var scope = NewDisposeScope();
        var norm = _settings.ClipNorm is { } limit ? Clip(limit) : null;
        _adamW.step();
        Publish();
        return norm?.DetachFromDisposeScope();
    }

    // torch's clip_grad_norm_, operation by operation; TorchSharp's fetches the norm, for which a GPU would have to come to the end of its work.
    private Tensor? Clip(double limit)
    {
        using var guard = no_grad();
        var gradients = Parameters.Select(entry => entry.Parameter.grad).OfType<Tensor>().ToArray();
        if (gradients.Length == 0)
        {
            return null;
        }

        var norm = stack(gradients.Select(gradient => gradient.norm()).ToArray()).norm();
        var factor = norm.clone().AddInPlace(1e-6).reciprocal_().MultiplyInPlace(limit).Within(0, 1);
        Array.ForEach(gradients, gradient => gradient.mul_(factor));
        return norm;
    }

    /// <summary>Rounds the masters into the model, after they were changed from outside.</summary>
    public void Publish()
    {
        using var guard = no_grad();
        foreach (var (model, master) in _pairs)
        {
            model.copy_(master);
        }
    }

    /// <summary>Writes the moments and the step count.</summary>
    public void Save(BinaryWriter writer) => _adamW.save_state_dict(writer);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    public void Load(BinaryReader reader) => _adamW.load_state_dict(reader);

    public void Dispose()
    {
        _adamW.Dispose();
        foreach (var (_, master) in _pairs)
        {
            master.Dispose();
        }
    }

    private static Parameter Master(Parameter parameter)
    {
        if (parameter.dtype == ScalarType.Float32)
        {
            return parameter;
        }

        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var master = parameter.detach().to(ScalarType.Float32);
        return (Parameter)new Parameter(master, parameter.requires_grad).DetachFromDisposeScope();
    }

    // The learning rate is set per group: a group does not take the optimiser's.
    private AdamW.ParamGroup Group(IReadOnlyList<(string Name, Parameter Parameter)> parameters, double weightDecay) => new(
        parameters.Select(entry => entry.Parameter), lr: 0, _settings.Beta1, _settings.Beta2, _settings.Epsilon, weightDecay);
}

/// <summary>
/// TorchSharp's AdamW with a step whose numbers live until torch has answered (see <see cref="HeldScalars"/>): the same operations in the same order, so
/// the weights are to the bit those of TorchSharp's. Moments, options and their file format are its own; the format begins with the class's name,
/// which is why this one bears the same. Of its options neither amsgrad nor maximize is known.
/// </summary>
internal sealed class AdamW(IEnumerable<TorchSharp.Modules.AdamW.ParamGroup> groups, double beta1, double beta2, double eps)
    : TorchSharp.Modules.AdamW(groups, beta1: beta1, beta2: beta2, eps: eps)
{
    /// <summary>Moves every parameter that has a gradient.</summary>
    /// <param name="closure">Computes the loss anew, with gradients; none is needed.</param>
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(Step, closure);

    private void Step(ParamGroup group)
    {
        var options = group.Options;
        var (beta1, beta2, rate) = (options.beta1!.Value, options.beta2!.Value, options.LearningRate!.Value);
        var due = group.Parameters.Select(parameter => (Parameter: parameter, Gradient: parameter.grad)).Where(entry => entry.Gradient is not null)
            .Select(entry => (entry.Parameter, entry.Gradient, State: (State)_state[entry.Parameter.Handle]));
        foreach (var alike in due.ToLookup(entry => ++entry.State.step)) // as a rule all have taken the same number of steps
        {
            HeldScalars.Move(
                alike.Select(entry => ((Tensor)entry.Parameter, entry.Gradient!, entry.State.exp_avg, entry.State.exp_avg_sq)),
                new AdamWNumbers(
                    1 - (rate * options.weight_decay!.Value), beta1, beta2, Math.Sqrt(1 - Math.Pow(beta2, alike.Key)), options.eps!.Value, rate / (1 - Math.Pow(beta1, alike.Key))));
        }
    }
}

/// <summary>Settings of AdamW; the defaults are the reference's.</summary>
public sealed record AdamWSettings
{
    /// <summary>Weight decay of the parameters that take any, 0 or more (<c>--weight-decay</c>).</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Decay of the first moment, in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the second moment, in [0, 1).</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second moment, above 0 (<c>--opt-eps</c>).</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Largest l2 norm of all gradients together; larger ones are scaled down to it. Null does not clip (<c>--clip-grad</c>).</summary>
    public double? ClipNorm { get; init; }
}

/// <summary>
/// timm's weight-decay groups: biases, other vectors and what a model names in <see cref="VisionModel.NoWeightDecay"/> take none.
/// </summary>
internal sealed class WeightDecayGroups
{
    private WeightDecayGroups(IReadOnlyList<(string Name, Parameter Parameter)> plain, IReadOnlyList<(string Name, Parameter Parameter)> decayed) =>
        (Plain, Decayed) = (plain, decayed);

    /// <summary>Parameters without weight decay, by name, in the model's order.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Plain { get; }

    /// <summary>Parameters with weight decay, by name, in the model's order.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Decayed { get; }

    /// <summary>Sorts a model's trainable parameters.</summary>
    public static WeightDecayGroups Of(VisionModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Of([.. model.named_parameters()], model.NoWeightDecay);
    }

    internal static WeightDecayGroups Of(IReadOnlyList<(string Name, Parameter Parameter)> parameters, IReadOnlySet<string> exempt)
    {
        var sorted = parameters.Where(entry => entry.Parameter.requires_grad).ToLookup(entry => IsPlain(entry.Name, entry.Parameter, exempt));
        return new WeightDecayGroups([.. sorted[true]], [.. sorted[false]]);
    }

    private static bool IsPlain(string name, Parameter parameter, IReadOnlySet<string> exempt) =>
        parameter.dim() <= 1 || name.EndsWith(".bias", StringComparison.Ordinal) || exempt.Contains(name);
}

/// <summary>
/// The reference's learning rate: timm's cosine schedule with linear warm-up, stepped once at the end of each epoch, so that epoch e runs
/// at the schedule's value of e - 1 and epoch 0 at its initial one.
/// </summary>
public sealed record CosineSchedule
{
    /// <summary>Epochs of the cosine, at least 1; the warm-up is part of them.</summary>
    public required int Epochs { get; init; }

    /// <summary>Peak learning rate, above 0.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Learning rate at the end (<c>--min-lr</c>).</summary>
    public double MinimumRate { get; init; } = 1e-5;

    /// <summary>Epochs of linear warm-up, 0 or more (<c>--warmup-epochs</c>).</summary>
    public int WarmupEpochs { get; init; } = 5;

    /// <summary>Learning rate that the warm-up starts from (<c>--warmup-lr</c>).</summary>
    public double WarmupRate { get; init; } = 1e-6;

    /// <summary>Learning rate that epoch <paramref name="epoch"/> runs at.</summary>
    /// <param name="epoch">0-based.</param>
    public double InEpoch(int epoch) => epoch == 0 ? (WarmupEpochs > 0 ? WarmupRate : LearningRate) : At(epoch - 1);

    /// <summary>The schedule's value at time <paramref name="t"/> (timm's <c>_get_lr</c>; the cosine's time is not reduced by the warm-up).</summary>
    /// <param name="t">0-based epoch count.</param>
    public double At(int t)
    {
        if (t < WarmupEpochs)
        {
            return WarmupRate + (t * (LearningRate - WarmupRate) / WarmupEpochs);
        }

        return t < Epochs
            ? MinimumRate + (0.5 * (LearningRate - MinimumRate) * (1 + Math.Cos(Math.PI * t / Epochs)))
            : MinimumRate;
    }
}
