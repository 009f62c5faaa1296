using SpectralKD.Models;
using SpectralKD.Native;
using TorchSharp.Modules;
using static TorchSharp.torch;

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

    public StudentOptimizer(VisionModel model, AdamWSettings settings)
    {
        LibTorch.EnsureLoaded();
        (_model, _settings) = (model, settings);
        var own = model.named_parameters().ToList();
        var masters = own.Select(entry => (entry.name, Parameter: Master(entry.parameter))).ToList();
        Parameters = masters;
        _pairs = [.. own.Zip(masters, (of, master) => (of.parameter, master.Parameter)).Where(pair => !ReferenceEquals(pair.parameter, pair.Parameter))];
        Groups = WeightDecayGroups.Of(masters, model.NoWeightDecay);
        _adamW = new AdamW([Group(Groups.Plain, 0), Group(Groups.Decayed, settings.WeightDecay)], beta1: settings.Beta1, beta2: settings.Beta2, eps: settings.Epsilon);
    }

    /// <summary>What is trained, float32: the model's own parameters, or their masters.</summary>
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
    /// <returns>The gradients' norm before clipping; null where nothing is clipped.</returns>
    public double? Step(double learningRate)
    {
        foreach (var group in _adamW.ParamGroups)
        {
            group.LearningRate = learningRate;
        }

        using var scope = NewDisposeScope();
        double? norm = _settings.ClipNorm is { } limit
            ? nn.utils.clip_grad_norm_(Parameters.Select(entry => entry.Parameter).Where(parameter => parameter.grad is not null), limit)
            : null;
        _adamW.step();
        Publish();
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
