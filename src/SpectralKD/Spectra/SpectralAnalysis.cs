using System.Diagnostics;
using SpectralKD.Data;
using SpectralKD.Models;
using SpectralKD.Native;

namespace SpectralKD.Spectra;

/// <summary>Runs images through a model and reduces every block's feature maps to their spectra. Memory stays that of one batch, and 8 bytes an image.</summary>
public static class SpectralAnalysis
{
    /// <summary>Analyses an image source; images are decoded ahead of the model on other threads.</summary>
    /// <param name="model">The model; switched to evaluation mode while it is analysed.</param>
    /// <param name="images">The images; those that cannot be read are left out and named in the result.</param>
    /// <param name="options">Domain, layers, batch size and so on.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>The spectra, without tensors.</returns>
    /// <exception cref="SpectralKDException">
    /// The source is empty or unreadable, a layer does not exist, the model is on another device than asked for, or a map holds NaN or infinity.
    /// </exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static ModelSpectrum Run(
        VisionModel model,
        IImageSource images,
        SpectralOptions? options = null,
        IProgress<AnalysisProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new SpectralOptions();
        var stream = new ImageStream(images, model.Spec, options, cancellation);
        var recorder = new PartRecorder(model, images.Name);
        var spectrum = Run(model, stream.Batches(), images.Name, stream.Count, options, recorder, progress, cancellation);
        var part = recorder.ToPart(model.Spec, images, options.Shard, stream.LeftOut);
        return spectrum with { Skipped = stream.Skipped, Parts = [part] };
    }

    /// <summary>Analyses a stream of batches.</summary>
    /// <param name="model">The model; switched to evaluation mode while it is analysed.</param>
    /// <param name="batches">Batches of normalised images; enumerated twice where the activation entropy needs its range first.</param>
    /// <param name="source">Where the images come from, for titles.</param>
    /// <param name="options">Domain, layers and so on; batch size and workers are the stream's own affair.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>The spectra, without tensors.</returns>
    /// <exception cref="SpectralKDException">
    /// The stream is empty, a layer does not exist, the model is on another device than asked for, or a map holds NaN or infinity.
    /// </exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static ModelSpectrum Run(
        VisionModel model,
        IEnumerable<AnalysisBatch> batches,
        string source,
        SpectralOptions? options = null,
        IProgress<AnalysisProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var recorder = new PartRecorder(model, source);
        var spectrum = Run(model, batches, source, null, options ?? new SpectralOptions(), recorder, progress, cancellation);
        return spectrum with { Parts = [recorder.ToPart()] };
    }

    private static ModelSpectrum Run(
        VisionModel model,
        IEnumerable<AnalysisBatch> batches,
        string source,
        long? count,
        SpectralOptions options,
        PartRecorder recorder,
        IProgress<AnalysisProgress>? progress,
        CancellationToken cancellation)
    {
        LibTorch.EnsureLoaded();
        using var run = new ModelRun(model, options);
        var passes = options.WantsEntropy && options.EntropyRange is null ? 2 : 1;
        var clock = Stopwatch.StartNew();
        var first = Pass(options.Domain, options.WantsEntropy ? options.EntropyRange : null, 1);
        return passes == 1 ? first : first.WithEntropyOf(Pass(SpectralDomain.None, first.Activations, 2));

        ModelSpectrum Pass(SpectralDomain domain, ActivationRange? range, int number)
        {
            var accumulator = new SpectrumAccumulator(
                model.Spec.Name, run.Blocks, domain, range, model.Blocks.Count, options.WantsEntropy || domain.HasFlag(SpectralDomain.Channel));
            var done = 0;
            foreach (var batch in batches)
            {
                cancellation.ThrowIfCancellationRequested();
                run.Forward(batch, accumulator);
                if (number == 1)
                {
                    recorder.Add(batch.Images);
                }

                NativeHeap.AfterBatch(++done);
                progress?.Report(new AnalysisProgress(number, passes, accumulator.Images, count, clock.Elapsed));
            }

            return accumulator.ToSpectrum(source);
        }
    }

    private static ModelSpectrum WithEntropyOf(this ModelSpectrum first, ModelSpectrum second)
        => first.Images == second.Images
            ? first with { Blocks = [.. first.Blocks.Zip(second.Blocks, (one, two) => one with { Entropy = two.Entropy })] }
            : throw new SpectralKDException(
                $"{first.Source} gave {first.Images} images in the first pass and {second.Images} in the second: "
                + "give a source that can be read twice, or an EntropyRange");
}
