using System.Diagnostics;
using TorchSharp;

namespace SpectralKD.Distillation;

/// <summary>
/// Runs epochs from wherever a run stands to its end or to a stop. One thread, no awaits: torch's scopes belong to a thread.
/// </summary>
internal sealed class TrainingLoop(TrainingSetup setup, RunFolder? folder, IProgress<TrainingProgress>? progress) : IDisposable
{
    private readonly DistillationRecipe _recipe = setup.Recipe;
    private readonly RunMetrics? _metrics = folder is null ? null : new(folder.Root);
    private readonly SpectralHistory _spectra = new(setup, folder);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private const int GpuStepsToALook = 10; // each look waits until the GPU has done all its work
    private readonly bool _looksAlways = setup.Student.AnyWeight.device_type == DeviceType.CPU;
    private readonly List<(StepResult Result, int Epoch, int Step, double Seconds)> _unread = [];
    private (LossValues Loss, double? Norm)? _newest;
    private double _secondsOfSteps;
    private long _stepsHere;

    /// <summary>Where the run stands.</summary>
    public RunState State { get; private set; } = setup.FirstState();

    public IReadOnlyList<ModelSpectrum> Spectra => _spectra.Student;

    public ModelSpectrum? TeacherSpectrum => _spectra.Teacher;

    /// <summary>Goes on from the folder's checkpoint.</summary>
    /// <param name="news">What is to be said of it; null for nothing.</param>
    public void Restore(string? news = null)
    {
        var state = folder!.Checkpoint.Load();
        setup.CheckContinuation(state);
        setup.Parts.Load(folder.Checkpoint, state);
        State = state with { Finished = state.Epoch >= _recipe.Epochs };
        Warn(news);
        if (state.TotalSteps > 0)
        {
            setup.Student.Origin = Trained();
        }

        EpochLog.Write(folder.Log, state.Epochs);
        if (state.Epochs.Count > 0)
        {
            _metrics!.Write(state.Epochs);
        }

        if (state.Threads != setup.Threads)
        {
            Warn($"the run was at {state.Threads} torch threads and goes on at {setup.Threads}: the last bits will differ from an unbroken run");
        }
    }

    /// <summary>Trains until the last epoch is done or a stop is asked for; the state tells which.</summary>
    public void Run(CancellationToken stop)
    {
        Report(TrainingPhase.Preparing);
        RequireFiniteModels();
        setup.Remarks.ToList().ForEach(Warn);
        CacheNews(first: true);
        _spectra.Prepare(State);
        Warn(_spectra.Warning);
        setup.Data.Warnings.ToList().ForEach(Warn);
        if (folder is { Checkpoint.Exists: false })
        {
            Commit(State);
        }

        using var random = new StepRandom();
        while (State.Epoch < _recipe.Epochs && Train(stop) && Finish(stop))
        {
            // One epoch a round.
        }

        Report(TrainingPhase.Finished);
    }

    public void Dispose()
    {
        _unread.ForEach(step => step.Result.Dispose()); // of a run that ended before they were looked at
        _spectra.Dispose();
    }

    // The epoch's remaining steps; false after a stop.
    private bool Train(CancellationToken stop)
    {
        setup.Student.train();
        if (setup.Parts.Ema is { } average)
        {
            average.Decay = _recipe.EmaDecayIn(State.Epoch, setup.StepsPerEpoch);
        }

        var rest = setup.StepsPerEpoch - State.Step;
        using var batches = (rest == 0 ? [] : setup.Data.Train(State.Epoch, _recipe.Batch, State.Step * _recipe.Accumulate)).GetEnumerator();
        for (; rest > 0; rest--)
        {
            if (stop.IsCancellationRequested)
            {
                ReadLosses();
                Commit(State);
                return false;
            }

            Step(batches);
            if (_recipe.CheckpointSteps is { } every && State.TotalSteps % every == 0 && rest > 1)
            {
                ReadLosses();
                Commit(State);
            }
        }

        ReadLosses();
        return true;
    }

    // From its first step on the student's weights are the run's.
    private ModelOrigin Trained() => new()
    {
        Kind = WeightsKind.Trained,
        Name = $"{(folder is null ? "a run that was not kept" : folder.Root)}, {setup.Student.Spec.Name}"
            + (setup.Teacher is null ? $" alone on {setup.Data.Name}" : $" from {setup.Teacher.Spec.Name} on {setup.Data.Name}"),
        Notes = State.StudentOrigin is { } first ? [$"trained from {first.Words}", .. first.Notes.Select(note => $"before training: {note}")] : [],
    };

    private void Step(IEnumerator<TrainingBatch> batches)
    {
        var began = _clock.Elapsed.TotalSeconds;
        var (epoch, step) = (State.Epoch, State.Step);
        setup.Student.Origin = Trained();
        StepRandom.Seed(_recipe.Seed, epoch, step);
        var looks = _looksAlways || (State.TotalSteps + 1) % GpuStepsToALook == 0;
        var result = setup.Step.Run(batches, _recipe.Accumulate, _recipe.RateIn(epoch), epoch, step, looks);
        var seconds = _clock.Elapsed.TotalSeconds - began;
        _unread.Add((result, epoch, step, seconds));
        if (looks)
        {
            ReadLosses();
        }

        (_secondsOfSteps, _stepsHere) = (_secondsOfSteps + seconds, _stepsHere + 1);
        State = State with { Step = step + 1, TotalSteps = State.TotalSteps + 1 };
        NativeHeap.AfterBatch(State.TotalSteps);
        if (State.TotalSteps == TrainingWatch.Steps)
        {
            ReadLosses();
            Warn(TrainingWatch.Balance(State.Sums.Means(), _recipe.Losses is null ? "beta or w_fft" : "the weight of alignment"));
        }

        CacheNews();
        Report(TrainingPhase.Training, _newest?.Loss, _newest?.Norm);
    }

    // Takes the losses of the steps that were not looked at yet; what the GPU has gone on to do behind one that is not finite is lost with it.
    private void ReadLosses()
    {
        foreach (var (result, epoch, step, seconds) in _unread)
        {
            if (!result.Loss.IsFinite)
            {
                throw NotFinite($"the loss is not finite in epoch {epoch}, step {step} ({result.Loss})");
            }

            _newest = (result.Loss, result.GradientNorm);
            State = State with { Sums = State.Sums.Plus(result.Loss, seconds) };
        }

        _unread.Clear();
    }

    // The size of the teacher's cache before the first step, then what happens to it.
    private void CacheNews(bool first = false)
    {
        if (setup.Cache is not { } cache)
        {
            return;
        }

        cache.TakeNews().ToList().ForEach(Warn);
        if (first)
        {
            var images = (long)setup.StepsPerEpoch * _recipe.ImagesPerStep;
            var draws = SetupRules.DrawsOf(_recipe, setup.Data);
            progress?.Report(News(TrainingPhase.Preparing) with
            {
                Note = cache.Size(images * (draws ?? _recipe.Epochs), FormattableString.Invariant($"{images:N0} images{(draws == 1 ? "" : draws is null ? $" in at most {_recipe.Epochs} views" : $" in {draws} views")}")),
            });
        }
    }

    // Validation, best weights, spectra, checkpoint and log of an epoch whose steps are done; false after a stop.
    private bool Finish(CancellationToken stop)
    {
        try
        {
            Report(TrainingPhase.Validating);
            var metrics = Validate(stop);
            setup.Data.Warnings.ToList().ForEach(Warn);
            var state = KeepBest(State with { Epochs = [.. State.Epochs, metrics] }, metrics);
            _spectra.Add(metrics.Epoch);
            state = state with { Epoch = State.Epoch + 1, Step = 0, Sums = new LossSums(), Finished = State.Epoch + 1 == _recipe.Epochs };
            Commit(state);
            if (folder is not null)
            {
                EpochLog.Write(folder.Log, State.Epochs);
                _metrics!.Write(State.Epochs);
            }

            Report(TrainingPhase.EpochDone, metrics: metrics);
            return true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Commit(State);
            return false;
        }
    }

    private EpochMetrics Validate(CancellationToken stop)
    {
        var hits = folder is null ? null : new List<bool>();
        var own = Evaluation.Of(setup.Student, setup.Data.Validation(_recipe.Batch), hits, stop);
        folder?.KeepHits(State.Epoch, hits!);
        var averaged = own is null ? null : setup.WithAverage(student => Evaluation.Of(student, setup.Data.Validation(_recipe.Batch), stop));
        var means = State.Sums.Means();
        return new EpochMetrics
        {
            Epoch = State.Epoch,
            LearningRate = _recipe.RateIn(State.Epoch),
            Loss = means.Total,
            LabelLoss = _recipe.HasTeacher ? means.Labels : null,
            AlignmentLoss = means.Alignment,
            LogitLoss = means.Logits,
            OtherLosses = means.Others.Count == 0 ? null : means.Others,
            ValidationLoss = own?.Loss,
            Top1 = own?.Top1,
            Top5 = own?.Top5,
            AverageValidationLoss = averaged?.Loss,
            AverageTop1 = averaged?.Top1,
            AverageTop5 = averaged?.Top5,
            Parameters = setup.ParameterCount,
            Seconds = State.Sums.Seconds,
            ImagesPerSecond = State.Sums.Steps * _recipe.ImagesPerStep / State.Sums.Seconds,
        };
    }

    private RunState KeepBest(RunState state, EpochMetrics metrics)
    {
        var top1 = Math.Max(metrics.Top1 ?? -1, metrics.AverageTop1 ?? -1);
        if (top1 < 0 || top1 <= (state.BestTop1 ?? -1))
        {
            return state;
        }

        var average = metrics.AverageTop1 > metrics.Top1;
        if (folder is not null)
        {
            RequireFinite();
            setup.Parts.SaveWeights(folder.Best, average, new Dictionary<string, string>
            {
                ["model"] = setup.Student.Spec.Name,
                ["epoch"] = FormattableString.Invariant($"{metrics.Epoch}"),
                ["top1"] = FormattableString.Invariant($"{top1}"),
                ["weights"] = average ? "average" : "student",
            });
        }

        return state with { BestEpoch = metrics.Epoch, BestTop1 = top1 };
    }

    private void Commit(RunState state)
    {
        RequireFinite();
        State = folder is null ? state : setup.Parts.Save(folder.Checkpoint, state with { Threads = setup.Threads });
    }

    // A checkpoint with NaN in it would be no way back.
    private void RequireFinite()
    {
        if (!setup.Parts.IsFinite())
        {
            throw NotFinite($"weights are not finite after epoch {State.Epoch}, step {State.Step}");
        }
    }

    // Before the first step there is no checkpoint to go back to, and no rate to lower: the cause is in the files.
    private void RequireFiniteModels()
    {
        var broken = State.TotalSteps > 0 ? null
            : FiniteWeights.FirstBroken(setup.Parts.Weights.Select(weight => (weight.Key, weight.Value))) is { } own ? $"the student's weights hold NaN or infinity from the beginning ({own})"
            : setup.Teacher is { } teacher && FiniteWeights.FirstBroken(teacher.named_parameters().Select(weight => (weight.name, (Tensor)weight.parameter))) is { } other
                ? $"the teacher's weights hold NaN or infinity ({other})"
            : null;
        if (broken is not null)
        {
            throw new SpectralKDException($"training stopped: the loss is not finite in epoch 0, step 0: {broken}; take other weights");
        }
    }

    private SpectralKDException NotFinite(string what)
    {
        var back = folder is null ? "no folder keeps a checkpoint" : folder.Checkpoint.Exists ? LastGood(folder.Checkpoint) : "there is no checkpoint yet";
        return new SpectralKDException($"training stopped: {what}; {back}; lower the learning rate, or clip gradients (optimizer.clipNorm)");
    }

    private static string LastGood(Checkpoint checkpoint)
    {
        var state = checkpoint.Read();
        return FormattableString.Invariant($"the last good checkpoint is {checkpoint.Folder} (epoch {state.Epoch}, step {state.Step})");
    }

    private void Warn(string? warning)
    {
        if (warning is not null && !State.Warnings.Contains(warning))
        {
            State = State with { Warnings = [.. State.Warnings, warning] };
            progress?.Report(News(TrainingPhase.Preparing) with { Warning = warning });
        }
    }

    private void Report(TrainingPhase phase, LossValues? loss = null, double? norm = null, EpochMetrics? metrics = null) =>
        progress?.Report(News(phase) with { Loss = loss, GradientNorm = norm, Metrics = metrics });

    private TrainingProgress News(TrainingPhase phase)
    {
        var perStep = _stepsHere == 0 ? (double?)null : _secondsOfSteps / _stepsHere;
        var left = Math.Max(0, ((long)_recipe.Epochs * setup.StepsPerEpoch) - State.TotalSteps);
        return new TrainingProgress
        {
            Phase = phase,
            Epoch = State.Epoch,
            Epochs = _recipe.Epochs,
            Step = State.Step,
            StepsPerEpoch = setup.StepsPerEpoch,
            TotalSteps = State.TotalSteps,
            LearningRate = _recipe.RateIn(Math.Min(State.Epoch, _recipe.Epochs - 1)),
            EpochLoss = State.Sums.Steps == 0 ? null : State.Sums.Means(),
            ImagesPerSecond = perStep is { } seconds ? _recipe.ImagesPerStep / seconds : 0,
            TimeLeft = perStep * left is { } time && time < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(time) : null,
        };
    }
}
