namespace SpectralKD.Distillation;

/// <summary>Trains students: the plain call behind <c>#!spectral-distill</c> and <c>spectralkd distill</c>.</summary>
/// <example><code>
/// var recipe = DistillationRecipe.Load("recipe.json");
/// var run = await Distiller.RunAsync(recipe, "runs/first");
/// Console.WriteLine($"{run.Epochs[^1].Epoch + 1} epochs, finished: {run.Finished}");
/// </code></example>
public static class Distiller
{
    /// <summary>Trains a student on given objects.</summary>
    /// <param name="student">The student; trained in place. It ends in evaluation mode, float32, with the last step's weights.</param>
    /// <param name="teacher">The teacher, frozen; null with the method none.</param>
    /// <param name="data">The images.</param>
    /// <param name="recipe">
    /// How to train. Its names of models, weights and images are replaced by what the objects say of themselves, so that the folder's recipe.json is what was
    /// done; see <see cref="DistillationRecipe.Unrepeatable"/> for what cannot be named.
    /// </param>
    /// <param name="folder">The run's folder; null keeps nothing on disk.</param>
    /// <param name="resume">Goes on with the run in the folder; without it the folder must not hold one.</param>
    /// <param name="progress">Told after every step and epoch, on the training thread.</param>
    /// <param name="stop">
    /// Stops after the current step, with a checkpoint. That is no error: the run returns with <see cref="DistillationRun.Finished"/> false.
    /// </param>
    /// <returns>The run, finished or stopped.</returns>
    /// <exception cref="SpectralKDException">
    /// Models, images and recipe do not fit together; the folder holds another run, or one is being written; the loss is not finite; the disk is full.
    /// </exception>
    public static Task<DistillationRun> RunAsync(
        VisionModel student,
        VisionModel? teacher,
        ITrainingData data,
        DistillationRecipe recipe,
        string? folder = null,
        bool resume = false,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(recipe);
        return StartAsync(student, teacher, data, recipe, folder, resume, record: true, progress, stop);
    }

    /// <summary>Starts the training's thread. <c>record</c> writes what the objects say of themselves into the recipe; not where the recipe made the objects.</summary>
    internal static Task<DistillationRun> StartAsync(
        VisionModel student,
        VisionModel? teacher,
        ITrainingData data,
        DistillationRecipe recipe,
        string? folder,
        bool resume,
        bool record,
        IProgress<TrainingProgress>? progress,
        CancellationToken stop)
    {
        if (resume && folder is null)
        {
            throw new SpectralKDException("there is nothing to resume without a folder; name the run's folder");
        }

        // A thread of its own: torch's scopes are per thread, and a pool thread would be missed for hours.
        return Task.Factory.StartNew(
            () => Run(student, teacher, data, recipe, folder, resume, record, progress, stop),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
    }

    /// <summary>Trains by a recipe alone: opens its images, loads its models, runs, and frees them. The weights stay in the folder.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="resume">Goes on with the run in the folder.</param>
    /// <param name="progress">Told after every step and epoch, on the training thread.</param>
    /// <param name="stop">Stops after the current step, with a checkpoint; the run returns unfinished.</param>
    /// <exception cref="SpectralKDException">The recipe is not valid or names what cannot be had, or the run cannot begin or go on.</exception>
    public static async Task<DistillationRun> RunAsync(
        DistillationRecipe recipe,
        string folder,
        bool resume = false,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken stop = default)
    {
        using var job = await DistillationJob.PrepareAsync(recipe, cancellation: stop).ConfigureAwait(false);
        return await job.RunAsync(folder, resume, progress, stop).ConfigureAwait(false);
    }

    /// <summary>Goes on with a run by the recipe in its folder.</summary>
    /// <inheritdoc cref="RunAsync(DistillationRecipe, string, bool, IProgress{TrainingProgress}, CancellationToken)"/>
    public static Task<DistillationRun> ResumeAsync(string folder, IProgress<TrainingProgress>? progress = null, CancellationToken stop = default) =>
        RunAsync(DistillationRecipe.Load(RunFolder.RecipeOf(folder)), folder, resume: true, progress, stop);

    /// <summary>As <see cref="RunAsync(VisionModel, VisionModel, ITrainingData, DistillationRecipe, string, bool, IProgress{TrainingProgress}, CancellationToken)"/>, on the caller's thread.</summary>
    internal static DistillationRun Run(
        VisionModel student,
        VisionModel? teacher,
        ITrainingData data,
        DistillationRecipe recipe,
        string? path,
        bool resume,
        bool record,
        IProgress<TrainingProgress>? progress,
        CancellationToken stop)
    {
        LibTorch.EnsureLoaded();
        var begun = resume ? RunFolder.RecipeIn(path!) : null;
        if (begun is not null && new Checkpoint(Path.Combine(path!, "checkpoint")) is { Exists: true } checkpoint)
        {
            recipe = RunContinuation.Of(recipe, begun, checkpoint.Read(), some => SetupRules.Plan(student, some.HasTeacher ? teacher : null, some));
        }

        var done = record ? RecipeRecord.Of(recipe, student, teacher, data, verify: path is not null, begun) : recipe;
        done = done with { Losses = done.Losses is null ? null : LossTerm.Complete(done.Losses, student.Spec.AlignmentWeight) };
        using var setup = new TrainingSetup(student, teacher, data, recipe, Devices.Parse(recipe.Device));
        using var folder = path is null ? null : resume ? RunFolder.Resume(path, done, recipe) : RunFolder.Begin(path, done);
        using var loop = new TrainingLoop(setup, folder, progress);
        if (folder is { Checkpoint.Exists: true })
        {
            loop.Restore(begun is null ? null : RunContinuation.Words(recipe, begun));
        }

        loop.Run(stop);
        return new DistillationRun
        {
            Name = path is null ? student.Spec.Name : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))),
            Folder = path,
            Recipe = done,
            Epochs = loop.State.Epochs,
            Finished = loop.State.Finished,
            Steps = loop.State.TotalSteps,
            Warnings = loop.State.Warnings,
            StudentOrigin = loop.State.StudentOrigin,
            TeacherOrigin = loop.State.TeacherOrigin,
            StudentSpectra = loop.Spectra,
            TeacherSpectrum = loop.TeacherSpectrum,
            TeacherCache = setup.Cache?.Use,
        };
    }
}

/// <summary>What the recipe of a run is that goes on: its own, longer where more epochs are asked for.</summary>
internal static class RunContinuation
{
    /// <summary>
    /// The recipe to go on by. More epochs than the run was begun with make it longer: what is done stays as it is, the epochs to come follow the schedule of the longer run, as timm's
    /// resume does. Equal layer pairs are taken in the words of the run, however they are named now.
    /// </summary>
    /// <param name="given">The recipe as the caller gave it.</param>
    /// <param name="begun">The run's own.</param>
    /// <param name="state">Where it stands.</param>
    /// <param name="plan">The pairs of a recipe.</param>
    public static DistillationRecipe Of(DistillationRecipe given, DistillationRecipe begun, RunState state, Func<DistillationRecipe, LossPlan> plan)
    {
        var samePairs = (given.StudentLayers is not null || begun.StudentLayers is not null) && Pairs(plan(given)).SequenceEqual(Pairs(plan(given with { StudentLayers = begun.StudentLayers, TeacherLayers = begun.TeacherLayers })));
        var recipe = samePairs ? given with { StudentLayers = begun.StudentLayers, TeacherLayers = begun.TeacherLayers } : given;
        return recipe with
        {
            Extended = given.Epochs <= begun.Epochs ? begun.Extended : [.. begun.Extended ?? [], new RunExtension(state.Step > 0 ? state.Epoch + 1 : state.Epoch, begun.Epochs)],
        };
    }

    /// <summary>What is to be said of a run that has just been made longer; null where it was not.</summary>
    public static string? Words(DistillationRecipe recipe, DistillationRecipe begun) => recipe.Extended is not [.., var last] || recipe.Epochs <= begun.Epochs ? null
        : FormattableString.Invariant($"the run was made longer after {last.After} of {last.Epochs} epochs: epochs from {last.After} on follow the cosine over {recipe.Epochs} epochs, as timm's resume does, so the rate goes ")
            + FormattableString.Invariant($"from {recipe.RateIn(Math.Max(0, last.After - 1)):0.##e+0} to {recipe.RateIn(last.After):0.##e+0}; a run of {recipe.Epochs} epochs from the beginning would have been another");

    private static IEnumerable<(string, int, int)> Pairs(LossPlan plan) =>
        plan.Terms.SelectMany(term => term.Pairs.Select(pair => (term.Name, pair.Student.Index, pair.Teacher.Index))).Order();
}
