namespace SpectralKD.Distillation;

/// <summary>The spectra of a run: the teacher's, the student's before the first step, and the student's after every epoch.</summary>
internal sealed class SpectralHistory(TrainingSetup setup, RunFolder? folder) : IDisposable
{
    private readonly List<ModelSpectrum> _student = [];
    private SpectraTracker? _tracker;

    /// <summary>The student's spectra: before the first step, then after each epoch. Empty where they are not tracked.</summary>
    public IReadOnlyList<ModelSpectrum> Student => _student;

    /// <summary>The teacher's; null without a teacher.</summary>
    public ModelSpectrum? Teacher { get; private set; }

    /// <summary>What the teacher's spectra warn of; null for nothing.</summary>
    public string? Warning { get; private set; }

    /// <summary>Analyses the teacher, and the student where it is to be tracked; reads what an interrupted run has left.</summary>
    public void Prepare(RunState state)
    {
        var tracks = setup.Recipe.TrackSpectra;
        if (!tracks && !setup.Plan.Aligns)
        {
            return;
        }

        _tracker = new SpectraTracker(setup.Data, setup.Recipe.ProbeImages);
        if (setup.Teacher is not null)
        {
            Teacher = Stored("teacher", () => _tracker.OfTeacher(setup.Teacher));
            Warning = setup.Plan.Aligns ? TrainingWatch.Shape(Teacher) : null;
        }

        if (tracks)
        {
            _student.Add(state.TotalSteps == 0 ? Stored("before", () => _tracker.Of(setup.Student)) : Read("before"));
            _student.AddRange(state.Epochs.Select(metrics => Read(RunFolder.SpectrumOf(metrics.Epoch))));
        }
    }

    /// <summary>Analyses the student after an epoch.</summary>
    public void Add(int epoch)
    {
        if (setup.Recipe.TrackSpectra)
        {
            _student.Add(Stored(RunFolder.SpectrumOf(epoch), () => _tracker!.Of(setup.Student), again: true));
        }
    }

    public void Dispose() => _tracker?.Dispose();

    private ModelSpectrum Stored(string name, Func<ModelSpectrum> analyse, bool again = false)
    {
        if (!again && folder is not null && File.Exists(folder.Spectrum(name)))
        {
            return Read(name);
        }

        var spectrum = analyse();
        folder?.Keep(name, spectrum);
        return spectrum;
    }

    private ModelSpectrum Read(string name) => ModelSpectrum.Load(folder!.Spectrum(name));
}

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

    public ModelSpectrum Of(VisionModel student) => SpectralAnalysis.Run(student, [new AnalysisBatch(_probe.Images)], _source);

    public ModelSpectrum OfTeacher(VisionModel teacher) => SpectralAnalysis.Run(teacher, [new AnalysisBatch(_probe.TeacherImages ?? _probe.Images)], _source);

    public void Dispose() => _probe.Dispose();

    private static TrainingBatch? First(IEnumerable<TrainingBatch> batches)
    {
        using var reader = batches.GetEnumerator();
        return reader.MoveNext() ? reader.Current : null;
    }
}
