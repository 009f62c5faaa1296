using SpectralKD.Models;
using SpectralKD.Spectra;

namespace SpectralKD.Distillation;

/// <summary>Spectra over a fixed probe batch.</summary>
internal sealed class SpectraTracker : IDisposable
{
    private readonly TrainingBatch _probe;
    private readonly string _source;

    public SpectraTracker(ITrainingData data, int images)
    {
        _probe = First(data.Probe(images))
            ?? throw new SpectralKDException($"{data.Name} holds no image for the spectra's probe batch");
        _source = FormattableString.Invariant($"{data.Name}, probe of {_probe.Images.shape[0]} images");
    }

    public ModelSpectrum Of(VisionModel model)
    {
        return SpectralAnalysis.Run(model, [new AnalysisBatch(_probe.Images)], _source);
    }

    public void Dispose() => _probe.Dispose();

    private static TrainingBatch? First(IEnumerable<TrainingBatch> batches)
    {
        using var reader = batches.GetEnumerator();
        return reader.MoveNext() ? reader.Current : null;
    }
}
