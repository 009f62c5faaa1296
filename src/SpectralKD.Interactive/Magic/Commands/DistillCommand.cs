using SpectralKD.Data;
using SpectralKD.Distillation;
using SpectralKD.Models;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-distill</c>.</summary>
public sealed class DistillArguments
{
    /// <summary>Variable that holds the teacher.</summary>
    [MagicParameter("variable that holds the teacher; not needed with --method none", Value = MagicValue.ModelVariable)]
    public string? Teacher { get; set; }

    /// <summary>Variable that holds the student; it is trained in place.</summary>
    [MagicParameter("variable that holds the student; it is trained in place", Required = true, Value = MagicValue.ModelVariable)]
    public string Student { get; set; } = "";

    /// <summary>Variable that holds the training images.</summary>
    [MagicParameter("variable that holds the training images", Value = MagicValue.ImagesVariable)]
    public string Images { get; set; } = "images";

    /// <summary>Variable that holds the validation images.</summary>
    [MagicParameter("variable that holds the validation images (a tenth of the training images)", Value = MagicValue.ImagesVariable)]
    public string? Validation { get; set; }

    /// <summary>What the student learns from.</summary>
    [MagicParameter("what the student learns from: labels (none), maps (fft), logits and maps (soft, hard)")]
    public DistillationMethod Method { get; set; } = DistillationMethod.Soft;

    /// <summary>Layer pairs to align.</summary>
    [MagicParameter("auto (the paper's end points), none (logits alone), or the variable of #!spectral-select", Value = MagicValue.AnyVariable)]
    public string Layers { get; set; } = "auto";

    /// <summary>Epochs.</summary>
    [MagicParameter("epochs")]
    public int Epochs { get; set; } = 5;

    /// <summary>Images in one step.</summary>
    [MagicParameter("images in one step")]
    public int Batch { get; set; } = 64;

    /// <summary>Peak learning rate.</summary>
    [MagicParameter("peak learning rate (5e-4 * batch / 512)")]
    public double? Lr { get; set; }

    /// <summary>Weight of KD against labels.</summary>
    [MagicParameter("weight of the teacher's logits against the labels, 0 to 1 (the reference's --distillation-alpha)")]
    public double Alpha { get; set; } = 0.9;

    /// <summary>Weight of the alignment loss.</summary>
    [MagicParameter("weight of the alignment loss, as the reference's --w-fft (0.2, for Swin 0.05)")]
    public double? WFft { get; set; }

    /// <summary>Factor before the weight of the alignment loss.</summary>
    [MagicParameter("factor before --w-fft, as the reference's --distillation-beta")]
    public double DistillationBeta { get; set; } = 1;

    /// <summary>Temperature of the logits.</summary>
    [MagicParameter("temperature of the logits (the reference's --distillation-tau)")]
    public double Tau { get; set; } = 1;

    /// <summary>Augmentation preset.</summary>
    [MagicParameter("augmentation: none, crop-flip, deit")]
    public string Augment { get; set; } = "none";

    /// <summary>Seed of order, augmentation and stochastic depth.</summary>
    [MagicParameter("seed of order and augmentation")]
    public int Seed { get; set; }

    /// <summary>In which numbers the student is trained.</summary>
    [MagicParameter("numbers to train in")]
    public TrainingPrecision Precision { get; set; } = TrainingPrecision.Tf32;

    /// <summary>Keep the student's spectra after each epoch.</summary>
    [MagicParameter("keep the student's spectra after each epoch")]
    public bool TrackSpectra { get; set; }

    /// <summary>The run's folder.</summary>
    [MagicParameter("folder for recipe, log, checkpoints and weights (none: nothing is kept)", Value = MagicValue.Path)]
    public string? Out { get; set; }

    /// <summary>Go on with the run in the folder.</summary>
    [MagicParameter("go on with the run in the folder of --out")]
    public bool Resume { get; set; }

    /// <summary>Variable for the run.</summary>
    [MagicParameter("C# variable for the run; its table goes into <as>Table", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "run";
}

/// <summary>Trains a student, alone or with a teacher, watched in one display that is updated in place.</summary>
public sealed class DistillCommand : MagicCommand<DistillArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-distill";

    /// <inheritdoc/>
    public override string Description => "trains a student with its teacher, watched live; a stop leaves a checkpoint";

    /// <inheritdoc/>
    public override string Example => "#!spectral-distill --teacher teacher --student student --images images --epochs 5 --out runs/first";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> OtherNames { get; } = new Dictionary<string, string>
    {
        ["--beta"] = "--w-fft, the weight of the alignment loss, or --distillation-beta, the reference's factor before it",
        ["--distillation-alpha"] = "--alpha",
        ["--distillation-tau"] = "--tau",
    };

    /// <inheritdoc/>
    protected override async Task RunAsync(DistillArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var student = host.Model(arguments.Student);
        var teacher = arguments.Teacher is null ? null : host.Model(arguments.Teacher);
        var recipe = RecipeOf(arguments, host, student, teacher);
        var split = Split(arguments, host);
        var data = new ImageTrainingData(split, student.Spec.Preprocessing, student.Spec.ImageSize, recipe.Data, recipe.Seed);
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

    private static DistillationRecipe RecipeOf(DistillArguments arguments, INotebookHost host, VisionModel student, VisionModel? teacher)
    {
        var pairs = arguments.Layers is "auto" or "none"
            ? null : host.Pairs(arguments.Layers);

        // The run itself writes down the weights, the sizes and the images, by what the variables hold.
        return new DistillationRecipe
        {
            Teacher = teacher?.Spec.Name,
            Student = student.Spec.Name,
            Data = new RecipeData { Augmentation = arguments.Augment },
            Loss = new LossWeights
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
            Seed = arguments.Seed,
            TrackSpectra = arguments.TrackSpectra,
        };
    }
}
