using System.CommandLine;
using SpectralKD.Interactive;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd similarity</c>: two models side by side.</summary>
internal static class SimilarityVerb
{
    /// <summary>The file of sums, by which parts merge.</summary>
    internal const string SumsFile = "similarity.safetensors";

    public static Command Create()
    {
        var (teacher, student) = (ModelOptions.Model("--teacher", "timm name of the teacher"), ModelOptions.Model("--student", "timm name of the student"));
        var (teacherWeights, studentWeights) = (ModelOptions.Weights("--teacher-weights", "The teacher's: "), ModelOptions.Weights("--student-weights", "The student's: "));
        var (images, count, device) = (ModelOptions.Images(), ModelOptions.Count(), ModelOptions.Device());
        var size = ModelOptions.Size("both models' input in pixels", "each model's own");
        var defaults = new SimilarityOptions();
        var directions = new Option<int>("--directions") { Description = "Directions of the subspaces that Grassmann compares", DefaultValueFactory = _ => defaults.Directions };
        var batch = new Option<int>("--batch") { Description = "Images in one forward pass and one batch of the CKA, at least 4", DefaultValueFactory = _ => defaults.BatchSize };
        var studentLayers = new Option<string?>("--student-layers") { Description = "The student's blocks of the pairs to draw in, such as 0,1,6..11 [the paper's end points, where they fit]" };
        var teacherLayers = new Option<string?>("--teacher-layers") { Description = "The teacher's blocks of these pairs, as many" };
        var shard = ModelOptions.Shard("batch");
        var output = ModelOptions.Folder("Folder for similarity.csv, similarity.html and similarity.safetensors, by which parts merge");
        var force = ModelOptions.Force();
        var command = new Command("similarity", "Compares all blocks of two models over the same images: CKA, R2, Procrustes, Grassmann")
        {
            teacher, student, teacherWeights, studentWeights, images, count, size, directions, batch, shard, studentLayers, teacherLayers, device, output, force,
        }.PrintsResults();
        command.SetAction(async (result, cancel) =>
        {
            var console = result.InvocationConfiguration;
            OutputFolder.Prepare(result.GetRequiredValue(output), SumsFile, "a similarity", result.GetValue(force));
            var source = ImageSources.Open(result.GetRequiredValue(images), result.GetValue(count));
            var options = new ModelLoadOptions { ImageSize = ModelOptions.SizeIn(result, size), Device = Devices.Parse(result.GetValue(device) ?? "auto") };
            using var large = await LoadAsync(teacher, teacherWeights);
            using var small = await LoadAsync(student, studentWeights);
            var pairs = PairsOf(large, small);
            var settings = new SimilarityOptions
            {
                Directions = result.GetValue(directions),
                BatchSize = result.GetValue(batch),
                Shard = result.GetValue(shard) is { } part ? DataShard.Parse(part) : null,
            };
            var similarity = ModelSimilarity.Run(large, small, source, settings, new ProgressLine(console.Error), cancel);
            await ModelOptions.TellAsync(source.Notes.Concat(similarity.Notes), console.Error);
            Write(result, similarity, pairs, result.GetRequiredValue(output));
            return 0;

            Task<VisionModel> LoadAsync(Option<string> name, Option<string> weights) =>
                ModelOptions.LoadAsync(result.GetRequiredValue(name), options with { Weights = result.GetRequiredValue(weights) }, console.Error, cancellation: cancel);

            LayerPairs? PairsOf(VisionModel large, VisionModel small) => (result.GetValue(studentLayers), result.GetValue(teacherLayers)) switch
            {
                (null, null) => null,
                ({ } own, { } other) => LayerPairs.Select(large, small, new LayerSelection
                {
                    Strategy = LayerStrategy.Explicit,
                    AnyGrid = true,
                    Student = LayerList.Parse(own, small.Blocks.Count),
                    Teacher = LayerList.Parse(other, large.Blocks.Count),
                }),
                _ => throw new SpectralKDException("--student-layers and --teacher-layers name the pairs together; give both, or neither"),
            };
        });
        return command;
    }

    /// <summary>The file of sums that similarity or merge has left in a folder, or such a file itself; null where there is none.</summary>
    internal static string? SumsIn(string path)
    {
        var file = Path.Combine(path, SumsFile);
        return File.Exists(file) ? file : path.EndsWith(".safetensors", StringComparison.Ordinal) && File.Exists(path) && SimilaritySums.Looks(path) ? path : null;
    }

    /// <summary>Writes the files of a similarity and prints what they say.</summary>
    internal static void Write(ParseResult result, ModelSimilarity similarity, LayerPairs? pairs, string folder)
    {
        var (csv, html, sums) = (Path.Combine(folder, "similarity.csv"), Path.Combine(folder, "similarity.html"), Path.Combine(folder, SumsFile));
        similarity.ToDataFrame().SaveTable(csv);
        AtomicFile.WriteText(html, ChartHtml.Page($"{similarity.Student} beside {similarity.Teacher}", PairSetup.Charts(similarity, pairs ?? PairSetup.EndPoints(similarity))));
        similarity.Save(sums);
        var nearest = similarity.Pairs.Where(pair => pair.Cka is not null).GroupBy(pair => pair.Student.Index).Select(row => row.MaxBy(pair => pair.Cka)!);
        result.Print(
            () => $"{similarity.Student} beside {similarity.Teacher}, {similarity.Images} images; nearest by CKA: "
                + string.Join(", ", nearest.Select(pair => FormattableString.Invariant($"{pair.Student.Index}-{pair.Teacher.Index} {pair.Cka:0.00}")).DefaultIfEmpty($"none, for that takes {HsicSums.Least} images in a batch")) + $"\n{csv}\n{html}\n{sums}",
            () => new { similarity.Student, similarity.Teacher, similarity.Images, Files = new[] { csv, html, sums }, Pairs = Results.Rows(similarity.ToDataFrame()) });
    }
}

/// <summary><c>spectralkd predict</c>: what is known of layer pairs before training.</summary>
internal static class PredictVerb
{
    private const string Table = "predictors.csv";

    public static Command Create()
    {
        var recipe = DistillVerb.RecipeArgument();
        var count = new Option<int>("--count") { Description = "Training images that are looked at, at least 8", DefaultValueFactory = _ => new PredictionOptions().Images };
        var all = new Option<bool>("--all-pairs") { Description = "All pairs whose maps fit, instead of each block of the student with the teacher's at the same relative depth" };
        var seeds = new Option<int>("--seeds") { Description = "First weights of the student, of the recipe's seed and those after it: means, with standard deviations in columns of their own", DefaultValueFactory = _ => 1 };
        var epoch = new Option<bool>("--first-epoch") { Description = "Trains the recipe's first epoch without alignment and looks at the gradients again: gradient_affinity_epoch_1, gradient_ratio_epoch_1" };
        var by = new Option<string>("--by") { Description = $"Predictor that the chosen pairs go by: {string.Join(", ", LayerPredictions.Predictors.Select(predictor => predictor.Name))}", DefaultValueFactory = _ => LayerPredictions.Default };
        by.ReadBy(one => LayerPredictor.Find(one));
        by.CompletionSources.Add(_ => LayerPredictions.Predictors.Select(predictor => new System.CommandLine.Completions.CompletionItem(predictor.Name, detail: predictor.Words)));
        var pairs = new Option<int>("--pairs") { Description = "Number of pairs to choose", DefaultValueFactory = _ => 1 }.AtLeastOne();
        var output = new Option<string?>("--out") { Description = "Folder for predictors.csv [none: only the table is shown]" };
        var force = ModelOptions.Force();
        var command = new Command("predict", "Tells what is known of each layer pair of a recipe before training, and the pairs that promise most") { recipe, count, all, seeds, epoch, by, pairs, output, force }.PrintsResults();
        command.SetAction(async (result, cancel) =>
        {
            var console = result.InvocationConfiguration;
            var opened = ComparisonSetup.RecipeOf(result.GetRequiredValue(recipe));
            var predictor = LayerPredictor.Find(result.GetRequiredValue(by));
            var options = new PredictionOptions { Images = result.GetValue(count), AllPairs = result.GetValue(all), Seeds = result.GetValue(seeds), FirstEpoch = result.GetValue(epoch) };
            if (predictor.AfterEpoch && !options.FirstEpoch)
            {
                throw new SpectralKDException($"{predictor.Name} needs a first epoch of training: add --first-epoch");
            }

            var folder = result.GetValue(output);
            if (folder is not null)
            {
                OutputFolder.Prepare(folder, Table, "predictions", result.GetValue(force));
            }

            var predictions = await LayerPredictions.OfAsync(opened, options, new Line(console.Error), cancel);
            await ModelOptions.TellAsync(predictions.Notes, console.Error);
            var chosen = Chosen(opened, predictions.Scores(predictor.Name), result.GetValue(pairs));
            var (students, teachers) = (chosen.Select(pair => pair.Student), chosen.Select(pair => pair.Teacher));
            var file = folder is null ? null : Path.Combine(folder, Table);
            if (file is not null)
            {
                predictions.Table.SaveTable(file);
            }

            result.Print(
                () => $"{new DataFrameView(predictions.Table, int.MaxValue).ToPlainText()}\nmost promising by {predictor.Name}: \"studentLayers\": [{string.Join(", ", students)}], "
                    + $"\"teacherLayers\": [{string.Join(", ", teachers)}]" + (file is null ? "" : $"\n{file}"),
                () => new { File = file, By = predictor.Name, StudentLayers = students, TeacherLayers = teachers, Pairs = Results.Rows(predictions.Table) });

            return 0;
        });
        return command;
    }

    private static IReadOnlyList<(int Student, int Teacher)> Chosen(DistillationRecipe recipe, IReadOnlyList<LayerScore> scores, int count)
    {
        LayerCandidates Of(string name) => new(name, ModelCatalog.Find(name).Blocks, null);
        var pairs = LayerChoice.Make(Of(recipe.Teacher!), Of(recipe.Student), new LayerSelection { Strategy = LayerStrategy.Predicted, Scores = scores, Count = count, AnyGrid = true });
        return [.. pairs.StudentLayers.Zip(pairs.TeacherLayers)];
    }

    // A line for each step, and of a long one where it stands: rewritten in place on a terminal, elsewhere every ten seconds.
    private sealed class Line(TextWriter error) : IProgress<PredictionProgress>
    {
        private int _step;
        private TimeSpan _last;

        public void Report(PredictionProgress value)
        {
            var ended = value.Step == value.Steps && value.Done >= value.Total && value.Total > 0;
            if (value.Step == _step && !ended && value.Elapsed - _last < ErrorTerminal.Interval)
            {
                return;
            }

            error.Write(value.Step == _step || !ErrorTerminal.Rewrites ? "" : "\n");
            error.Write(ErrorTerminal.Progress(value.Done == 0 ? value.Title : new ProgressView(value.Title, value.Done, value.Total, value.Unit, value.Elapsed).Words));
            error.Write(ended && ErrorTerminal.Rewrites ? "\n" : "");
            (_step, _last) = (value.Step, value.Elapsed);
        }
    }
}
