using System.Globalization;

namespace SpectralKD.Distillation;

/// <summary>A recipe in the argument names of the reference's <c>main.py</c>, grouped into lines.</summary>
internal sealed class ReferenceArguments(DistillationRecipe recipe, ExportOptions options)
{
    private readonly CosineSchedule _schedule = recipe.Schedule();

    public IReadOnlyList<string> Lines => [.. new[] { Models(), Loss(), Layers(), Schedule(), Optimizer(), Augmentation(), Places() }.Where(line => line.Length > 0)];

    private string Models() => Join(
        ("--model", recipe.Student),
        ("--teacher-model", recipe.Teacher),
        ("--drop-path", Number(recipe.DropPath)));

    private string Loss() => Join(
        ("--distillation-type", recipe.Loss.Method.ToString().ToLowerInvariant()),
        ("--distillation-alpha", Number(recipe.Loss.Alpha)),
        ("--distillation-beta", Number(recipe.Loss.Beta)),
        ("--distillation-tau", Number(recipe.Loss.Tau)),
        ("--w-fft", recipe.Align ? Number(recipe.Loss.WFft) : "0"),
        ("--smoothing", Number(recipe.Loss.Smoothing)));

    // Without lists the reference aligns all blocks of both models.
    private string Layers()
    {
        if (recipe.Loss.Method == DistillationMethod.None)
        {
            return "";
        }

        var (student, teacher) = ReferenceNotes.LayersOf(recipe);
        return Join(("--s-id", string.Join(' ', student)), ("--t-id", string.Join(' ', teacher)));
    }

    // The reference multiplies --lr by the images of a step over 512, and nothing else.
    private string Schedule() => Join(
        ("--epochs", Number(recipe.Epochs)),
        ("--batch-size", Number(recipe.ImagesPerStep / options.Processes)),
        ("--lr", Number(_schedule.LearningRate * 512 / recipe.ImagesPerStep)),
        ("--min-lr", Number(_schedule.MinimumRate)),
        ("--warmup-epochs", Number(_schedule.WarmupEpochs)),
        ("--warmup-lr", Number(_schedule.WarmupRate)));

    private string Optimizer()
    {
        var settings = recipe.Optimizer;
        var decay = recipe.EmaDecay ?? 0.99996;
        return Join(
            ("--opt", "adamw"),
            ("--opt-betas", $"{Number(settings.Beta1)} {Number(settings.Beta2)}"),
            ("--opt-eps", Number(settings.Epsilon)),
            ("--weight-decay", Number(settings.WeightDecay)),
            ("--clip-grad", settings.ClipNorm is { } norm ? Number(norm) : null),
            decay > 0 ? ("--model-ema-decay", Number(decay)) : ("--no-model-ema", ""));
    }

    private string Augmentation() => recipe.Data.Augmentation == "deit"
        ? "--aa rand-m9-mstd0.5-inc1 --reprob 0.25 --repeated-aug"
        : "--aa '' --color-jitter 0 --reprob 0 --no-repeated-aug";

    private string Places() => Join(
        ("--data-path", Quoted(options.DataPath ?? ReferenceNotes.DataFolder(recipe))),
        ("--data-set", "IMNET"),
        ("--output_dir", Quoted(options.OutputFolder ?? "Output/" + recipe.Student)),
        ("--num_workers", Number(options.Workers)),
        ("--seed", Number(recipe.Seed)));

    private static string Join(params (string Name, string? Value)[] arguments) => string.Join(' ', arguments
        .Where(argument => argument.Value is not null)
        .Select(argument => argument.Value!.Length == 0 ? argument.Name : $"{argument.Name} {argument.Value}"));

    private static string Number(double value) => value.ToString("0.##########", CultureInfo.InvariantCulture);

    private static string Quoted(string path) =>
        path.All(letter => char.IsLetterOrDigit(letter) || "/._-+=:@".Contains(letter, StringComparison.Ordinal)) && path.Length > 0
            ? path : "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
