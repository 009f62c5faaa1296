namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-distill</c>.</summary>
internal sealed class DistillArguments
{
    [MagicParameter("variable that holds the teacher; not needed with --method none", Value = MagicValue.ModelVariable)]
    public string? Teacher { get; set; }

    [MagicParameter("variable that holds the student; it is trained in place", Required = true, Value = MagicValue.ModelVariable)]
    public string Student { get; set; } = "";

    [MagicParameter("variable that holds the training images", Value = MagicValue.ImagesVariable)]
    public string Images { get; set; } = "images";

    [MagicParameter("variable that holds the validation images (a tenth of the training images)", Value = MagicValue.ImagesVariable)]
    public string? Validation { get; set; }

    [MagicParameter("what the student learns from: labels (none), maps (fft), logits and maps (soft, hard)")]
    public DistillationMethod Method { get; set; } = DistillationMethod.Soft;

    [MagicParameter("losses in the place of --method and its weights, such as dist,dkd:alpha=2 (#!spectral-methods lists them)", Value = MagicValue.Losses)]
    public IReadOnlyList<string>? Losses { get; set; }

    [MagicParameter("auto (the paper's end points), none (logits alone), or the variable of #!spectral-select", Value = MagicValue.AnyVariable)]
    public string Layers { get; set; } = "auto";

    [MagicParameter("epochs")]
    public int Epochs { get; set; } = 5;

    [MagicParameter("images in one step")]
    public int Batch { get; set; } = 64;

    [MagicParameter("peak learning rate (5e-4 * batch / 512)")]
    public double? Lr { get; set; }

    [MagicParameter("weight of the teacher's logits against the labels, 0 to 1 (the reference's --distillation-alpha)")]
    public double Alpha { get; set; } = 0.9;

    [MagicParameter("weight of the alignment loss, as the reference's --w-fft (0.2, for Swin 0.05)")]
    public double? WFft { get; set; }

    [MagicParameter("factor before --w-fft, as the reference's --distillation-beta")]
    public double DistillationBeta { get; set; } = 1;

    [MagicParameter("temperature of the logits (the reference's --distillation-tau)")]
    public double Tau { get; set; } = 1;

    [MagicParameter("augmentation: none, crop-flip, deit")]
    public string Augment { get; set; } = "none";

    [MagicParameter("number of different draws of the augmentation: epoch e shows the images of epoch e modulo this (each epoch draws anew)")]
    public int? Views { get; set; }

    [MagicParameter("folder that keeps the teacher's answers, so that it runs once for each image and view", Value = MagicValue.Path)]
    public string? CacheTeacher { get; set; }

    [MagicParameter("logits that the cache keeps of each image, the largest (all, exactly)")]
    public int? CacheTop { get; set; }

    [MagicParameter("keep the teacher's maps in half precision in the cache")]
    public bool CacheHalf { get; set; }

    [MagicParameter("folder of the decoded images, made where it is missing", Value = MagicValue.Path)]
    public string? ImageCache { get; set; }

    [MagicParameter("what happens where the teacher's maps are of another height and width: none (an error), auto (area down, bicubic up), area, bicubic")]
    public MapResize ResizeMaps { get; set; }

    [MagicParameter("seed of order and augmentation")]
    public int Seed { get; set; }

    [MagicParameter("numbers to train in")]
    public TrainingPrecision Precision { get; set; } = TrainingPrecision.Tf32;

    [MagicParameter("numbers in which the frozen teacher computes (float32, on CUDA as --precision has it)")]
    public ModelPrecision? TeacherPrecision { get; set; }

    [MagicParameter("keep the student's spectra after each epoch")]
    public bool TrackSpectra { get; set; }

    [MagicParameter("folder for recipe, log, checkpoints and weights (none: nothing is kept)", Value = MagicValue.Path)]
    public string? Out { get; set; }

    [MagicParameter("go on with the run in the folder of --out")]
    public bool Resume { get; set; }

    [MagicParameter("C# variable for the run; its table goes into <as>Table", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "run";
}

/// <summary>Trains a student, alone or with a teacher, watched in one display that is updated in place.</summary>
internal sealed class DistillCommand : MagicCommand<DistillArguments>
{
    public override string Name => "#!spectral-distill";

    public override string Description => "trains a student with its teacher, watched live; a stop leaves a checkpoint";

    public override string Example => "#!spectral-distill --teacher teacher --student student --images images --epochs 5 --out runs/first";

    public override IReadOnlyDictionary<string, string> OtherNames { get; } = new Dictionary<string, string>
    {
        ["--beta"] = "--w-fft, the weight of the alignment loss, or --distillation-beta, the reference's factor before it",
        ["--distillation-alpha"] = "--alpha",
        ["--distillation-tau"] = "--tau",
    };

    protected override async Task RunAsync(DistillArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var student = host.Model(arguments.Student);
        var teacher = arguments.Teacher is null ? null : host.Model(arguments.Teacher);
        var recipe = RecipeOf(arguments, host, student, teacher);
        var split = Split(arguments, host);
        var data = new ImageTrainingData(split, student.Spec.Preprocessing, student.Spec.ImageSize, recipe.Data, recipe.Seed, recipe.HasTeacher ? teacher?.Spec.ImageSize : null);
        var display = new TrainingDisplay(host, $"{student.Spec.Name}{(teacher is null ? "" : $" from {teacher.Spec.Name}")} on {data.Name}");
        var run = await Distiller.RunAsync(student, teacher, data, recipe, arguments.Out, arguments.Resume, display, cancellationToken);
        await host.SetVariableAsync(arguments.As, run, typeof(DistillationRun));
        await host.SetVariableAsync(arguments.As + "Table", run.ToDataFrame(), typeof(Microsoft.Data.Analysis.DataFrame));
        display.End(run);
    }

    private static DataSplit Split(DistillArguments arguments, INotebookHost host)
    {
        var images = host.Images(arguments.Images);
        return arguments.Validation is { } validation
            ? new DataSplit(images, host.Images(validation))
            : DataSplit.BySeed(images, new RecipeData().ValidationShare, arguments.Seed);
    }

    private static IReadOnlyList<LossTerm>? LossesOf(DistillArguments arguments)
    {
        if (arguments.Losses is not { } losses)
        {
            return null;
        }

        var standard = new DistillArguments();
        return (arguments.Method, arguments.Alpha, arguments.WFft, arguments.DistillationBeta, arguments.Tau)
            == (standard.Method, standard.Alpha, standard.WFft, standard.DistillationBeta, standard.Tau)
            ? LossTerm.Parse(string.Join(',', losses))
            : throw new SpectralKDException("--losses takes the place of --method, --alpha, --w-fft, --distillation-beta and --tau; leave those out, and give weights with the losses: "
                + "labels:weight=0.1,kd:weight=0.9:tau=2,alignment:weight=0.2");
    }

    private static DistillationRecipe RecipeOf(DistillArguments arguments, INotebookHost host, VisionModel student, VisionModel? teacher)
    {
        var pairs = arguments.Layers is "auto" or "none"
            ? null : host.Pairs(arguments.Layers);

        var losses = LossesOf(arguments);

        // The run itself writes down the weights, the sizes and the images, by what the variables hold.
        return new DistillationRecipe
        {
            Teacher = teacher?.Spec.Name,
            Student = student.Spec.Name,
            Data = new RecipeData { Augmentation = arguments.Augment, Views = arguments.Views, ImageCache = arguments.ImageCache },
            Losses = losses,
            Loss = losses is not null ? new LossWeights() : new LossWeights
            {
                Method = arguments.Method,
                Alpha = arguments.Alpha,
                Beta = arguments.DistillationBeta,
                WFft = arguments.WFft ?? student.Spec.AlignmentWeight,
                Tau = arguments.Tau,
            },
            Align = arguments.Layers != "none",
            StudentLayers = pairs?.StudentLayers,
            TeacherLayers = pairs?.TeacherLayers,
            Epochs = arguments.Epochs,
            Batch = arguments.Batch,
            LearningRate = arguments.Lr,
            Precision = arguments.Precision,
            TeacherPrecision = arguments.TeacherPrecision,
            Seed = arguments.Seed,
            CacheTeacher = arguments.CacheTeacher,
            CacheTop = arguments.CacheTop,
            CacheHalf = arguments.CacheHalf,
            TrackSpectra = arguments.TrackSpectra,
            ResizeMaps = arguments.ResizeMaps,
        };
    }
}
