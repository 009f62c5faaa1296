using SpectralKD.Models;
using SpectralKD.Native;
using SpectralKD.Spectra;

namespace SpectralKD.Distillation;

/// <summary>Spectra over a fixed probe batch: the first validation images (training images where there are none).</summary>
internal sealed class SpectraTracker : IDisposable
{
    private readonly TrainingBatch _probe;
    private readonly string _source;

    public SpectraTracker(ITrainingData data, int images)
    {
        _probe = First(data.Validation(images)) ?? First(data.Train(0, Math.Max(1, images), 0))
            ?? throw new SpectralKDException($"{data.Name} holds no image for the spectra's probe batch");
        _source = FormattableString.Invariant($"{data.Name}, probe of {_probe.Images.shape[0]} images");
    }

    public ModelSpectrum Of(VisionModel model)
    {
        using var pause = GarbagePause.Begin();
        return SpectralAnalysis.Run(model, [new AnalysisBatch(_probe.Images)], _source);
    }

    public void Dispose() => _probe.Dispose();

    private static TrainingBatch? First(IEnumerable<TrainingBatch> batches)
    {
        using var reader = batches.GetEnumerator();
        return reader.MoveNext() ? reader.Current : null;
    }
}
