using System.Text.Json.Nodes;
using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>
/// Turns a recipe into the comparison that asks which layers to align: each pair alone, every strategy, the teacher's blocks above several thresholds of its
/// intensity, the pairs that promise most before training, and random pairs, which the others must beat (<c>spectralkd compare --sweep layers</c>).
/// </summary>
public static class LayerSweep
{
    private const int RandomChoices = 3;
    private const int SpectrumImages = 500;
    private static readonly double[] Thresholds = [0.3, 0.5, 0.7, 0.9];

    /// <summary>Makes the comparison.</summary>
    /// <param name="recipe">The recipe; its own layers are not looked at, its loss is what every method shares.</param>
    /// <param name="folder">
    /// Folder for <c>teacher-spectrum.json</c>, which choices by intensity need, and <c>predictors.csv</c> (<see cref="LayerPredictions"/>), which the table of layers shows;
    /// null keeps them nowhere.
    /// </param>
    /// <param name="cancellation">Stops the analysis of the models.</param>
    /// <returns>A comparison with the baseline <c>no-alignment</c>; its seeds are 0, 1, 2 unless others are set.</returns>
    /// <exception cref="SpectralKDException">The recipe has no teacher, or no pair of its models' blocks fits.</exception>
    public static async Task<Comparison> OfAsync(DistillationRecipe recipe, string? folder = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var shared = Aligned(recipe);
        using var job = await DistillationJob.PrepareAsync(shared, cancellation: cancellation).ConfigureAwait(false);
        var (student, teacher) = (job.Student, job.Teacher!);
        var spectrum = SpectrumOf(teacher, (ImageTrainingData)job.Data, folder, cancellation);
        var predictions = PredictionsOf(job, recipe, spectrum, folder, cancellation);
        var methods = new List<Variation> { new("no-alignment", WithoutAlignment(recipe).ToJsonString()) };
        var taken = new HashSet<string>();
        foreach (var (name, pairs) in Pairs(student, teacher).Concat(Strategies(student, teacher, spectrum, predictions)))
        {
            if (pairs is not null && taken.Add(string.Join(' ', pairs)))
            {
                methods.Add(new Variation(name, new JsonObject
                {
                    ["studentLayers"] = new JsonArray([.. pairs.Select(pair => (JsonNode)pair.Student)]),
                    ["teacherLayers"] = new JsonArray([.. pairs.Select(pair => (JsonNode)pair.Teacher)]),
                }.ToJsonString()));
            }
        }

        var comparison = new Comparison
        {
            Note = $"which layers of {teacher.Spec.Name} {student.Spec.Name} should be aligned with",
            Base = ComparisonFile.Object(shared.ToJson()).ToJsonString(),
            Methods = methods,
        };
        comparison.Validate();
        return comparison;
    }

    /// <summary>
    /// The gain of each pair alone against depth: <c>student</c>, <c>student_block</c>, <c>depth</c> (0 first block, 1 last), <c>teacher_block</c>, <c>gain</c> (points over the
    /// baseline) with its 95 % interval <c>low</c> to <c>high</c>, <c>gain_seed_N</c> of each seed, and the predictors (<see cref="LayerPredictions.Predictors"/>) where
    /// <c>predictors.csv</c> lies in the comparison's folder; else of the teacher's block <c>intensity</c>, <c>uniformity</c>, <c>high_frequency_ratio</c> where its spectrum does.
    /// </summary>
    /// <param name="result">A comparison whose methods align one pair each; others are left out.</param>
    public static DataFrame Table(ComparisonResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var rows = Single(result).OrderBy(row => row.Student, StringComparer.Ordinal).ThenBy(row => row.Pairs[0].Student).ThenBy(row => row.Pairs[0].Teacher).ToList();
        var table = new DataFrame(
            new StringDataFrameColumn("student", rows.Select(row => row.Student)),
            new Int32DataFrameColumn("student_block", rows.Select(row => row.Pairs[0].Student)),
            new DoubleDataFrameColumn("depth", rows.Select(row => Depth(result, row))),
            new Int32DataFrameColumn("teacher_block", rows.Select(row => row.Pairs[0].Teacher)),
            new DoubleDataFrameColumn("gain", rows.Select(row => row.Difference?.Mean)),
            new DoubleDataFrameColumn("low", rows.Select(row => row.Difference?.Low)),
            new DoubleDataFrameColumn("high", rows.Select(row => row.Difference?.High)));
        foreach (var seed in result.Outcomes.Select(outcome => outcome.Seed).Distinct().Order())
        {
            table.Columns.Add(new DoubleDataFrameColumn(FormattableString.Invariant($"{LayerStudy.SeedColumn}{seed}"), rows.Select(row => Top1(row.Student, row.Method, seed) - Top1(row.Student, result.Comparison.BaselineName, seed))));
        }

        double? Top1(string student, string method, int seed) => result.Outcomes.FirstOrDefault(outcome => (outcome.Student, outcome.Method, outcome.Seed) == (student, method, seed))?.Top1;
        if (File.Exists(PredictorsFile(result.Folder)))
        {
            var predicted = TableCsv.Load(PredictorsFile(result.Folder));
            foreach (var column in predicted.Columns.Where(column => LayerPredictions.Predictors.Any(predictor => predictor.Name == column.Name)))
            {
                table.Columns.Add(new DoubleDataFrameColumn(column.Name, rows.Select(row => Enumerable.Range(0, (int)predicted.Rows.Count)
                    .Where(at => (Whole(predicted["student_block"][at]), Whole(predicted["teacher_block"][at])) == row.Pairs[0] && column[at] is not null)
                    .Select(at => (double?)Convert.ToDouble(column[at], null)).FirstOrDefault())));
            }
        }
        else if (File.Exists(SpectrumFile(result.Folder)))
        {
            var blocks = ModelSpectrum.Load(SpectrumFile(result.Folder)).Blocks.ToDictionary(block => block.Index);
            BlockSpectrum? Block(ComparisonRow row) => blocks.GetValueOrDefault(row.Pairs[0].Teacher);
            table.Columns.Add(new DoubleDataFrameColumn("intensity", rows.Select(row => Block(row)?.Intensity)));
            table.Columns.Add(new DoubleDataFrameColumn("uniformity", rows.Select(row => Block(row)?.Uniformity)));
            table.Columns.Add(new DoubleDataFrameColumn("high_frequency_ratio", rows.Select(row => Block(row)?.HighFrequencyRatio)));
        }

        return table;

        static int Whole(object value) => Convert.ToInt32(value, null);
    }

    /// <summary>The rows of methods that align one pair alone.</summary>
    internal static IReadOnlyList<ComparisonRow> Single(ComparisonResult result) => [.. result.Rows.Where(row => row.Pairs.Count == 1)];

    /// <summary>Relative depth of the student's block in [0, 1].</summary>
    internal static double Depth(ComparisonResult result, ComparisonRow row)
    {
        var model = result.Outcomes.First(outcome => outcome.Student == row.Student && outcome.Method == row.Method).Recipe.Student;
        return row.Pairs[0].Student / (double)Math.Max(1, ModelCatalog.Find(model).Blocks.Count - 1);
    }

    /// <summary>The recipe with alignment, its layers left open.</summary>
    /// <exception cref="SpectralKDException">It has no teacher, or its losses no alignment.</exception>
    internal static DistillationRecipe Aligned(DistillationRecipe recipe, string what = "a sweep over layers")
    {
        if (!recipe.HasTeacher)
        {
            throw new SpectralKDException($"{what} needs a recipe with a teacher, and this one learns from labels alone; take the method soft, hard or fft, or the loss alignment");
        }

        return recipe.Losses is { } losses && Others(recipe)!.Count == losses.Count
            ? throw new SpectralKDException($"{what} varies the layers of the loss alignment, and the recipe's losses are {string.Join(", ", losses.Select(term => term.Name))}; add alignment")
            : recipe with
            {
                Align = true,
                StudentLayers = null,
                TeacherLayers = null,
                CacheTeacher = null,
                Losses = recipe.Losses?.Select(term => term.Name == AlignmentTerm.Kind.Name ? term with { StudentLayers = null, TeacherLayers = null } : term).ToList(),
            };
    }

    /// <summary>The recipe without alignment: the baseline.</summary>
    internal static DistillationRecipe NotAligned(DistillationRecipe recipe)
    {
        var json = ComparisonFile.Object(Aligned(recipe).ToJson());
        ComparisonFile.Merge(json, WithoutAlignment(recipe));
        return RecipeFile.Parse(json.ToJsonString(), "the recipe without alignment");
    }

    /// <summary>Training images of all classes alike.</summary>
    internal static SubsetImageSource Drawn(ImageTrainingData data, int images)
    {
        var source = data.Split.Train;
        return new SubsetImageSource(source, ClassBalance.Draw(source, Enumerable.Range(0, source.Count), Math.Min(images, source.Count), data.Settings.Seed));
    }

    /// <summary>Pairs whose maps fit: each of the student's blocks with the teacher's at the same relative depth, or all.</summary>
    internal static IReadOnlyList<(int Student, int Teacher)> Candidates(VisionModel student, VisionModel teacher, bool all) => !all
        ? [.. Pairs(student, teacher).Where(entry => entry.Pairs is not null).Select(entry => entry.Pairs![0])]
        : [.. from s in Enumerable.Range(0, student.Blocks.Count) from t in Enumerable.Range(0, teacher.Blocks.Count) where One(student, teacher, s, t) is not null select (s, t)];

    private static List<LossTerm>? Others(DistillationRecipe recipe) => recipe.Losses?.Where(term => term.Name != AlignmentTerm.Kind.Name).ToList();

    private static JsonObject WithoutAlignment(DistillationRecipe recipe) =>
        Others(recipe) is { } others ? new JsonObject { ["losses"] = ComparisonFile.Object((recipe with { Losses = others.Count > 0 ? others : [new LossTerm { Name = LabelsTerm.Kind.Name }] }).ToJson())["losses"]!.DeepClone() }
        : recipe.Loss.Method == DistillationMethod.Fft ? new JsonObject { ["loss"] = new JsonObject { ["method"] = "none" } }
        : new JsonObject { ["align"] = false };

    private static string SpectrumFile(string folder) => Path.Combine(folder, "teacher-spectrum.json");

    private static string PredictorsFile(string folder) => Path.Combine(folder, "predictors.csv");

    private static ModelSpectrum SpectrumOf(VisionModel teacher, ImageTrainingData data, string? folder, CancellationToken cancellation)
    {
        if (folder is not null && File.Exists(SpectrumFile(folder)))
        {
            return ModelSpectrum.Load(SpectrumFile(folder));
        }

        var spectrum = SpectralAnalysis.Run(teacher, Drawn(data, SpectrumImages), new SpectralOptions(), null, cancellation);
        if (folder is not null)
        {
            spectrum.Save(SpectrumFile(folder));
        }

        return spectrum;
    }

    private static LayerPredictions? PredictionsOf(DistillationJob job, DistillationRecipe recipe, ModelSpectrum spectrum, string? folder, CancellationToken cancellation)
    {
        if (Candidates(job.Student, job.Teacher!, all: false).Count == 0)
        {
            return null;
        }

        if (folder is not null && File.Exists(PredictorsFile(folder)))
        {
            return new LayerPredictions { Teacher = job.Teacher!.Spec.Name, Student = job.Student.Spec.Name, Table = TableCsv.Load(PredictorsFile(folder)) };
        }

        var predictions = LayerPredictions.Of(job, NotAligned(recipe), spectrum, new PredictionOptions { FirstEpoch = true }, cancellation);
        if (folder is not null)
        {
            predictions.Table.SaveTable(PredictorsFile(folder));
        }

        return predictions;
    }

    // Each of the student's blocks with the teacher's at the same relative depth.
    private static IEnumerable<(string Name, (int Student, int Teacher)[]? Pairs)> Pairs(VisionModel student, VisionModel teacher)
    {
        var (depth, other) = (student.Blocks.Count, teacher.Blocks.Count);
        for (var block = 0; block < depth; block++)
        {
            var opposite = depth == 1 ? other - 1 : (int)Math.Round((double)block * (other - 1) / (depth - 1), MidpointRounding.AwayFromZero);
            yield return ($"pair-{block}-{opposite}", One(student, teacher, block, opposite));
        }
    }

    private static (int Student, int Teacher)[]? One(VisionModel student, VisionModel teacher, int block, int opposite) =>
        Fitting(student, teacher, new LayerSelection { Strategy = LayerStrategy.Explicit, Student = [block], Teacher = [opposite] }, null);

    private static IEnumerable<(string Name, (int Student, int Teacher)[]? Pairs)> Strategies(VisionModel student, VisionModel teacher, ModelSpectrum spectrum, LayerPredictions? predictions)
    {
        var ends = Fitting(student, teacher, new LayerSelection(), null);
        yield return ("endpoints", ends);
        foreach (var strategy in new[] { LayerStrategy.Even, LayerStrategy.All, LayerStrategy.Stages, LayerStrategy.Top })
        {
            yield return (strategy.ToString().ToLowerInvariant(), Fitting(student, teacher, new LayerSelection { Strategy = strategy }, spectrum));
        }

        foreach (var threshold in Thresholds)
        {
            yield return (FormattableString.Invariant($"threshold-{threshold}"), Fitting(student, teacher, new LayerSelection { Strategy = LayerStrategy.Threshold, Threshold = threshold }, spectrum));
        }

        if (predictions is not null && ends is not null)
        {
            yield return ("predicted", Fitting(student, teacher, new LayerSelection { Strategy = LayerStrategy.Predicted, Scores = predictions.Scores(), Count = ends.Length }, null));
        }

        for (var choice = 1; choice <= RandomChoices && ends is not null; choice++)
        {
            yield return ($"random-{choice}", Fitting(student, teacher, Random(student.Blocks.Count, teacher.Blocks.Count, ends.Length, choice), null));
        }
    }

    // As many pairs as the end points have, student's and teacher's blocks drawn and matched by chance.
    private static LayerSelection Random(int students, int teachers, int count, int choice)
    {
        return new LayerSelection { Strategy = LayerStrategy.Explicit, Student = [.. Drawn(students, 0).Order()], Teacher = Drawn(teachers, 1) };

        int[] Drawn(int blocks, int side)
        {
            var all = Enumerable.Range(0, blocks).ToArray();
            new CounterRandom(choice, side).Shuffle(all.AsSpan());
            return all[..Math.Min(count, Math.Min(students, teachers))];
        }
    }

    // Null where the strategy does not suit these models, or pairs maps of other sizes.
    private static (int Student, int Teacher)[]? Fitting(VisionModel student, VisionModel teacher, LayerSelection selection, ModelSpectrum? spectrum)
    {
        try
        {
            var pairs = LayerPairs.Select(teacher, student, selection, spectrum);
            return [.. pairs.StudentLayers.Zip(pairs.TeacherLayers)];
        }
        catch (SpectralKDException)
        {
            return null;
        }
    }
}
