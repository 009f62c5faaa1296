using SpectralKD.Models;
using static TorchSharp.torch;

namespace SpectralKD.Spectra;

/// <summary>A model made ready for analysis: evaluation mode, its device and precision known, the wanted blocks resolved.</summary>
internal sealed class ModelRun : IDisposable
{
    private readonly VisionModel _model;
    private readonly int[] _indices;
    private readonly Device _device;
    private readonly ScalarType _type;
    private readonly bool _wasTraining;

    internal ModelRun(VisionModel model, SpectralOptions options)
    {
        _model = model;
        var weight = model.AnyWeight;
        (_device, _type) = (weight.device, weight.dtype);
        RequireDevice(options.Device);
        _indices = [.. BlockSelection.Resolve(options.Layers, model.Blocks.Count, model.Spec.Name)];
        Blocks = [.. _indices.Select(index => model.Blocks[index])];
        _wasTraining = model.training;
        model.eval();
    }

    /// <summary>The blocks to analyse, ascending.</summary>
    internal IReadOnlyList<BlockInfo> Blocks { get; }

    /// <summary>Runs one batch through the model and adds its maps.</summary>
    internal void Forward(AnalysisBatch batch, SpectrumAccumulator accumulator)
    {
        using var scope = NewDisposeScope();
        using var noGradient = inference_mode();
        using var output = _model.ForwardIntermediates(batch.Images.to(_type, _device), _indices);
        accumulator.Add(output.Maps, batch.Name);
    }

    /// <summary>Puts the model back into the mode it was in.</summary>
    public void Dispose() => _model.train(_wasTraining);

    private void RequireDevice(Device? wanted)
    {
        if (wanted is not null && (wanted.type != _device.type || (wanted.index >= 0 && _device.index >= 0 && wanted.index != _device.index)))
        {
            throw new SpectralKDException(
                $"{_model.Spec.Name} is on {_device} but the analysis was asked for on {wanted}: move the model there (model.to), or leave the device out");
        }
    }
}
