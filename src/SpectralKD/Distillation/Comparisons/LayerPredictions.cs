using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>
/// What can be said of layer pairs before any training: figures of the teacher's block, of what it has in common with the untrained student's, and of the gradients of the
/// first steps, on wish also of those after a first epoch. Whether any of them tells which pair helps is a question of measurement, which <see cref="LayerStudy"/> asks.
/// </summary>
/// <example><code>
/// var predictions = await LayerPredictions.OfAsync(RecipeLibrary.Get("nano-deit-distilled"), new PredictionOptions { Images = 64, Seeds = 2 });
/// predictions.Table.SaveTable("predictions.csv");
/// var chosen = new LayerSelection { Strategy = LayerStrategy.Predicted, Scores = predictions.Scores("r2"), Count = 3 };
/// </code></example>
public sealed record LayerPredictions
{
    /// <summary>The predictor where none is named.</summary>
    public const string Default = "gradient_affinity";

    private const string EpochAffinity = "gradient_affinity_epoch_1";
    private const string EpochRatio = "gradient_ratio_epoch_1";

    /// <summary>The predictors: columns of <see cref="Table"/>.</summary>
    public static IReadOnlyList<LayerPredictor> Predictors { get; } =
    [
        new("intensity", true, "spectral intensity of the teacher's block: what SpectralKD chooses by"),
        new("rms", true, "size of its activations, root of their mean square"),
        new("kappa", true, "evenness of its spectrum: intensity / rms"),
        new("uniformity", true, "entropy of its power spectrum, 0 to 1"),
        new("high_frequency_ratio", true, "share of its power at high frequencies"),
        new("effective_rank", true, "effective rank of its centred tokens"),
        new("d95", true, "directions that hold 95 % of its centred tokens' energy"),
        new("image_d95", true, "directions that hold 95 % of a single image's centred tokens' energy, median over images"),
        new("rotation", false, "how far an image's strongest directions lie from those of all images together, 0 to 1"),
        new("knn", true, $"accuracy of the {BlockAccuracy.Neighbours} nearest images by its pooled features, on unseen images"),
        new("probe", true, "accuracy of a linear classifier of its pooled features, on unseen images"),
        new("cka", true, "CKA between images of both blocks", Varies: true),
        new("token_cka", true, "CKA between tokens within images of both blocks", Varies: true),
        new("r2", true, "how much of the teacher's tokens the student's explain linearly, on unseen images", Varies: true),
        new("procrustes", false, "Procrustes distance of both blocks' tokens", Varies: true),
        new("grassmann", false, "angle between the strongest directions of both blocks' tokens", Varies: true),
        new(Default, true, "cosine of the gradients of the alignment and of the other losses, over the parameters that both reach", Varies: true),
        new("gradient_ratio", true, "length of the alignment's gradient over that of the other losses, with its weight", Varies: true),
        new(EpochAffinity, true, "the cosine once more after an epoch of the other losses alone", Varies: true, AfterEpoch: true),
        new(EpochRatio, true, "the ratio of lengths once more after that epoch", Varies: true, AfterEpoch: true),
    ];

    /// <summary>The teacher's name.</summary>
    public required string Teacher { get; init; }

    /// <summary>The student's name.</summary>
    public required string Student { get; init; }

    /// <summary>
    /// A row for each candidate pair: <c>student_block</c>, <c>teacher_block</c>, <c>depth</c> (of the student's block, 0 first, 1 last), and the predictors. Of several first
    /// weights those that depend on them are means, each with its sample standard deviation behind it (<c>cka_sd</c>).
    /// </summary>
    public required DataFrame Table { get; init; }

    /// <summary>What a reader should know, one line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Takes the predictors of a recipe's models over its training images.</summary>
    /// <param name="recipe">The recipe; its own layers are not looked at. Its student has the first weights of its seed.</param>
    /// <param name="options">Images, pairs, first weights; null for the defaults.</param>
    /// <param name="progress">Told what is being computed and how far it is.</param>
    /// <param name="cancellation">Stops between two batches or two pairs.</param>
    /// <exception cref="SpectralKDException">An option is out of range, the recipe aligns nothing, no pair of its models' blocks fits, or what it names cannot be had.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static async Task<LayerPredictions> OfAsync(
        DistillationRecipe recipe, PredictionOptions? options = null, IProgress<PredictionProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var settings = options ?? new PredictionOptions();
        settings.Check();
        var aligned = LayerSweep.Aligned(recipe, "a prediction of layers");
        var steps = new PredictionSteps(settings, progress);
        TeacherFigures? teacher = null;
        List<DataFrame> tables = [];
        for (var seed = 0; seed < settings.Seeds; seed++)
        {
            var seeded = aligned with { Seed = aligned.Seed + seed };
            using var job = await DistillationJob.PrepareAsync(seeded, cancellation: cancellation).ConfigureAwait(false);
            tables.Add(await Task.Run(
                () =>
                {
                    teacher ??= TeacherFigures.Of(job, null, settings, steps, cancellation);
                    return Measure(job, LayerSweep.NotAligned(seeded), teacher, settings, steps, cancellation);
                },
                cancellation).ConfigureAwait(false));
        }

        return new LayerPredictions
        {
            Teacher = teacher!.Model,
            Student = ModelCatalog.Find(recipe.Student).Spec.Name,
            Table = tables.Count == 1 ? tables[0] : Means(tables),
            Notes = teacher.Blocks.Accuracy.Any(block => block.Knn is null)
                ? [$"knn and probe are missing: they need two images of a class, and of {teacher.Images.Count} images no two are of one class, or all are; look at more (--count)"] : [],
        };
    }

    /// <summary>Scores of the pairs by a predictor, the higher the better, for <see cref="LayerSelection.Scores"/>.</summary>
    /// <param name="predictor">One of <see cref="Predictors"/>.</param>
    /// <exception cref="SpectralKDException">There is no such predictor, it was not taken, or no pair has a value.</exception>
    public IReadOnlyList<LayerScore> Scores(string predictor = Default)
    {
        var by = LayerPredictor.Find(predictor);
        if (by.AfterEpoch && Table.Columns.All(column => column.Name != by.Name))
        {
            throw new SpectralKDException($"{by.Name} was not taken, for it needs a first epoch of training: predict with --first-epoch (in C# FirstEpoch)");
        }

        List<LayerScore> scores = [.. Table.Rows.Where(row => row[by.Name] is not null).Select(row => new LayerScore(
            Convert.ToInt32(row["student_block"], null), Convert.ToInt32(row["teacher_block"], null), (by.Higher ? 1 : -1) * Convert.ToDouble(row[by.Name], null)))];
        return scores.Count > 0 ? scores : throw new SpectralKDException($"no pair of {Student} and {Teacher} has a value of {by.Name}; take another predictor");
    }

    /// <summary>Takes the predictors of a prepared job, whose student an epoch may train.</summary>
    /// <param name="job">Models and images of the recipe with alignment.</param>
    /// <param name="without">The recipe without alignment.</param>
    /// <param name="spectrum">The teacher's spectrum; null takes it.</param>
    /// <param name="options">Images, pairs; its seeds are not looked at.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    internal static LayerPredictions Of(DistillationJob job, DistillationRecipe without, ModelSpectrum? spectrum, PredictionOptions options, CancellationToken cancellation)
    {
        var steps = new PredictionSteps(options, null);
        var teacher = TeacherFigures.Of(job, spectrum, options, steps, cancellation);
        return new LayerPredictions { Teacher = teacher.Model, Student = job.Student.Spec.Name, Table = Measure(job, without, teacher, options, steps, cancellation) };
    }

    private static DataFrame Measure(
        DistillationJob job, DistillationRecipe without, TeacherFigures figures, PredictionOptions options, PredictionSteps steps, CancellationToken cancellation)
    {
        var (student, teacher, pairs) = (job.Student, job.Teacher!, figures.Pairs);
        var images = steps.Begin($"{student.Spec.Name} of seed {job.Recipe.Seed} beside {teacher.Spec.Name}", "images");
        var similarity = ModelSimilarity.Run(teacher, student, figures.Images, progress: images, cancellation: cancellation);
        var gradients = Gradients(0);
        var later = options.FirstEpoch ? AfterFirstEpoch() : null;
        var table = new DataFrame(
            new Int32DataFrameColumn("student_block", pairs.Select(pair => pair.Student)),
            new Int32DataFrameColumn("teacher_block", pairs.Select(pair => pair.Teacher)),
            new DoubleDataFrameColumn("depth", pairs.Select(pair => pair.Student / (double)Math.Max(1, student.Blocks.Count - 1))));
        foreach (var predictor in Predictors.Where(predictor => later is not null || !predictor.AfterEpoch))
        {
            table.Columns.Add(new DoubleDataFrameColumn(predictor.Name, pairs.Select((pair, i) => Finite(Value(predictor.Name, pair, i)))));
        }

        return table;

        IReadOnlyList<(double Cosine, double Ratio)> Gradients(int epoch) => GradientAffinity.Of(
            job, without, pairs, options.Images / 2, epoch, steps.Begin($"gradients of {pairs.Count} pairs{(epoch > 0 ? " after the first epoch" : "")}", "gradients"), cancellation);

        IReadOnlyList<(double Cosine, double Ratio)> AfterFirstEpoch()
        {
            GradientAffinity.TrainFirstEpoch(job, without, steps.Begin("first epoch without alignment", "steps"), cancellation);
            return Gradients(1);
        }

        double? Value(string name, (int Student, int Teacher) pair, int at)
        {
            var (block, both) = (figures.Spectrum.Block(pair.Teacher), similarity.Pair(pair.Student, pair.Teacher));
            return name switch
            {
                "intensity" => block.Intensity,
                "rms" => figures.Parts[pair.Teacher].Rms,
                "kappa" => figures.Parts[pair.Teacher].Kappa,
                "uniformity" => block.Uniformity,
                "high_frequency_ratio" => block.HighFrequencyRatio,
                "effective_rank" => similarity.TeacherRanks[pair.Teacher].Effective,
                "d95" => similarity.TeacherRanks[pair.Teacher].D95,
                "image_d95" => figures.Blocks.Subspaces[pair.Teacher].ImageD95,
                "rotation" => figures.Blocks.Subspaces[pair.Teacher].Rotation,
                "knn" => figures.Blocks.Accuracy[pair.Teacher].Knn,
                "probe" => figures.Blocks.Accuracy[pair.Teacher].Probe,
                "cka" => both.Cka,
                "token_cka" => both.TokenCka,
                "r2" => both.R2,
                "procrustes" => both.Procrustes,
                "grassmann" => both.Grassmann,
                Default => gradients[at].Cosine,
                "gradient_ratio" => gradients[at].Ratio,
                EpochAffinity => later![at].Cosine,
                _ => later![at].Ratio,
            };
        }

        static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
    }

    // Of the predictors that depend on the first weights the mean over them, null where one has no value, and the sample standard deviation.
    private static DataFrame Means(List<DataFrame> tables)
    {
        var table = new DataFrame();
        foreach (var column in tables[0].Columns)
        {
            if (Predictors.FirstOrDefault(predictor => predictor.Name == column.Name) is not { Varies: true })
            {
                table.Columns.Add(column);
                continue;
            }

            var values = Enumerable.Range(0, (int)column.Length).Select(row => tables.Select(one => (double?)one[column.Name][row]).ToList()).ToList();
            var means = values.Select(row => row.Any(value => value is null) ? null : row.Average()).ToList();
            table.Columns.Add(new DoubleDataFrameColumn(column.Name, means));
            table.Columns.Add(new DoubleDataFrameColumn(column.Name + "_sd", values.Zip(means, (row, mean) => mean is { } m ? Math.Sqrt(row.Sum(value => Math.Pow(value!.Value - m, 2)) / (row.Count - 1)) : (double?)null)));
        }

        return table;
    }

    // What does not depend on the student's first weights.
    private sealed record TeacherFigures(
        string Model, IImageSource Images, IReadOnlyList<(int Student, int Teacher)> Pairs, ModelSpectrum Spectrum, Dictionary<int, IntensityParts> Parts, BlockPredictors Blocks)
    {
        public static TeacherFigures Of(DistillationJob job, ModelSpectrum? spectrum, PredictionOptions options, PredictionSteps steps, CancellationToken cancellation)
        {
            var (student, teacher, source) = (job.Student, job.Teacher!, LayerSweep.Drawn((ImageTrainingData)job.Data, options.Images));
            var pairs = LayerSweep.Candidates(student, teacher, options.AllPairs);
            if (pairs.Count == 0)
            {
                throw new SpectralKDException($"no block of {student.Spec.Name} can be aligned with one of {teacher.Spec.Name}: height and width of their maps must agree, and the teacher be at least as wide");
            }

            spectrum ??= SpectralAnalysis.Run(teacher, source, new SpectralOptions(), steps.Begin($"spectra of {teacher.Spec.Name}", "images"), cancellation);
            var blocks = BlockPredictors.Of(
                teacher, source, pass => steps.Begin($"{(pass == 1 ? "classifiers" : "directions")} of the blocks of {teacher.Spec.Name}", "images").Report, cancellation);
            return new(teacher.Spec.Name, source, pairs, spectrum, IntensityDecomposition.Of(spectrum).Blocks.ToDictionary(block => block.Index), blocks);
        }
    }
}

/// <summary>What predictions are taken of.</summary>
public sealed record PredictionOptions
{
    /// <summary>Training images that are looked at, of all classes alike, at least 8; half as many for the gradients.</summary>
    public int Images { get; init; } = 256;

    /// <summary>All pairs whose maps fit, instead of each of the student's blocks with the teacher's at the same relative depth. The gradients take time for each pair.</summary>
    public bool AllPairs { get; init; }

    /// <summary>Number of first weights of the student, at least 1: of the recipe's seed and those after it. From 2 on the table has means and standard deviations.</summary>
    public int Seeds { get; init; } = 1;

    /// <summary>Trains each student for the recipe's first epoch without alignment and looks at the gradients again: two more predictors, for an epoch's time.</summary>
    public bool FirstEpoch { get; init; }

    internal void Check()
    {
        if (Images < 8)
        {
            throw new SpectralKDException($"predictions take at least 8 images, but {Images} were asked for");
        }

        if (Seeds < 1)
        {
            throw new SpectralKDException($"predictions take the first weights of at least one seed, but {Seeds} were asked for");
        }
    }
}

/// <summary>How far predictions are.</summary>
/// <param name="Step">What is being computed, from 1.</param>
/// <param name="Steps">How many there are.</param>
/// <param name="What">In words.</param>
/// <param name="Done">What of it is done.</param>
/// <param name="Total">Of how much; 0 while unknown.</param>
/// <param name="Unit">Of what: images, gradients, steps.</param>
/// <param name="Elapsed">Time since this step began.</param>
public readonly record struct PredictionProgress(int Step, int Steps, string What, long Done, long Total, string Unit, TimeSpan Elapsed)
{
    /// <summary>The step in words: <c>step 2 of 4, gradients of 12 pairs</c>.</summary>
    public string Title => $"step {Step} of {Steps}, {What}";
}

/// <summary>The steps of a prediction, one after another.</summary>
internal sealed class PredictionSteps(PredictionOptions options, IProgress<PredictionProgress>? progress)
{
    private readonly int _steps = 3 + (options.Seeds * (options.FirstEpoch ? 4 : 2)); // spectra, classifiers, directions; of each seed similarity, gradients, epoch, gradients
    private int _step;

    /// <summary>Begins the next step; what it gives hears how far the step is.</summary>
    public PredictionStep Begin(string what, string unit)
    {
        var (step, clock) = (++_step, System.Diagnostics.Stopwatch.StartNew());
        var reporter = new PredictionStep((done, total) => progress?.Report(new PredictionProgress(step, _steps, what, done, total, unit, clock.Elapsed)));
        reporter.Report(0, 0);
        return reporter;
    }
}

/// <summary>Hears how far a step of a prediction is, in its own unit or as an analysis tells it.</summary>
internal sealed class PredictionStep(Action<long, long> told) : IProgress<AnalysisProgress>
{
    public void Report(long done, long total) => told(done, total);

    public void Report(AnalysisProgress value)
    {
        var images = value.Images ?? 0;
        told(((value.Pass - 1) * images) + value.Done, images * value.Passes);
    }
}

/// <summary>A figure that is taken of a layer pair before training.</summary>
/// <param name="Name">Its column.</param>
/// <param name="Higher">Whether a high value is said to promise more; false for distances.</param>
/// <param name="Words">What it is.</param>
/// <param name="Varies">Whether it depends on the student's first weights.</param>
/// <param name="AfterEpoch">Whether it needs a first epoch of training (<see cref="PredictionOptions.FirstEpoch"/>).</param>
public sealed record LayerPredictor(string Name, bool Higher, string Words, bool Varies = false, bool AfterEpoch = false)
{
    /// <summary>The predictor of a name.</summary>
    /// <exception cref="SpectralKDException">There is none; the nearest is suggested.</exception>
    public static LayerPredictor Find(string name)
    {
        var names = LayerPredictions.Predictors.Select(predictor => predictor.Name);
        return LayerPredictions.Predictors.FirstOrDefault(predictor => predictor.Name == name)
            ?? throw new SpectralKDException($"there is no predictor {name}{NearestName.Suggestion(name, names)} (predictors: {string.Join(", ", names)})");
    }
}
