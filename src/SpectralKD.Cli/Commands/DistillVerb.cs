using System.CommandLine;
using SpectralKD.Distillation;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli.Commands;

/// <summary><c>spectralkd distill</c>: trains by a recipe.</summary>
internal static class DistillVerb
{
    public static Command Create()
    {
        var recipe = RecipeArgument();
        var output = new Option<string?>("--out") { Description = "The run's folder [runs/ and the recipe's name]" };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run in the folder" };
        var command = new Command("distill", "Trains a student by a recipe; a stop leaves a checkpoint") { recipe, output, resume };
        command.SetAction(async (result, cancel) =>
        {
            var console = result.InvocationConfiguration;
            var name = result.GetRequiredValue(recipe);
            var folder = result.GetValue(output) ?? Path.Combine("runs", Path.GetFileNameWithoutExtension(name));
            var run = await Distiller.RunAsync(Open(name), folder, result.GetValue(resume), new TrainingLine(console.Error), cancel);
            await console.Output.WriteLineAsync(new RunView(run).ToPlainText());
            return run.Finished ? 0 : 130;
        });
        return command;
    }

    /// <summary>The recipe that a verb takes: a file, or the name of one that is built in.</summary>
    public static Argument<string> RecipeArgument() => new("recipe") { Description = $"A recipe.json, or one of {string.Join(", ", RecipeLibrary.Names)}" };

    /// <summary>Opens a recipe file or a built-in recipe.</summary>
    public static DistillationRecipe Open(string name) =>
        RecipeLibrary.Names.Contains(name) && !File.Exists(name) ? RecipeLibrary.Get(name) : DistillationRecipe.Load(name);
}

/// <summary>Progress of a training: one line rewritten in place on a terminal, a line at each epoch's end everywhere.</summary>
internal sealed class TrainingLine(TextWriter error) : IProgress<TrainingProgress>
{
    private readonly bool _terminal = !Console.IsErrorRedirected;
    private DateTime _last;

    public void Report(TrainingProgress value)
    {
        if (value.Warning is { } warning)
        {
            error.WriteLine($"warning: {warning}");
        }

        if (value is { Phase: TrainingPhase.EpochDone, Metrics: { } metrics })
        {
            error.WriteLine($"{(_terminal ? "\r" : "")}epoch {metrics.Epoch + 1}/{value.Epochs}: loss {metrics.Loss:0.0000}, "
                + $"top-1 {metrics.Top1:0.00} %, with EMA {metrics.AverageTop1:0.00} %, {metrics.ImagesPerSecond:0} images/s      ");
        }
        else if (_terminal && value.Phase == TrainingPhase.Training && DateTime.UtcNow - _last > TimeSpan.FromSeconds(0.5))
        {
            _last = DateTime.UtcNow;
            error.Write($"\repoch {value.Epoch + 1}/{value.Epochs}, step {value.Step}/{value.StepsPerEpoch}, {value.EpochLoss}, "
                + $"{value.ImagesPerSecond:0} images/s, {value.TimeLeft?.TotalMinutes:0.0} min left   ");
        }
    }
}
