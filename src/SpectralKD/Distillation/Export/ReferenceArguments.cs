using System.Globalization;

namespace SpectralKD.Distillation;

/// <summary>A recipe in the argument names of the reference's <c>main.py</c>, grouped into lines.</summary>
internal sealed class ReferenceArguments(ReferenceLoss loss, ExportOptions options)
{
    private readonly DistillationRecipe _recipe = loss.Recipe;
    private readonly CosineSchedule _schedule = loss.Recipe.Schedule();

    /// <summary>A comment that says in which repository the command runs; empty for SpectralKD's.</summary>
    public string Heading => loss.Place is null ? "" : $"# in {loss.Place}\n";

    public IReadOnlyList<string> Lines => [.. new[] { Models(), Loss(), loss.Argument ?? "", Layers(), Schedule(), Optimizer(), Augmentation(), Places() }.Where(line => line.Length > 0)];

    private string Models() => Join(
        ("--model", _recipe.Student),
        ("--teacher-model", _recipe.Teacher),
        ("--drop-path", Number(_recipe.DropPathRate)));

    private string Loss() => Join(
        ("--distillation-type", _recipe.Loss.Method.ToString().ToLowerInvariant()),
        ("--distillation-alpha", Number(_recipe.Loss.Alpha)),
        ("--distillation-beta", Number(_recipe.Loss.Beta)),
        ("--distillation-tau", Number(_recipe.Loss.Tau)),
        ("--w-fft", _recipe.Align ? Number(_recipe.Loss.WFft) : "0"),
        ("--smoothing", Number(_recipe.Loss.Smoothing)));

    // Without lists the reference aligns all blocks of both models.
    private string Layers()
    {
        if (_recipe.Loss.Method == DistillationMethod.None)
        {
            return "";
        }

        var (student, teacher) = ReferenceNotes.LayersOf(_recipe);
        return Join(("--s-id", string.Join(' ', student)), ("--t-id", string.Join(' ', teacher)));
    }

    // The reference multiplies --lr by the images of a step over 512, and nothing else.
    private string Schedule() => Join(
        ("--epochs", Number(_recipe.Epochs)),
        ("--batch-size", Number(_recipe.ImagesPerStep / options.Processes)),
        ("--lr", Number(_schedule.LearningRate * 512 / _recipe.ImagesPerStep)),
        ("--min-lr", Number(_schedule.MinimumRate)),
        ("--warmup-epochs", Number(_schedule.WarmupEpochs)),
        ("--warmup-lr", Number(_schedule.WarmupRate)));

    private string Optimizer()
    {
        var settings = _recipe.Optimizer;
        var decay = _recipe.EmaDecay ?? 0.99996;
        return Join(
            ("--opt", "adamw"),
            ("--opt-betas", $"{Number(settings.Beta1)} {Number(settings.Beta2)}"),
            ("--opt-eps", Number(settings.Epsilon)),
            ("--weight-decay", Number(settings.WeightDecay)),
            ("--clip-grad", settings.ClipNorm is { } norm ? Number(norm) : null),
            decay > 0 ? ("--model-ema-decay", Number(decay)) : ("--no-model-ema", ""));
    }

    private string Augmentation() => _recipe.Data.Augmentation == "deit"
        ? "--aa rand-m9-mstd0.5-inc1 --reprob 0.25 --repeated-aug"
        : "--aa '' --color-jitter 0 --reprob 0 --no-repeated-aug";

    private string Places() => Join(
        ("--data-path", Quoted(options.DataPath ?? ReferenceNotes.DataFolder(_recipe))),
        ("--data-set", "IMNET"),
        ("--output_dir", Quoted(options.OutputFolder ?? "Output/" + _recipe.Student)),
        ("--num_workers", Number(options.Workers)),
        ("--seed", Number(_recipe.Seed)));

    private static string Join(params (string Name, string? Value)[] arguments) => string.Join(' ', arguments
        .Where(argument => argument.Value is not null)
        .Select(argument => argument.Value!.Length == 0 ? argument.Name : $"{argument.Name} {argument.Value}"));

    private static string Number(double value) => value.ToString("0.##########", CultureInfo.InvariantCulture);

    private static string Quoted(string path) =>
        path.All(letter => char.IsLetterOrDigit(letter) || "/._-+=:@".Contains(letter, StringComparison.Ordinal)) && path.Length > 0
            ? path : "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}

/// <summary>What the reference implementation does otherwise than a recipe says, or cannot do.</summary>
internal sealed class ReferenceNotes
{
    private readonly List<string> _blocking = [];
    private readonly List<string> _differing = [];

    private ReferenceNotes()
    {
    }

    /// <summary>All notes, those that keep it from running first.</summary>
    public IReadOnlyList<string> All => [.. _blocking, .. _differing];

    /// <summary>False where the reference cannot run the recipe.</summary>
    public bool Runs => _blocking.Count == 0;

    public static ReferenceNotes Of(ReferenceLoss loss)
    {
        var (recipe, notes) = (loss.Recipe, new ReferenceNotes());
        notes._blocking.AddRange(loss.Problems);
        notes._differing.AddRange(loss.Notes);
        if (recipe.Extended is not null)
        {
            notes._differing.Add($"the run was made longer on the way; the command follows one schedule of {recipe.Epochs} epochs from the beginning");
        }

        notes.Models(recipe);
        notes.Images(recipe);
        notes.Loss(recipe);
        notes.Training(recipe);
        return notes;
    }

    /// <summary>The layer pairs: the recipe's, or the paper's end points where it names none.</summary>
    public static (IReadOnlyList<int> Student, IReadOnlyList<int> Teacher) LayersOf(DistillationRecipe recipe)
    {
        if (recipe.StudentLayers is { } student && recipe.TeacherLayers is { } teacher)
        {
            return (student, teacher);
        }

        var pairs = LayerChoice.Make(Candidates(recipe.Teacher!), Candidates(recipe.Student), new LayerSelection());
        return (pairs.StudentLayers, pairs.TeacherLayers);
    }

    /// <summary>The folder above <c>train</c>.</summary>
    public static string DataFolder(DistillationRecipe recipe)
    {
        var train = recipe.Data.Train.Replace('\\', '/').TrimEnd('/');
        return train.EndsWith("/train", StringComparison.Ordinal) ? train[..^"/train".Length] : train;
    }

    private void Models(DistillationRecipe recipe)
    {
        foreach (var name in new[] { recipe.Student, recipe.Loss.Method == DistillationMethod.None ? null : recipe.Teacher }.OfType<string>())
        {
            Block(name.Contains("_nano_", StringComparison.Ordinal), $"timm has no model {name}: it is one of this library's own");
            Block(!new[] { "deit_", "cait_", "swin_" }.Any(family => name.StartsWith(family, StringComparison.Ordinal)),
                $"the reference takes models whose names begin with deit_, cait_ or swin_, not {name}");
        }

        Block(!recipe.StudentWeights.StartsWith("seeded", StringComparison.Ordinal) && recipe.Loss.Method != DistillationMethod.None,
            "the reference cannot distil into a student that has weights already (its --finetune works without a teacher only)");
        Classes(recipe);
        Differ(recipe.Loss.Method != DistillationMethod.None && recipe.TeacherWeights != "pretrained",
            $"the teacher's weights {recipe.TeacherWeights} have no counterpart: the reference always loads timm's pretrained ones and never reads --teacher-path");
        Block(recipe.TeacherImageSize is not null, "teacherImageSize has no counterpart: the reference shows both models the same images");
        Block((recipe.Window ?? recipe.TeacherWindow) is not null, "window and teacherWindow have no counterpart: the reference builds both models with their own windows");
        Block(recipe.ResizeMaps != MapResize.None, "resizeMaps has no counterpart: the reference aligns maps of equal grids alone");
        Differ(recipe.ImageSize is not null, "imageSize has no counterpart: the reference builds both models at their own size (--input-size changes the images alone)");
    }

    // The reference's teacher always has its published head; logits of other classes than the images' teach nothing.
    private void Classes(DistillationRecipe recipe)
    {
        if (recipe.Loss.Method is DistillationMethod.Soft or DistillationMethod.Hard && (recipe.Classes ?? recipe.Data.Classes) is { } classes)
        {
            var published = ModelCatalog.Find(recipe.Teacher!).Spec.Classes;
            Block(published != classes, FormattableString.Invariant(
                $"the published head of {recipe.Teacher} has {published} classes and the recipe {classes}, so its logits cannot teach; take the method fft"));
        }
    }

    private void Images(DistillationRecipe recipe)
    {
        Block(recipe.Data.Train is "textures" or "cifar10" || recipe.Data.Train.EndsWith(".zip", StringComparison.OrdinalIgnoreCase),
            $"the reference reads a folder with train and val inside, not {recipe.Data.Train}");
        var validation = DataFolder(recipe) + "/val";
        Block(recipe.Data.Validation is { } named && named.Replace('\\', '/').TrimEnd('/') != validation, $"the reference validates on {validation}, not on {recipe.Data.Validation}");
        Block(recipe.Data.HoldOut && DataFolder(recipe) == recipe.Data.Train.TrimEnd('/'),
            $"the reference reads a folder with train and val inside, and {recipe.Data.Train} is one set of images that holdOut splits");
        Differ(recipe.Data.HoldOut, $"it trains on all images of the folder and validates on {validation}: holdOut has no counterpart");
        Differ(true, "the reference always makes 1000 classes for such a folder");
        Differ(recipe.Data.Count is not null || recipe.Data.ValidationCount is not null || recipe.Data.Classes is not null,
            "it reads all images of the folder: count, validationCount and classes have no counterpart");
        Differ(recipe.Data.Augmentation == "none", "its random resized crop and mirroring cannot be switched off");
        Differ(recipe.Data.Views is not null, "views has no counterpart: it draws the augmentation anew in each epoch");
        Differ(recipe.Data.Mixing is not null, "mixup and cutMix have no counterpart: the reference declares the arguments and never uses them");
        Differ(true, "it validates on images resized to 256/224 of the input size, whatever the model's own crop");
    }

    private void Loss(DistillationRecipe recipe)
    {
        if (recipe.Loss.Method == DistillationMethod.None)
        {
            return;
        }

        Differ(!recipe.Align, "it has no switch for alignment: --w-fft 0 computes the term and multiplies it by zero");
        Differ(recipe.Loss.Form == AlignmentForm.ClosedForm, "it computes the alignment loss by FFT, which equals the closed form to rounding");
        Block(recipe.Loss.Form == AlignmentForm.Spatial && recipe.Align, "the spatial baseline has no counterpart");
        var (student, teacher) = LayersOf(recipe);
        Differ(!Ascends(student) || !Ascends(teacher), "it sorts both layer lists and drops repetitions, which changes the pairs");
    }

    private void Training(DistillationRecipe recipe)
    {
        Differ(true, "it trains in mixed precision (float16 autocast with loss scaling) on CUDA; precision and teacherPrecision have no counterpart");
        Differ(recipe.Accumulate > 1, "it does not accumulate gradients: --batch-size holds the whole step's images");
        Differ(recipe.EmaDecay is null, "the average's decay is the reference's 0.99996, where this library shortens it for short runs");
        Differ(recipe.CacheTeacher is not null, "cacheTeacher has no counterpart: it runs the teacher in every step");
        Differ(recipe.TrackSpectra, "trackSpectra has no counterpart: analyse its checkpoint.pth");
        Differ(true, "random numbers differ: equal seeds do not give equal runs");
    }

    private void Block(bool when, string note)
    {
        if (when)
        {
            _blocking.Add(note);
        }
    }

    private void Differ(bool when, string note)
    {
        if (when)
        {
            _differing.Add(note);
        }
    }

    private static bool Ascends(IReadOnlyList<int> layers) => layers.Zip(layers.Skip(1)).All(pair => pair.First < pair.Second) && layers.All(layer => layer >= 0);

    private static LayerCandidates Candidates(string model) => new(model, ModelCatalog.Find(model).Blocks, null);
}

/// <summary>
/// A recipe's loss as one of the authors' repositories has it: SpectralKD's own <c>main.py</c>, that of Distillation-Dynamics with its projector in the place of the alignment, or that
/// of From-Per-Image-Low-Rank-to-Encoding-Mismatch with the mean square error (<c>--use-mse-loss</c>). All weigh <c>(1 - alpha) labels + alpha KD + beta w_fft maps</c>.
/// </summary>
/// <param name="Recipe">The recipe with that loss in the place of a list of terms.</param>
/// <param name="Place">Where the command is to be run, for a comment above it; null for SpectralKD's repository.</param>
/// <param name="Argument">An argument that it needs besides; null for none.</param>
/// <param name="Problems">Why none of them can train it; empty where one can.</param>
/// <param name="Notes">What it does otherwise.</param>
internal sealed record ReferenceLoss(DistillationRecipe Recipe, string? Place, string? Argument, IReadOnlyList<string> Problems, IReadOnlyList<string> Notes)
{
    private static readonly LossKind[] Maps = [AlignmentTerm.Kind, MeanSquareTerm.Kind, ProjectorTerm.Kind];
    private static readonly LossKind[] Logits = [SoftTerm.Kind, HardTerm.Kind];

    /// <summary>The authors' form of a recipe's loss.</summary>
    public static ReferenceLoss Of(DistillationRecipe recipe)
    {
        if (recipe.Losses is not { } losses)
        {
            return new ReferenceLoss(recipe, null, null, [], []);
        }

        var terms = LossTerm.Complete(losses, ModelCatalog.Find(recipe.Student).Spec.AlignmentWeight);
        var (maps, logits) = (Those(terms, Maps), Those(terms, Logits));
        var problems = new List<string>();
        var strangers = terms.Select(term => term.Name).Except([LabelsTerm.Kind.Name, .. Maps.Concat(Logits).Select(kind => kind.Name)]).ToList();
        Unless(strangers.Count == 0, $"the authors' programs have no {string.Join(", ", strangers)}");
        Unless(maps.Count <= 1 && logits.Count <= 1, "the authors' programs take one term of logits and one of maps");
        var (labels, map, logit) = (terms[0].Weight!.Value, maps.FirstOrDefault(), logits.FirstOrDefault());
        Unless(logit?.Arguments.GetValueOrDefault(LossKind.Standardise) != "true", "the authors' programs do not standardise logits");
        Unless(logit is null || Math.Abs(labels + logit.Weight!.Value - 1) < 1e-9, FormattableString.Invariant(
            $"the authors' programs weigh labels by 1 - alpha and logits by alpha, but here the weights are {labels} and {logit?.Weight}: give ones that add up to 1"));
        Unless(logit is not null || (map is null ? labels == 1 : labels is >= 0 and <= 1), FormattableString.Invariant($"labels alone weigh 1 in the authors' programs, not {labels}"));
        Unless(map is null || map.Name != AlignmentTerm.Kind.Name || map.Arguments is var given && given["dc"] == "true" && given["band"] == "all", "the authors' alignment takes all frequencies (dc, band)");
        var weights = new LossWeights
        {
            Method = logit?.Name == SoftTerm.Kind.Name ? DistillationMethod.Soft : logit is not null ? DistillationMethod.Hard : map is not null ? DistillationMethod.Fft : DistillationMethod.None,
            Alpha = Math.Clamp(1 - labels, 0, 1),
            WFft = map?.Weight ?? 0,
            Tau = logit?.Name == SoftTerm.Kind.Name ? logit.Settings().Number("tau") : 1,
            Smoothing = terms[0].Settings().Number("smoothing"),
        };
        var plain = recipe with
        {
            Losses = null,
            Loss = weights,
            Align = map is not null,
            StudentLayers = map?.StudentLayers ?? recipe.StudentLayers,
            TeacherLayers = map?.TeacherLayers ?? recipe.TeacherLayers,
        };
        return map?.Name == ProjectorTerm.Kind.Name
            ? new ReferenceLoss(plain, "github.com/thy960112/Distillation-Dynamics, Distillation_Code/ProjectorKD", null, problems,
                map.Arguments.Values.Contains("true") ? ["its projector is made after the optimiser and so is never trained, where this recipe trains it"] : [])
            : map?.Name == MeanSquareTerm.Kind.Name
                ? new ReferenceLoss(plain, "github.com/thy960112/From-Per-Image-Low-Rank-to-Encoding-Mismatch, training/widelast", "--use-mse-loss", problems, [])
                : new ReferenceLoss(plain, null, null, problems, []);

        void Unless(bool holds, string problem)
        {
            if (!holds)
            {
                problems.Add(problem);
            }
        }
    }

    private static List<LossTerm> Those(IReadOnlyList<LossTerm> terms, LossKind[] kinds) => [.. terms.Where(term => kinds.Any(kind => kind.Name == term.Name))];
}
