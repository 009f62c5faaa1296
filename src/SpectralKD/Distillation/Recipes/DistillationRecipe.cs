using System.Text.Json.Serialization;

namespace SpectralKD.Distillation;

/// <summary>
/// All that a training run depends on. Stored as <c>recipe.json</c> in the run's folder; defaults follow the paper's recipes
/// (arXiv 2412.19055) where they suit a short run too.
/// </summary>
public sealed record DistillationRecipe
{
    /// <summary>Version of the file format.</summary>
    public int Version { get; init; } = RecipeFile.CurrentVersion;

    /// <summary>What the run is for, in the user's words.</summary>
    public string? Note { get; init; }

    /// <summary>
    /// What the run was made of that a recipe cannot name, such as a model that was changed in a notebook; written by the run, with the reasons. A recipe with
    /// entries here cannot be run again or exported. Null for nothing.
    /// </summary>
    public IReadOnlyList<string>? Unrepeatable { get; init; }

    /// <summary>timm name of the teacher; null only with the method none.</summary>
    public string? Teacher { get; init; }

    /// <summary>The teacher's weights: <c>pretrained</c>, <c>seeded:N</c>, or a .safetensors or .pth file.</summary>
    public string TeacherWeights { get; init; } = "pretrained";

    /// <summary>timm name of the student.</summary>
    public required string Student { get; init; }

    /// <summary>The student's first weights: <c>seeded</c> (timm's initial ones by <see cref="Seed"/>), <c>seeded:N</c>, <c>pretrained</c>, or a file.</summary>
    public string StudentWeights { get; init; } = "seeded";

    /// <summary>Classes of both heads; null for the images' classes.</summary>
    public int? Classes { get; init; }

    /// <summary>Side of the square input of both models in pixels; null for the student's own.</summary>
    public ImageSize? ImageSize { get; init; }

    /// <summary>
    /// Size of the teacher's input where it takes another than the student: each crop is resized twice, so that a teacher of 14-pixel patches at 196 teaches a
    /// student of 16-pixel patches at 224 on the same 14 x 14 grid. Null for the student's.
    /// </summary>
    public ImageSize? TeacherImageSize { get; init; }

    /// <summary>Side of the student's attention windows in patches, where its family has windows (Swin); bias tables of its first weights are interpolated to it. Null for its own.</summary>
    public int? Window { get; init; }

    /// <summary>Side of the teacher's attention windows in patches, as <see cref="Window"/>. Null for its own.</summary>
    public int? TeacherWindow { get; init; }

    /// <summary>What happens where a teacher's map has another height and width than the student's; none refuses such pairs.</summary>
    public MapResize ResizeMaps { get; init; }

    /// <summary>The images.</summary>
    public RecipeData Data { get; init; } = new();

    /// <summary>Method and weights of the reference's loss; left at its defaults where <see cref="Losses"/> are given.</summary>
    public LossWeights Loss { get; init; } = new();

    /// <summary>
    /// The terms of the loss, each with its official defaults: their weighed sum, with the labels, is trained on. Null takes <see cref="Loss"/>. The run's recipe.json has
    /// all defaults written out.
    /// </summary>
    public IReadOnlyList<LossTerm>? Losses { get; init; }

    /// <summary>
    /// Whether feature maps are aligned; false leaves the alignment term out (the reference has no such switch: its <c>--w-fft 0</c> computes the
    /// term and multiplies it by zero).
    /// </summary>
    public bool Align { get; init; } = true;

    /// <summary>0-based student blocks to align (<c>--s-id</c>), pair by pair; null pairs the paper's end points (2 first, 6 last).</summary>
    public IReadOnlyList<int>? StudentLayers { get; init; }

    /// <summary>0-based teacher blocks to align (<c>--t-id</c>), pair by pair.</summary>
    public IReadOnlyList<int>? TeacherLayers { get; init; }

    /// <summary>Epochs, at least 1.</summary>
    public int Epochs { get; init; } = 5;

    /// <summary>Where the run was made longer (<c>--epochs 20 --resume</c> after 10), written by the run: earlier epochs follow the schedule of fewer epochs. Null for never.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<RunExtension>? Extended { get; init; }

    /// <summary>Images in a forward pass, at least 1.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Batches whose gradients are added up for one step, at least 1.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Peak learning rate as it is used; null takes the reference's rule, 5e-4 * images a step / 512.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Learning rate at the end (<c>--min-lr</c>).</summary>
    public double MinimumRate { get; init; } = 1e-5;

    /// <summary>Epochs of warm-up; null takes the reference's 5, or a tenth of a run of fewer than 50 epochs.</summary>
    public int? WarmupEpochs { get; init; }

    /// <summary>Learning rate that the warm-up starts from (<c>--warmup-lr</c>).</summary>
    public double WarmupRate { get; init; } = 1e-6;

    /// <summary>AdamW's settings and gradient clipping.</summary>
    public AdamWSettings Optimizer { get; init; } = new();

    /// <summary>
    /// Decay of the weights' average; 0 keeps none. Null takes the reference's 0.99996, or for a short run what averages over its last tenth.
    /// </summary>
    public double? EmaDecay { get; init; }

    /// <summary>
    /// The student's stochastic depth, in [0, 1) (<c>--drop-path</c>). It draws from torch's one generator, so runs with it repeat to the bit only while
    /// nothing else in the process draws from that.
    /// </summary>
    [JsonPropertyName("dropPath")]
    public double DropPathRate { get; init; }

    /// <summary>In which numbers the student is trained.</summary>
    public TrainingPrecision Precision { get; init; } = TrainingPrecision.Tf32;

    /// <summary>In which numbers the frozen teacher computes; null takes float32, on CUDA with TensorFloat-32 as <see cref="Precision"/> has it.</summary>
    public ModelPrecision? TeacherPrecision { get; init; }

    /// <summary>Runs the frozen teacher in bfloat16: the older way to say <see cref="TeacherPrecision"/> bf16.</summary>
    public bool TeacherBFloat16 { get; init; }

    internal ModelPrecision TeacherNumbers => TeacherPrecision
        ?? (TeacherBFloat16 ? ModelPrecision.Bf16 : Precision == TrainingPrecision.Float32 ? ModelPrecision.Float32 : ModelPrecision.Tf32);

    /// <summary>
    /// Folder that keeps the frozen teacher's answers, so that it runs once for each image as it is shown; null for none. Runs may share it, also at the same
    /// time. With changing augmentation an answer comes again only with <see cref="RecipeData.Views"/>. The run is the same to the bit with and without it (on the
    /// CPU, at one number of threads) unless less is kept (<see cref="CacheTop"/>, <see cref="CacheHalf"/>).
    /// </summary>
    public string? CacheTeacher { get; init; }

    /// <summary>Logits of an image that the cache keeps, the largest, at least 1; the others share the mass of the rest. Null keeps all, exactly.</summary>
    public int? CacheTop { get; init; }

    /// <summary>Keeps the teacher's feature maps in half precision (float16) in the cache; false keeps float32, exactly.</summary>
    public bool CacheHalf { get; init; }

    /// <summary>Device: <c>auto</c>, <c>cpu</c>, <c>cuda</c>, <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Seed of initial weights, order, augmentation and stochastic depth.</summary>
    public int Seed { get; init; }

    /// <summary>Saves the student's spectra after every epoch, over a fixed probe batch (<c>--track-spectra</c>).</summary>
    public bool TrackSpectra { get; init; }

    /// <summary>Validation images in the probe batch, at least 1.</summary>
    public int ProbeImages { get; init; } = 64;

    /// <summary>Steps between further checkpoints inside an epoch; null writes them at the ends of epochs and at a stop only.</summary>
    public int? CheckpointSteps { get; init; }

    /// <summary>Reads a recipe file.</summary>
    /// <exception cref="SpectralKDException">No such file, not JSON, an unknown or missing key, a value out of range.</exception>
    public static DistillationRecipe Load(string path) => RecipeFile.Load(path);

    /// <summary>Reads a recipe from JSON text.</summary>
    /// <exception cref="SpectralKDException">Not JSON, an unknown or missing key, a value out of range.</exception>
    public static DistillationRecipe FromJson(string json) => RecipeFile.Parse(json, "the recipe");

    /// <summary>The complete recipe as JSON text, defaults included.</summary>
    public string ToJson() => RecipeFile.Write(this);

    /// <summary>Writes <see cref="ToJson"/> to a file that appears complete or not at all.</summary>
    /// <exception cref="SpectralKDException">The file cannot be written.</exception>
    public void Save(string path) => RecipeFile.Save(this, path);

    /// <summary>Checks every value's range.</summary>
    /// <exception cref="SpectralKDException">A value is out of range; the message names it and what fits.</exception>
    public void Validate() => RecipeRules.Check(this);

    /// <summary>The recipe with a list of terms in the place of its loss, as <c>--losses</c> takes it; the label smoothing stays where the list says nothing of it.</summary>
    /// <param name="losses">For example <c>dist,dkd:alpha=2</c>.</param>
    /// <exception cref="SpectralKDException">A name, an argument or a value is not known.</exception>
    public DistillationRecipe WithLosses(string losses)
    {
        var terms = LossTerm.Parse(losses);
        var smoothing = Losses is null ? Loss.Smoothing.ToString(System.Globalization.CultureInfo.InvariantCulture)
            : Losses.FirstOrDefault(term => term.Name == LabelsTerm.Kind.Name)?.Arguments.GetValueOrDefault("smoothing");
        var kept = smoothing is null || terms.Any(term => term.Name == LabelsTerm.Kind.Name) ? terms
            : [new LossTerm { Name = LabelsTerm.Kind.Name, Arguments = new Dictionary<string, string> { ["smoothing"] = smoothing } }, .. terms];
        return this with { Losses = kept, Loss = new LossWeights(), Align = true };
    }

    /// <summary>Whether anything is learnt from a teacher.</summary>
    internal bool HasTeacher => Losses is null ? Loss.Method != DistillationMethod.None : Kinds.Any(kind => kind.Teacher);

    /// <summary>Whether logits are compared with the teacher's.</summary>
    internal bool ComparesLogits => Losses is null ? Loss.Method is DistillationMethod.Soft or DistillationMethod.Hard : Kinds.Any(kind => kind.TeacherLogits);

    /// <summary>The temperature at which KD sees the teacher's logits.</summary>
    internal double Temperature => Losses is null ? Loss.Tau
        : LossTerm.Complete(Losses, 0).FirstOrDefault(term => term.Name == SoftTerm.Kind.Name)?.Settings().Number("tau") ?? 1;

    private IEnumerable<LossKind> Kinds => Losses!.Select(term => LossCatalog.Find(term.Name));

    /// <summary>Some of the terms in words: <c>the losses dist and kd</c>.</summary>
    internal string LossWords(Func<LossKind, bool> which)
    {
        var names = Kinds.Where(which).Select(kind => kind.Name).Distinct().ToList();
        return names.Count == 1 ? $"the loss {names[0]}" : $"the losses {string.Join(", ", names.SkipLast(1))} and {names[^1]}";
    }

    /// <summary>Images that one optimiser step sees.</summary>
    internal int ImagesPerStep => Batch * Accumulate;

    /// <summary>The learning rate's course with all defaults worked out; of a run that was made longer, that of its last part.</summary>
    public CosineSchedule Schedule() => ScheduleOver(Epochs);

    /// <summary>The rate that an epoch runs at, whatever schedule it was under.</summary>
    internal double RateIn(int epoch) => ScheduleOver(PlannedIn(epoch)).InEpoch(epoch);

    // How many epochs the run was to have when this one ran.
    private int PlannedIn(int epoch) => Extended?.FirstOrDefault(part => epoch < part.After)?.Epochs ?? Epochs;

    private CosineSchedule ScheduleOver(int epochs) => new()
    {
        Epochs = epochs,
        LearningRate = LearningRate ?? (5e-4 * ImagesPerStep / 512),
        MinimumRate = MinimumRate,
        WarmupEpochs = WarmupEpochs ?? Math.Min(5, epochs / 10),
        WarmupRate = WarmupRate,
    };

    /// <summary>The average's decay in an epoch with its default worked out; 0 for none.</summary>
    /// <param name="epoch">0-based.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    internal double EmaDecayIn(int epoch, long stepsPerEpoch) => EmaDecayFor(PlannedIn(epoch) * stepsPerEpoch);

    /// <summary>The average's decay with its default worked out; 0 for none.</summary>
    /// <param name="steps">Steps of the whole run.</param>
    internal double EmaDecayFor(long steps) => EmaDecay ?? Math.Clamp(1 - (10.0 / Math.Max(1, steps)), 0.5, 0.99996);
}

/// <summary>A run that was made longer: until when it followed the schedule of fewer epochs.</summary>
/// <param name="After">Epochs that were done, or in progress, when it was made longer.</param>
/// <param name="Epochs">Epochs that the run was to have until then.</param>
public sealed record RunExtension(int After, int Epochs);

/// <summary>Which images a run trains and validates on.</summary>
public sealed record RecipeData
{
    /// <summary>Training images: <c>textures</c>, <c>cifar10</c>, a folder or a .zip archive in ImageFolder layout.</summary>
    public string Train { get; init; } = "textures";

    /// <summary>Number of training images, spread evenly over the classes; null takes all (500 of <c>textures</c>).</summary>
    public int? Count { get; init; }

    /// <summary>
    /// Validation images, named as <see cref="Train"/>. Null takes the source's own validation part where it has one, further <c>textures</c> of the same
    /// seed, or else splits the training images by <see cref="ValidationShare"/> (see <see cref="DataSplit.Open"/>).
    /// </summary>
    public string? Validation { get; init; }

    /// <summary>Number of validation images; null takes all.</summary>
    public int? ValidationCount { get; init; }

    /// <summary>Share of the training images that is kept for validation where they are split, in (0, 1).</summary>
    public double ValidationShare { get; init; } = 0.1;

    /// <summary>
    /// True takes the validation images out of the <see cref="Count"/> training images themselves, by <see cref="ValidationShare"/>, even where the source has a
    /// validation part; what is left is trained on.
    /// </summary>
    public bool HoldOut { get; init; }

    /// <summary>Seed of the split, or of the draw of a named <see cref="Validation"/> source; null takes <see cref="Seed"/>.</summary>
    public int? ValidationSeed { get; init; }

    /// <summary>Side of <c>textures</c> images in pixels; null for the student's image size.</summary>
    public int? Size { get; init; }

    /// <summary>Number of classes to keep, the first ones in sorted order; null keeps all.</summary>
    public int? Classes { get; init; }

    /// <summary>Seed of the draw and of the split; the run's own <see cref="DistillationRecipe.Seed"/> orders and augments.</summary>
    public int Seed { get; init; }

    /// <summary>Augmentation preset: <c>none</c>, <c>crop-flip</c>, <c>deit</c>.</summary>
    public string Augmentation { get; init; } = "none";

    /// <summary>
    /// Number K of different draws of the augmentation, at least 1: epoch e shows the images as epoch e mod K did, in another order. Null draws anew in each epoch.
    /// </summary>
    public int? Views { get; init; }

    /// <summary>Mixup's alpha, 0 for none (DeiT: 0.8). Pairs of images are blended with a share drawn from Beta(alpha, alpha).</summary>
    public double Mixup { get; init; }

    /// <summary>CutMix's alpha, 0 for none (DeiT: 1.0). Where both are on, each batch takes one of them by an even chance.</summary>
    public double CutMix { get; init; }

    internal MixupOptions? Mixing => Mixup > 0 || CutMix > 0 ? new MixupOptions { MixupAlpha = Mixup, CutmixAlpha = CutMix } : null;

    /// <summary>
    /// Folder of the decoded images (<see cref="Data.ImageCache"/>), made where it is missing; null decodes each time. Without random crops the images are kept at the
    /// length that the student's transform resizes to, else whole: the training is the same to the bit.
    /// </summary>
    public string? ImageCache { get; init; }

    /// <summary>Decoding threads; null takes the machine's. The batches do not depend on it.</summary>
    public int? Workers { get; init; }
}

/// <summary>In which numbers a student is trained.</summary>
public enum TrainingPrecision
{
    /// <summary>float32 everywhere, without TensorFloat-32.</summary>
    Float32,

    /// <summary>float32, with TensorFloat-32 in matrix products on CUDA (10 bits of mantissa); on the CPU the same as <see cref="Float32"/>.</summary>
    Tf32,

    /// <summary>The model in bfloat16 with float32 master weights, moments and losses.</summary>
    Bf16,
}
