using System.Collections.Immutable;
using System.Diagnostics;

namespace SpectralKD.Spectra;

/// <summary>Runs images through a model and reduces every block's feature maps to their spectra. Memory stays that of one batch, and 8 bytes an image (and for each block with <see cref="SpectralOptions.PerImage"/>).</summary>
/// <example><code>
/// using var model = ModelLoader.Load("deit_nano_patch8_64");
/// var spectrum = SpectralAnalysis.Run(model, ImageSources.Open("textures", count: 100, size: 64));
/// Console.WriteLine(spectrum.UShape.Words);
/// spectrum.Save("deit.json");
/// </code></example>
public static class SpectralAnalysis
{
    // A finished analysis is kept too until its caller has written the result, where it took longer than this.
    private static readonly TimeSpan WorthKeeping = TimeSpan.FromSeconds(10);

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
        var stream = new ImageStream(images, model, options, cancellation);
        using var numbers = ModelInPrecision.Of(model, options.Precision);
        var recorder = new PartRecorder(model, images.Name, numbers.Numbers);
        var checkpoint = options.ResumeFile is not { } file ? AnalysisCheckpoint.None
            : AnalysisCheckpoint.Open(file, Identity(recorder.ToPart(model.Spec, images, options.Shard, []), model, options));
        var spectrum = Run(numbers.Model, stream, images.Name, options, recorder, checkpoint, progress, cancellation);
        var part = recorder.ToPart(model.Spec, images, options.Shard, stream.LeftOut);
        return spectrum with { Skipped = stream.Skipped, Parts = [part], PerImage = spectrum.PerImage is { } each ? stream.Named(each) : null };
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
        options ??= new SpectralOptions();
        if (options.ResumeFile is not null)
        {
            throw new SpectralKDException("a stream of batches cannot go on after a stop, for nobody knows where it stood: leave ResumeFile out, or give an image source");
        }

        using var numbers = ModelInPrecision.Of(model, options.Precision);
        var recorder = new PartRecorder(model, source, numbers.Numbers);
        var spectrum = Run(numbers.Model, new ImageStream(batches), source, options, recorder, AnalysisCheckpoint.None, progress, cancellation);
        return spectrum with { Parts = [recorder.ToPart()] };
    }

    /// <summary>Fails where a spectrum is not what an analysis would give.</summary>
    /// <exception cref="SpectralKDException">Something differs; the message names it.</exception>
    internal static void RequireSame(ModelSpectrum spectrum, string where, VisionModel model, IImageSource images, SpectralOptions options)
    {
        using var numbers = ModelInPrecision.Of(model, options.Precision);
        var now = Identity(new PartRecorder(model, images.Name, numbers.Numbers).ToPart(model.Spec, images, options.Shard, []), model, options);
        var then = spectrum.Parts is not [{ Input: not null } part] ? null : Identity(part, model, options with
        {
            Domain = spectrum.Domain,
            At = spectrum.At,
            PerImage = spectrum.PerImage is not null,
            Layers = [.. spectrum.Blocks.Select(block => block.Index)],
            ActivationEntropy = spectrum.Blocks[0].Entropy is not null,
            EntropyRange = options.EntropyRange is null ? null : spectrum.Blocks[0].Entropy?.Range,
        });
        if (now.Keys.FirstOrDefault(key => then?.GetValueOrDefault(key) != now[key]) is { } other)
        {
            throw new SpectralKDException($"{where} is of another analysis: {(then is null ? "it holds no record of what it was made of" : $"its {other} is {then[other]}, now {now[other]}")}; take another folder, or overwrite it with --force");
        }
    }

    /// <summary>What an analysis is of: where one of these differs, its sums are others.</summary>
    internal static IReadOnlyDictionary<string, string> Identity(SpectrumPart part, VisionModel model, SpectralOptions options) => new Dictionary<string, string>
    {
        ["model"] = part.Model,
        ["weights"] = $"{part.WeightsHash} ({part.Weights.Words})",
        ["number type"] = part.NumberType,
        ["preprocessing"] = part.Input!.Words,
        ["list of images"] = FormattableString.Invariant($"{part.List} ({part.ListCount} of {part.Source})"),
        ["part of the list"] = part.Shard ?? "all",
        ["domain"] = options.Domain.ToString().ToLowerInvariant(),
        ["point of the blocks"] = MapPoints.Word(options.At),
        ["layers"] = string.Join(',', BlockSelection.Resolve(options.Layers, model.Blocks.Count, model.Spec.Name)),
        ["intensities of single images"] = options.PerImage ? "kept" : "not kept",
        ["entropy"] = !options.WantsEntropy ? "none" : options.EntropyRange?.ToString() ?? "over the images' own range",
        ["batch size"] = FormattableString.Invariant($"{options.BatchFor(model)}"),
    };

    private static ModelSpectrum Run(
        VisionModel model,
        ImageStream images,
        string source,
        SpectralOptions options,
        PartRecorder recorder,
        AnalysisCheckpoint checkpoint,
        IProgress<AnalysisProgress>? progress,
        CancellationToken cancellation)
    {
        LibTorch.EnsureLoaded();
        using var run = new ModelRun(model, options);
        var passes = options.WantsEntropy && options.EntropyRange is null ? 2 : 1;
        var clock = Stopwatch.StartNew();
        var before = checkpoint.Found is { } found ? found.Place + ((found.Pass - 1) * (images.Count ?? 0)) : 0;
        if (checkpoint.Found is { } left)
        {
            recorder.Restore(left.Contents);
            images.Restore(left.Skipped);
        }

        var first = checkpoint.Found is { First: { } kept } ? ModelSpectrum.FromJson(kept) : Pass(options.Domain, options.WantsEntropy ? options.EntropyRange : null, 1, null);
        return passes == 1 ? first : first.WithEntropyOf(Pass(SpectralDomain.None, first.Activations, 2, first));

        ModelSpectrum Pass(SpectralDomain domain, ActivationRange? range, int number, ModelSpectrum? earlier)
        {
            var accumulator = new SpectrumAccumulator(
                model.Spec.Name, run.Blocks, domain, range, model.Blocks.Count, options.WantsEntropy || domain.HasFlag(SpectralDomain.Channel), options.PerImage && number == 1);
            var place = 0;
            if (checkpoint.Found is { } state && state.Pass == number)
            {
                place = state.Place;
                if (state.Sums is { } sums)
                {
                    accumulator.Restore(ModelSpectrum.FromJson(sums));
                }
            }

            var done = 0;
            try
            {
                foreach (var batch in images.Batches(place))
                {
                    cancellation.ThrowIfCancellationRequested();
                    run.Forward(batch, accumulator);
                    if (number == 1)
                    {
                        recorder.Add(batch.Images);
                    }

                    NativeHeap.AfterBatch(++done);
                    place = batch.End;
                    if (checkpoint.IsDue)
                    {
                        checkpoint.Save(State());
                    }

                    progress?.Report(new AnalysisProgress(number, passes, accumulator.Images, images.Count, clock.Elapsed) { Before = before });
                }
            }
            catch (OperationCanceledException) when (place > 0 || number > 1)
            {
                checkpoint.Save(State());
                throw;
            }

            if (clock.Elapsed > WorthKeeping)
            {
                checkpoint.Save(State());
            }

            return accumulator.ToSpectrum(source) with { At = options.At };

            PartialAnalysis State() => new()
            {
                Pass = number,
                Place = place,
                First = earlier?.ToJson(),
                Sums = accumulator.Images == 0 ? null : accumulator.ToSpectrum(source).ToJson(),
                Contents = recorder.ToPart().Contents,
                Skipped = images.SkippedBefore(place),
            };
        }
    }

    internal static ModelSpectrum WithEntropyOf(this ModelSpectrum first, ModelSpectrum second)
        => first.Images == second.Images
            ? first with { Blocks = [.. first.Blocks.Zip(second.Blocks, (one, two) => one with { Entropy = two.Entropy })] }
            : throw new SpectralKDException(
                $"{first.Source} gave {first.Images} images in the first pass and {second.Images} in the second: "
                + "give a source that can be read twice, or an EntropyRange");
}

/// <summary>Images as batches for one model, read again for every pass: a source, or a stream of the caller's.</summary>
internal sealed class ImageStream
{
    private readonly IEnumerable<AnalysisBatch>? _given;
    private readonly IImageSource? _source;
    private readonly ModelSpec? _spec;
    private readonly BatchOptions? _options;
    private readonly int[] _places = [];
    private readonly CancellationToken _cancellation;
    private readonly SkippedImages _skipped = new();
    private readonly Lazy<long>? _sourceKey;

    internal ImageStream(IEnumerable<AnalysisBatch> batches) => _given = batches;

    internal ImageStream(IImageSource source, VisionModel model, SpectralOptions options, CancellationToken cancellation)
    {
        (_source, _spec, _cancellation) = (source, model.Spec, cancellation);
        _options = new BatchOptions { BatchSize = options.BatchFor(model), Workers = options.Workers, Shard = options.Shard };
        _sourceKey = new Lazy<long>(() => Convert.ToInt64(PartRecorder.HashOf(source)[..16], 16));
        _places = _options.Resolve(source);
        Count = _places.Length;
        if (Count == 0)
        {
            throw new SpectralKDException(
                $"{source.Name} has no images{(options.Shard is null ? "" : $" in part {options.Shard}")}, so there is no spectrum");
        }
    }

    /// <summary>Number of images of one pass, unreadable ones included; null for a stream of unknown length.</summary>
    internal long? Count { get; }

    /// <summary>The images that could not be read so far, with the reasons.</summary>
    internal ImmutableArray<string> Skipped => [.. _skipped.Items.Select(item => item.Reason)];

    /// <summary>Places in the source of the images that could not be read so far.</summary>
    internal IEnumerable<int> LeftOut => _skipped.Items.Select(item => item.Index);

    /// <summary>The images among the first ones of a pass that could not be read.</summary>
    internal IReadOnlyList<SkippedImage> SkippedBefore(int place) => [.. _skipped.Items.Where(item => place == _places.Length || item.Index < _places[place])];

    /// <summary>Takes over what an earlier call could not read.</summary>
    internal void Restore(IEnumerable<SkippedImage> skipped) => skipped.ToList().ForEach(_skipped.Add);

    /// <summary>The intensities of single images with their images' places, names and classes.</summary>
    internal SpectrumImages Named(SpectrumImages images)
    {
        var leftOut = LeftOut.ToHashSet();
        ImmutableArray<int> places = [.. _places.Where(index => !leftOut.Contains(index))];
        return images with { Places = places, Names = [.. places.Select(_source!.ItemName)], Classes = [.. places.Select(index => _source.Classes[_source.Label(index)])] };
    }

    /// <summary>One pass over the images, or what is left of it.</summary>
    /// <param name="done">Images of the list that are done with; always 0 for a stream.</param>
    internal IEnumerable<AnalysisBatch> Batches(int done)
    {
        if (_given is not null)
        {
            foreach (var batch in _given)
            {
                yield return batch;
            }

            yield break;
        }

        var rest = done == 0 ? _options! : _options! with { Shard = null, Indices = _places[done..], MayBeEmpty = true };
        foreach (var batch in ImageBatches.Read(_source!, _spec!.Preprocessing, _spec.ImageSize, rest, _skipped, _cancellation))
        {
            using (batch)
            {
                yield return new AnalysisBatch(batch.Images, index => _source!.ItemName(batch.Indices[index]))
                {
                    Origin = index => (_sourceKey!.Value, batch.Indices[index]),
                    End = Array.BinarySearch(_places, batch.Indices[^1]) + 1,
                };
            }
        }
    }
}

/// <summary>A model made ready for analysis: evaluation mode, its device and precision known, the wanted blocks resolved.</summary>
internal sealed class ModelRun : IDisposable
{
    private readonly VisionModel _model;
    private readonly int[] _indices;
    private readonly Device _device;
    private readonly ScalarType _type;
    private readonly MapPoint _at;
    private readonly bool _wasTraining;

    internal ModelRun(VisionModel model, SpectralOptions options)
    {
        _model = model;
        var weight = model.AnyWeight;
        (_device, _type) = (weight.device, weight.dtype);
        RequireDevice(options.Device);
        MapPoints.Require(model, options.At);
        _at = options.At;
        _indices = [.. BlockSelection.Resolve(options.Layers, model.Blocks.Count, model.Spec.Name)];
        Blocks = [.. _indices.Select(index => model.Blocks[index])];
        _wasTraining = model.training;
        model.eval();
    }

    /// <summary>The blocks to analyse, ascending.</summary>
    internal IReadOnlyList<BlockInfo> Blocks { get; }

    /// <summary>Runs one batch through the model, adds its maps, and hands them to somebody else as well.</summary>
    internal void Forward(AnalysisBatch batch, SpectrumAccumulator accumulator, Action<IReadOnlyList<FeatureMap>>? also = null)
        => Forward(batch, maps =>
        {
            accumulator.Add(maps, batch.Name, Counts(batch, accumulator.Images));
            also?.Invoke(maps);
        });

    /// <summary>Runs one batch through the model and hands its maps out, which are freed afterwards.</summary>
    internal void Forward(AnalysisBatch batch, Action<IReadOnlyList<FeatureMap>> take)
    {
        using var scope = NewDisposeScope();
        using var noGradient = inference_mode();
        using var output = Output(batch.Images);
        take(output.Maps);
    }

    /// <summary>The model's answer to a batch with the wanted maps; scope and gradients are the caller's affair.</summary>
    internal ModelOutput Output(Tensor images) => _model.ForwardIntermediates(images.to(_type, _device), _indices, _at);

    private static Func<int, byte[]> Counts(AnalysisBatch batch, long before) => index =>
    {
        var (source, place) = batch.Origin?.Invoke(index) ?? (0, before + index);
        return Bootstrap.Counts(source, place);
    };

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

/// <summary>Images to analyse, ready for the model. The tensor stays the giver's: it is used until the next batch is asked for.</summary>
/// <param name="Images">Normalised images, floating-point <c>[B, 3, H, W]</c>, on any device.</param>
/// <param name="Name">Name of the image at an index, for messages; null numbers them.</param>
public readonly record struct AnalysisBatch(Tensor Images, Func<int, string>? Name = null)
{
    /// <summary>What tells the source of the image at an index from others, and the image's place in it; null goes by the images' order.</summary>
    internal Func<int, (long Source, long Place)>? Origin { get; init; }

    /// <summary>Images of the list that are done with after this batch.</summary>
    internal int End { get; init; }
}

/// <summary>How far an analysis has come.</summary>
/// <param name="Pass">1-based pass over the images.</param>
/// <param name="Passes">1, or 2 where the activation entropy needs the range first.</param>
/// <param name="Done">Images finished in this pass.</param>
/// <param name="Images">Images of one pass as far as known (unreadable ones included); null for a stream of unknown length.</param>
/// <param name="Elapsed">Time since the analysis began.</param>
public readonly record struct AnalysisProgress(int Pass, int Passes, long Done, long? Images, TimeSpan Elapsed)
{
    /// <summary>Images of all passes that an earlier call had done (<see cref="SpectralOptions.ResumeFile"/>): they took none of <see cref="Elapsed"/>.</summary>
    internal long Before { get; init; }

    /// <summary>Part of the whole analysis that is done, in [0, 1]; null for a stream of unknown length.</summary>
    public double? Fraction => Images is > 0 ? Math.Min(1, ((Pass - 1) + (Done / (double)Images)) / Passes) : null;

    /// <summary>Time the rest will take at the pace so far; null while unknown.</summary>
    public TimeSpan? Remaining => Fraction is { } done && done - Earlier is > 0 and var own ? Elapsed * ((1 - done) / own) : null;

    private double Earlier => Images is > 0 ? Before / (double)(Images * Passes) : 0;

    /// <inheritdoc/>
    public override string ToString()
    {
        var pass = Passes > 1 ? $"pass {Pass} of {Passes}, " : "";
        var left = Remaining is { TotalSeconds: >= 1 } remaining ? $", {Durations.Text(remaining)} left" : "";
        return $"{pass}{Done}{(Images is null ? "" : $" of {Images}")} images{left}";
    }
}
