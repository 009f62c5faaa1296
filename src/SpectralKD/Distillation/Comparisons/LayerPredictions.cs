using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>
/// What can be said of layer pairs before any training: figures of the teacher's block, of what it has in common with the untrained student's, and of the gradients of the
/// first steps. Whether any of them tells which pair helps is a question of measurement, which <see cref="LayerStudy"/> asks.
/// </summary>
/// <example><code>
/// var predictions = await LayerPredictions.OfAsync(RecipeLibrary.Get("nano-deit-distilled"), images: 64);
/// predictions.Table.SaveTable("predictions.csv");
/// var chosen = new LayerSelection { Strategy = LayerStrategy.Predicted, Scores = predictions.Scores("r2"), Count = 3 };
/// </code></example>
public sealed record LayerPredictions
{
    /// <summary>The predictor where none is named.</summary>
    public const string Default = "gradient_affinity";

    internal const int Images = 256;

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
        new("cka", true, "CKA between images of both blocks"),
        new("token_cka", true, "CKA between tokens within images of both blocks"),
        new("r2", true, "how much of the teacher's tokens the student's explain linearly, on unseen images"),
        new("procrustes", false, "Procrustes distance of both blocks' tokens"),
        new("grassmann", false, "angle between the strongest directions of both blocks' tokens"),
        new(Default, true, "cosine of the gradients of the alignment and of the other losses, over the parameters that both reach"),
        new("gradient_ratio", true, "length of the alignment's gradient over that of the other losses, with its weight"),
    ];

    /// <summary>The teacher's name.</summary>
    public required string Teacher { get; init; }

    /// <summary>The student's name.</summary>
    public required string Student { get; init; }

    /// <summary>A row for each candidate pair: <c>student_block</c>, <c>teacher_block</c>, <c>depth</c> (of the student's block, 0 first, 1 last), and the predictors.</summary>
    public required DataFrame Table { get; init; }

    /// <summary>Takes the predictors of a recipe's models over its training images.</summary>
    /// <param name="recipe">The recipe; its own layers are not looked at. Its student has the first weights of its seed.</param>
    /// <param name="images">Training images, of all classes alike, at least 8; half as many for the gradients.</param>
    /// <param name="all">All pairs whose maps fit, instead of each of the student's blocks with the teacher's at the same relative depth. The gradients take time for each pair.</param>
    /// <param name="progress">Told what is being computed.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="SpectralKDException">The recipe aligns nothing, no pair of its models' blocks fits, or what it names cannot be had.</exception>
    public static async Task<LayerPredictions> OfAsync(
        DistillationRecipe recipe, int images = Images, bool all = false, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        if (images < 8)
        {
            throw new SpectralKDException($"predictions take at least 8 images, but {images} were asked for");
        }

        using var job = await DistillationJob.PrepareAsync(LayerSweep.Aligned(recipe, "a prediction of layers"), cancellation: cancellation).ConfigureAwait(false);
        return await Task.Run(() => Of(job, LayerSweep.NotAligned(recipe), null, images, all, progress, cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>Scores of the pairs by a predictor, the higher the better, for <see cref="LayerSelection.Scores"/>.</summary>
    /// <param name="predictor">One of <see cref="Predictors"/>.</param>
    /// <exception cref="SpectralKDException">There is no such predictor, or no pair has a value.</exception>
    public IReadOnlyList<LayerScore> Scores(string predictor = Default)
    {
        var by = LayerPredictor.Find(predictor);
        List<LayerScore> scores = [.. Table.Rows.Where(row => row[by.Name] is not null).Select(row => new LayerScore(
            Convert.ToInt32(row["student_block"], null), Convert.ToInt32(row["teacher_block"], null), (by.Higher ? 1 : -1) * Convert.ToDouble(row[by.Name], null)))];
        return scores.Count > 0 ? scores : throw new SpectralKDException($"no pair of {Student} and {Teacher} has a value of {by.Name}; take another predictor");
    }

    /// <summary>Takes the predictors of a prepared job.</summary>
    /// <param name="job">Models and images of the recipe with alignment.</param>
    /// <param name="without">The recipe without alignment.</param>
    /// <param name="spectrum">The teacher's spectrum; null takes it.</param>
    /// <param name="images">Number of images.</param>
    /// <param name="all">All pairs that fit.</param>
    /// <param name="progress">Told what is being computed.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    internal static LayerPredictions Of(
        DistillationJob job, DistillationRecipe without, ModelSpectrum? spectrum, int images, bool all, IProgress<string>? progress, CancellationToken cancellation)
    {
        var (student, teacher, source) = (job.Student, job.Teacher!, LayerSweep.Drawn((ImageTrainingData)job.Data, images));
        var pairs = LayerSweep.Candidates(student, teacher, all);
        if (pairs.Count == 0)
        {
            throw new SpectralKDException($"no block of {student.Spec.Name} can be aligned with one of {teacher.Spec.Name}: height and width of their maps must agree, and the teacher be at least as wide");
        }

        progress?.Report($"spectra of {teacher.Spec.Name} over {source.Count} images");
        spectrum ??= SpectralAnalysis.Run(teacher, source, new SpectralOptions(), null, cancellation);
        var parts = IntensityDecomposition.Of(spectrum).Blocks.ToDictionary(block => block.Index);
        progress?.Report($"{student.Spec.Name} beside {teacher.Spec.Name} over {source.Count} images");
        var similarity = ModelSimilarity.Run(teacher, student, source, cancellation: cancellation);
        progress?.Report($"gradients of {pairs.Count} pairs");
        var gradients = GradientAffinity.Of(job, without, pairs, images / 2, cancellation);
        var table = new DataFrame(
            new Int32DataFrameColumn("student_block", pairs.Select(pair => pair.Student)),
            new Int32DataFrameColumn("teacher_block", pairs.Select(pair => pair.Teacher)),
            new DoubleDataFrameColumn("depth", pairs.Select(pair => pair.Student / (double)Math.Max(1, student.Blocks.Count - 1))));
        foreach (var predictor in Predictors)
        {
            table.Columns.Add(new DoubleDataFrameColumn(predictor.Name, pairs.Select((pair, i) => Finite(Value(predictor.Name, pair, gradients[i])))));
        }

        return new LayerPredictions { Teacher = similarity.Teacher, Student = similarity.Student, Table = table };

        double? Value(string name, (int Student, int Teacher) pair, (double Cosine, double Ratio) gradient)
        {
            var (block, both) = (spectrum.Block(pair.Teacher), similarity.Pair(pair.Student, pair.Teacher));
            return name switch
            {
                "intensity" => block.Intensity,
                "rms" => parts[pair.Teacher].Rms,
                "kappa" => parts[pair.Teacher].Kappa,
                "uniformity" => block.Uniformity,
                "high_frequency_ratio" => block.HighFrequencyRatio,
                "effective_rank" => similarity.TeacherRanks[pair.Teacher].Effective,
                "d95" => similarity.TeacherRanks[pair.Teacher].D95,
                "cka" => both.Cka,
                "token_cka" => both.TokenCka,
                "r2" => both.R2,
                "procrustes" => both.Procrustes,
                "grassmann" => both.Grassmann,
                Default => gradient.Cosine,
                _ => gradient.Ratio,
            };
        }

        static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
    }
}

/// <summary>A figure that is taken of a layer pair before training.</summary>
/// <param name="Name">Its column.</param>
/// <param name="Higher">Whether a high value is said to promise more; false for distances.</param>
/// <param name="Words">What it is.</param>
public sealed record LayerPredictor(string Name, bool Higher, string Words)
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

/// <summary>How the gradient of the alignment of a pair agrees with that of the other losses in the first steps of a run, before anything is trained.</summary>
internal static class GradientAffinity
{
    /// <summary>Of each pair the cosine of both gradients over the parameters that both reach, and the ratio of their lengths there; means over batches.</summary>
    public static IReadOnlyList<(double Cosine, double Ratio)> Of(
        DistillationJob job, DistillationRecipe without, IReadOnlyList<(int Student, int Teacher)> pairs, int images, CancellationToken cancellation)
    {
        var (student, teacher, recipe) = (job.Student, job.Teacher!, job.Recipe);
        using var others = new StepLoss(SetupRules.Plan(student, without.HasTeacher ? teacher : null, without), student, teacher, recipe.Seed);
        var alignments = pairs.Select(pair => new StepLoss(PlanOf(student, teacher, recipe, pair), student, teacher, recipe.Seed)).ToList();
        var training = student.training;
        student.eval();
        teacher.eval();
        var sums = new (double Cosine, double Ratio)[pairs.Count];
        var batches = 0;
        foreach (var batch in job.Data.Train(0, recipe.Batch, 0).Take(Math.Max(1, images / recipe.Batch)))
        {
            using (batch)
            {
                cancellation.ThrowIfCancellationRequested();
                Add(student, teacher, batch, others, alignments, sums);
                batches++;
            }
        }

        student.zero_grad();
        student.train(training);
        alignments.ForEach(alignment => alignment.Dispose());
        return [.. sums.Select(sum => (sum.Cosine / batches, sum.Ratio / batches))];
    }

    private static LossPlan PlanOf(VisionModel student, VisionModel teacher, DistillationRecipe recipe, (int Student, int Teacher) pair)
    {
        var plan = SetupRules.Plan(student, teacher, recipe with { StudentLayers = [pair.Student], TeacherLayers = [pair.Teacher] });
        return plan with { Terms = [.. plan.Terms.Where(term => term.Kind == AlignmentTerm.Kind)] };
    }

    private static void Add(
        VisionModel student, VisionModel teacher, TrainingBatch batch, StepLoss others, List<StepLoss> alignments, (double Cosine, double Ratio)[] sums)
    {
        using var scope = NewDisposeScope();
        var device = student.AnyWeight.device;
        var (images, labels) = (batch.Images.to(device), batch.Labels.to(device));
        var own = student.ForwardIntermediates(images, [.. others.Plan.StudentBlocks.Concat(alignments.SelectMany(alignment => alignment.Plan.StudentBlocks)).Distinct()]);
        var (logits, maps) = Ask(teacher, batch.TeacherImages?.to(device) ?? images, [.. others.Plan.TeacherBlocks.Concat(alignments.SelectMany(alignment => alignment.Plan.TeacherBlocks)).Distinct()]);
        var rest = Gradient(student, others, own, labels, logits, maps);
        for (var pair = 0; pair < alignments.Count; pair++)
        {
            using var inner = NewDisposeScope();
            var gradient = Gradient(student, alignments[pair], own, labels, logits, maps);
            var shared = rest * gradient.sign().abs(); // a parameter that the pair's loss does not reach has a gradient of exactly 0
            var (one, two) = (Length(gradient), Length(shared));
            sums[pair].Cosine += (gradient * shared).sum().item<double>() / (one * two);
            sums[pair].Ratio += one / two;
        }
    }

    private static (Tensor Logits, Dictionary<int, Tensor> Maps) Ask(VisionModel teacher, Tensor images, IReadOnlyList<int> blocks)
    {
        using var guard = no_grad();
        var output = teacher.ForwardIntermediates(images, blocks);
        return (output.Logits, output.Maps.ToDictionary(map => map.Block, map => map.Values));
    }

    // One vector over all parameters, in the caller's scope.
    private static Tensor Gradient(VisionModel student, StepLoss loss, ModelOutput own, Tensor labels, Tensor logits, Dictionary<int, Tensor> maps)
    {
        using var scope = NewDisposeScope();
        student.zero_grad();
        var answer = new TeacherAnswer(logits, [.. loss.Plan.TeacherBlocks.Select(block => maps[block])]);
        loss.Of(own, labels, answer).Total().backward(retain_graph: true);
        return cat([.. student.parameters().Where(parameter => parameter.requires_grad)
            .Select(parameter => (parameter.grad is { } gradient ? gradient : zeros_like(parameter)).flatten().to(ScalarType.Float64))]).MoveToOuterDisposeScope();
    }

    private static double Length(Tensor values) => values.norm().item<double>();
}
