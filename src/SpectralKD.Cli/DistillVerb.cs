using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd distill</c>: trains by a recipe.</summary>
internal static class DistillVerb
{
    public static Command Create()
    {
        var recipe = RecipeArgument();
        var output = new Option<string?>("--out") { Description = "The run's folder [runs/ and the recipe's name]", HelpName = "FOLDER" };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run in the folder; with a larger --epochs also beyond its end" };
        var epochs = new Option<int?>("--epochs") { Description = "Epochs [the recipe's]", HelpName = "N" }.AtLeastOne();
        var images = new Option<string?>("--images") { Description = $"Images in the place of the recipe's, all of them: {ImageSources.Words} [the recipe's]", HelpName = "SOURCE" };
        images.ReadBy(ModelOptions.KnowImages).CompletionSources.Add(ImageSources.Names);
        var device = ModelOptions.Device("the recipe's");
        var set = new Option<string[]>("--set") { Description = "FIELD=VALUE: any field of the recipe, such as loss.alpha=0.5, may be given several times (spectralkd recipes --fields explains them)", HelpName = "FIELD=VALUE" };
        set.CompletionSources.Add(_ => RecipeFields.All.Select(field => new System.CommandLine.Completions.CompletionItem(field.Path + "=", detail: field.Takes)));
        var seeds = new Option<int>("--seeds")
        {
            Description = "Number of runs, with the recipe's seed and the following ones, each in a folder seed-N; ends with mean and spread of top-1",
            DefaultValueFactory = _ => 1,
        }.AtLeastOne();
        var views = new Option<int?>("--views") { Description = "Number of different draws of the augmentation: epoch e shows the images of epoch e modulo this [the recipe's]" };
        var cache = new Option<string?>("--cache-teacher") { Description = "Folder that keeps the teacher's answers, so that it runs once for each image and view [the recipe's]" };
        var top = new Option<int?>("--cache-top") { Description = "Logits that the cache keeps of each image, the largest [the recipe's: all, exactly]" };
        var half = new Option<bool>("--cache-half") { Description = "Keep the teacher's maps in half precision in the cache [the recipe's]" };
        var decoded = new Option<string?>("--image-cache") { Description = "Folder of the decoded images, made where it is missing [the recipe's]" };
        var teacherSize = new Option<string?>("--teacher-image-size") { Description = "Size of the teacher's input in pixels, 196 or 224x160: each crop is resized twice [the student's]" };
        var resize = new Option<MapResize?>("--resize-maps") { Description = "What happens where the teacher's maps are of another height and width: none (an error), auto (area down, bicubic up), area, bicubic [the recipe's]" }
            .AcceptOnlyFromAmong("none", "auto", "area", "bicubic");
        var losses = new Option<string?>("--losses") { HelpName = "LOSSES", Description = "Losses in the place of the recipe's, such as dist,dkd:alpha=2 (spectralkd methods lists them) [the recipe's]" };
        losses.CompletionSources.Add(context => LossCatalog.Proposals(context.WordToComplete).Select(proposal => new System.CommandLine.Completions.CompletionItem(proposal.Text, detail: proposal.Description)));
        var precision = new Option<ModelPrecision?>("--teacher-precision") { Description = "Numbers in which the frozen teacher computes [the recipe's]" }
            .AcceptOnlyFromAmong("float32", "tf32", "bf16");
        var command = new Command("distill", "Trains a student by a recipe; a stop leaves a checkpoint")
        {
            recipe, output, resume, epochs, images, device, set, seeds, losses, views, cache, top, half, decoded, precision, teacherSize, resize,
        }.PrintsResults();
        command.ReadBy(given => _ = Opened(given.GetValue(recipe)) is { } whole ? Changed(whole, given) : null);
        command.SetAction(async (result, cancel) =>
        {
            var console = result.InvocationConfiguration;
            var name = result.GetRequiredValue(recipe);
            var folder = result.GetValue(output) ?? Path.Combine("runs", Path.GetFileNameWithoutExtension(name));
            var (opened, count) = (RecipeLibrary.Open(name), result.GetValue(seeds));
            var first = Changed(opened, result.CommandResult);
            if (result.GetValue(images) is { } source)
            {
                await ModelOptions.TellAsync(WithImages(opened, source).Notes, console.Error);
            }

            var runs = new List<DistillationRun>();
            for (var seed = first.Seed; seed < first.Seed + count; seed++)
            {
                var place = count == 1 ? folder : Path.Combine(folder, $"seed-{seed}");
                var run = await Distiller.RunAsync(
                    first with { Seed = seed }, place, result.GetValue(resume) && (count == 1 || Directory.Exists(place)), new TrainingLine(console.Error), cancel);
                runs.Add(run);
                if (!result.GetValue(Results.Json))
                {
                    await console.Output.WriteLineAsync(new RunView(run).ToPlainText());
                }

                if (!run.Finished)
                {
                    var again = $"spectralkd distill {Quoted(name)} --out {Quoted(folder)}{(count == 1 ? "" : $" --seeds {count}")}{Given(result, epochs, images, device, set, losses, views, cache, top, half, decoded, precision, teacherSize, resize)} --resume";
                    await console.Error.WriteLineAsync($"spectralkd: stopped after {run.Steps} steps, with a checkpoint; go on with: {again}");
                    break;
                }
            }

            var top1 = runs.Where(run => run.Finished).Select(run => run.Epochs[^1].Top1 ?? double.NaN).ToList();
            if (result.GetValue(Results.Json))
            {
                result.Print(() => "", () => count == 1 ? Figures(runs[0])
                    : new { Runs = runs.Select(Figures), Top1Mean = top1.Count == count ? Results.Finite(top1.Average()) : null, Top1Deviation = top1.Count == count ? Results.Finite(ComparisonStatistics.Deviation(top1)) : null });
            }
            else if (count > 1 && top1.Count == count)
            {
                await console.Output.WriteLineAsync(Spread(top1));
            }

            return runs[^1].Finished ? 0 : CommandLine.Stopped;
        });
        return command;

        DistillationRecipe Changed(DistillationRecipe whole, CommandResult given)
        {
            whole = given.GetValue(images) is { } source ? WithImages(whole, source).Recipe : whole;
            whole = given.GetValue(losses) is { } list ? whole.WithLosses(list) : whole;
            whole = whole with
            {
                Epochs = given.GetValue(epochs) ?? whole.Epochs,
                Device = given.GetValue(device) ?? whole.Device,
                Data = whole.Data with { Views = given.GetValue(views) ?? whole.Data.Views, ImageCache = given.GetValue(decoded) ?? whole.Data.ImageCache },
                CacheTeacher = given.GetValue(cache) ?? whole.CacheTeacher,
                TeacherPrecision = given.GetValue(precision) ?? whole.TeacherPrecision,
                TeacherImageSize = given.GetValue(teacherSize) is { } sides ? ImageSize.Parse(sides) : whole.TeacherImageSize,
                ResizeMaps = given.GetValue(resize) ?? whole.ResizeMaps,
                CacheTop = given.GetValue(top) ?? whole.CacheTop,
                CacheHalf = given.GetValue(half) || whole.CacheHalf,
            };
            whole = RecipeFields.Set(whole, given.GetValue(set) ?? []);
            whole.Validate();
            return whole;
        }
    }

    // A file that is no recipe is no error of usage; what is changed in a recipe may be one.
    private static DistillationRecipe? Opened(string? name)
    {
        try
        {
            return name is null ? null : RecipeLibrary.Open(name);
        }
        catch (SpectralKDException)
        {
            return null;
        }
    }

    // How many images of which classes the recipe took was said of its own images.
    private static (DistillationRecipe Recipe, IEnumerable<string> Notes) WithImages(DistillationRecipe recipe, string source)
    {
        var data = recipe.Data with { Train = source, Count = null, Classes = null, Size = null, Validation = null, ValidationCount = null, ValidationSeed = null };
        var left = RecipeFile.Differences(recipe, recipe with { Data = data }).Where(difference => !difference.StartsWith("data.train ", StringComparison.Ordinal)).Select(difference => difference.Split(" -> ")[0]).ToList();
        return (recipe with { Data = data, Classes = null }, left.Count == 0 ? [] : [$"--images takes all of {source}; the recipe's {string.Join(", ", left)} was said of its own images (set again with --set where it is meant)"]);
    }

    /// <summary>A run as JSON shows it.</summary>
    public static object Figures(DistillationRun run) => new
    {
        run.Name,
        run.Folder,
        run.Finished,
        run.Steps,
        BestEpoch = run.Best?.Epoch,
        BestTop1 = run.Best is { } best ? Results.Finite(Math.Max(best.Top1!.Value, best.AverageTop1 ?? 0)) : null,
        run.BestWeights,
        run.Warnings,
        StudentFrom = run.StudentOrigin?.Words,
        Teacher = run.TeacherOrigin?.Words,
        Epochs = Results.Rows(run.ToDataFrame()),
    };

    // Options that changed the recipe have to be given again, for the run's own recipe holds them.
    private static string Given(ParseResult result, params Option[] options) => string.Concat(options
        .Where(option => result.GetResult(option) is { Implicit: false })
        .Select(option => $" {option.Name}{string.Concat(result.GetResult(option)!.Tokens.Select(token => " " + Quoted(token.Value)))}"));

    private static string Quoted(string word) => word.Any(char.IsWhiteSpace) ? $"\"{word}\"" : word;

    private static string Spread(List<double> top1) => string.Create(
        CultureInfo.InvariantCulture,
        $"top-1 after the last epoch: {top1.Average():0.00} ± {ComparisonStatistics.Deviation(top1):0.00} % (mean and standard deviation of {top1.Count} seeds)");

    /// <summary>The recipe that a verb takes: a file, or the name of one that is built in.</summary>
    public static Argument<string> RecipeArgument() => WithRecipes(new("recipe") { Description = $"A recipe.json, or one of {string.Join(", ", RecipeLibrary.Names)}", HelpName = "recipe" });

    private static Argument<string> WithRecipes(Argument<string> recipe)
    {
        recipe.CompletionSources.Add([.. RecipeLibrary.Names]);
        return recipe.ReadBy(one => _ = ModelOptions.IsName(one) ? RecipeLibrary.Open(one) : null);
    }
}

/// <summary>Progress of a training: one line rewritten in place on a terminal, elsewhere one every ten seconds; and a line at each epoch's end everywhere.</summary>
internal sealed class TrainingLine(TextWriter error) : IProgress<TrainingProgress>
{
    private DateTime _last = DateTime.UtcNow;

    public void Report(TrainingProgress value)
    {
        if (value.Warning is { } warning)
        {
            error.WriteLine($"warning: {warning}");
        }

        if (value.Note is { } note)
        {
            error.WriteLine($"note: {note}");
        }

        if (value is { Phase: TrainingPhase.EpochDone, Metrics: { } metrics })
        {
            _last = DateTime.UtcNow;
            error.WriteLine(ErrorTerminal.Progress(FormattableString.Invariant(
                $"epoch {metrics.Epoch + 1}/{value.Epochs}: loss {metrics.Loss:0.0000}, top-1 {metrics.Top1:0.00} %, with EMA {metrics.AverageTop1:0.00} %, {metrics.ImagesPerSecond:0} images/s")).TrimEnd('\n'));
        }
        else if (value.Phase == TrainingPhase.Training && DateTime.UtcNow - _last > ErrorTerminal.Interval)
        {
            _last = DateTime.UtcNow;
            error.Write(ErrorTerminal.Progress(Words(value)));
        }
    }

    /// <summary>Where a training stands, with its rate and the time left.</summary>
    public static string Words(TrainingProgress value) => FormattableString.Invariant(
        $"epoch {value.Epoch + 1}/{value.Epochs}, step {value.Step}/{value.StepsPerEpoch}, {value.EpochLoss}, {value.ImagesPerSecond:0} images/s")
        + (value.TimeLeft is { } left ? $", {Durations.Text(left)} left" : "");
}
